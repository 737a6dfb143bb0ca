"""Protocols that run methods and judge them."""
