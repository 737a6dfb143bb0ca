"""Metrics over arrays and features, and report tables; code that runs models is elsewhere."""
