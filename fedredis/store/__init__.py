"""Typed access to the state in Redis: one module a role."""
