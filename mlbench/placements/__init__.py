"""Placement: processors and devices for each pipeline, and what stands around a worker.

Pipelines on one GPU share it by time slices, unless ``place: {sharing: ...}`` names a
method: one of the entry points ``mlbench.placements``, each a file here, which stands around
the worker. What works inside of one process and needs no environment, such as streams and
green contexts, has no place among them: it would be part of how a worker opens its device
(`mlbench.engine.opened`).
"""
