"""The networks of CFCPalsy, and how they are put together to a model."""
