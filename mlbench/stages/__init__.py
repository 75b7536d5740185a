"""The stage library, a folder for each family."""
