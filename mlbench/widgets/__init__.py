"""Widgets: what a notebook shows and edits, over the bundles of ``widgets/``."""
