"""The networks of the ControlNet methods: a Stable Diffusion, and a ControlNet that is gated."""
