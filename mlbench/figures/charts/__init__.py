"""The figures, a file each; `mlbench.figures` has their functions."""
