"""Reads and writes models, and converts the published checkpoint."""
