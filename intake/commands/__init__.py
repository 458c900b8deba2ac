"""The commands, a module per subject. What is slow to import is imported where it is used."""
