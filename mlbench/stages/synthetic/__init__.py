"""Synthetic stages with a known cost, for tests, calibration and antagonists."""
