"""The run directory: write it, tail it, read it."""
