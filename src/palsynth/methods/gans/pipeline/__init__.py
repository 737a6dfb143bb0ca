"""From faces to images."""
