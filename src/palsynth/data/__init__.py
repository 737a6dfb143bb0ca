"""Datasets on disk: manifest, the one writer, importers, check, stats."""
