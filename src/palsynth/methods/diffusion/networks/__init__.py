"""The networks of a plain diffusion model."""
