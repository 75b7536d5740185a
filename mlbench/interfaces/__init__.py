"""What stages, loads, probes and placement methods have to offer: an interface a file."""
