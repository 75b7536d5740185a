"""Sources of samples, one file for each."""
