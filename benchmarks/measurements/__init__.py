"""Each measurement: what it runs, and the rows that it makes of that."""
