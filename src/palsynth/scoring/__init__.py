"""Judges (networks that extract features from images), cached features, panels."""
