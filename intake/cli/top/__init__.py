"""The screen of `willcall top`: queries to the servers, and the picture of their answers."""
