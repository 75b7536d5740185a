"""Placement: processors and devices for each pipeline, and what stands around a worker."""
