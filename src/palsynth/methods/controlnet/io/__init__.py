"""Reads published weights, and reads and writes our own."""
