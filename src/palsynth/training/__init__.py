"""One training loop for all models: stateless randomness, EMA, checkpoints, resume, logs."""
