"""Measurements, each printed by one command; nothing here is a test."""
