"""Moves a face the way a half-working facial nerve would."""
