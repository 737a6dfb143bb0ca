"""Plain diffusion models as baselines: DDPM (Ho et al. 2020) and latent diffusion (Rombach et al.
2022), with or without the movement and the weak side as the condition."""
