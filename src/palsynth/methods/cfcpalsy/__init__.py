"""CFCPalsy (Gao, Zhang & Xia, arXiv 2409.07271): cross-fusion cycle diffusion, with extensions."""
