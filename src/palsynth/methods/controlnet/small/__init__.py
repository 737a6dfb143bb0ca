"""Our own small Stable Diffusion, which ships, and how it is trained."""
