"""Studies: blocks of runs that belong together, read while they are made and after."""
