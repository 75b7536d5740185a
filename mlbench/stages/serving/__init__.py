"""Models behind HTTP: a server of one's own or somebody else's, and a client that streams."""
