"""Protocols that compare methods: benchmark sets, transfer, aFID, tables."""
