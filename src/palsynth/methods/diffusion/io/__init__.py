"""Plain diffusion models on disk."""
