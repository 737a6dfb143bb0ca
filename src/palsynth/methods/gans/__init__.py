"""The predecessors: conditional GANs, a face-swap autoencoder and CycleGAN."""
