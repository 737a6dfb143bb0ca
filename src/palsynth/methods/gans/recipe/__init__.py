"""The recipes of the predecessors."""
