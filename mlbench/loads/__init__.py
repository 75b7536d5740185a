"""Arrival processes: pure generators of due times."""
