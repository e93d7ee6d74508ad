"""Rounds through Redis: the engine that opens, reduces and commits, and a master's lease."""
