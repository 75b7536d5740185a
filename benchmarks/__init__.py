"""mlbench measured against its peers and against the floor: ``make bench``."""
