"""The command line: `willcall`."""
