"""Datasets on disk: manifest, writer, importers, checks and statistics; training sources."""
