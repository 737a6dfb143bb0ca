"""Utility of synthetic images for training graders."""
