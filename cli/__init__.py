"""The command line: thin commands, and how their results look."""
