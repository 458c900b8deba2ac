"""How large the code is, and who imports whom. Nothing is imported: it is read with `ast`."""
