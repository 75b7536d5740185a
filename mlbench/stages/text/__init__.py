"""Text stages: real paragraphs, all-MiniLM-L6-v2 for embeddings, SmolLM2-135M for the rest."""
