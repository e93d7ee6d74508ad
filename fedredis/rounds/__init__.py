"""Rounds through Redis: the engine that opens, pumps, reduces and commits, and a master's lease."""
