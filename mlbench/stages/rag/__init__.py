"""Retrieval-augmented generation: questions about real text, answered stage by stage."""
