"""Animates a face as a weakened facial nerve would."""
