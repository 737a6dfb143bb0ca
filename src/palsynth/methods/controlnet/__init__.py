"""Privacy-preserving simulation (Tajima, Seo & Chen 2026): Stable Diffusion guided by edges."""
