"""Which adversarial losses there are."""

from __future__ import annotations

from typing import Literal

AdversarialLoss = Literal["logistic", "least-squares"]
"""The logistic loss of the first GAN (Goodfellow et al. 2014, non-saturating), as in pix2pix, or
least squares (Mao et al. 2017), as in CycleGAN."""
