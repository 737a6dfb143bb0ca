"""Settings of the predecessors; no network."""
