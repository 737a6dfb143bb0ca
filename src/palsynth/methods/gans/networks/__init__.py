"""Generators, discriminators and the restoration network."""
