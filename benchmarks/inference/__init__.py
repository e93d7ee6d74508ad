"""Analyses beside the packages that do them on the rows in one place: the table of the docs."""
