"""The small Stable Diffusion of our own that ships, and how it is made."""
