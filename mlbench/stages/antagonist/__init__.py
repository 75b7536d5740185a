"""Antagonists: pipelines that ask for one resource, as much as a dial says."""
