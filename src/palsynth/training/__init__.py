"""One loop for everything that learns: stateless randomness, EMA, checkpoints, resume, logs."""
