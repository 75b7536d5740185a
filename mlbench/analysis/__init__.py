"""From the tables of a run to numbers: pure functions, the same while it runs and after."""
