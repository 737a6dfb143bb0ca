"""The round trip: A's expression on B, and from there back on A (``palsynth.comparison.afid``).

The protocol makes pictures of its own, both ways, and computes these figures itself.
"""

from __future__ import annotations

from palsynth.evaluation.metric import Metric

_OTHER_POSE = "the round trip ends in another pose and light"

METRICS = (
    Metric(
        key="afid",
        title="aFID",
        family="cycle",
        better="down",
        meaning="FID of the pictures that came back and the original expression images",
        judge="Inception by --inception, else our features",
        needs=("round trip",),
        digits=2,
        blind="copying the expression image scores 0",
        weights="inception",
    ),
    Metric(
        key="psnr_back",
        title="PSNR of the round trip, dB",
        family="cycle",
        better="up",
        meaning="PSNR of the picture that came back and the original expression image",
        judge="torchmetrics",
        needs=("round trip",),
        digits=2,
        blind=_OTHER_POSE,
    ),
    Metric(
        key="ssim_back",
        title="SSIM of the round trip",
        family="cycle",
        better="up",
        meaning="SSIM of the picture that came back and the original expression image",
        judge="torchmetrics",
        needs=("round trip",),
        blind=_OTHER_POSE,
    ),
    Metric(
        key="likeness_there",
        title="dlib distance of the first image to its identity",
        family="cycle",
        better="down",
        meaning="distance of the picture of the way out to B, which exposes a method that copies "
        "the expression image",
        judge="dlib",
        needs=("faces", "round trip"),
        blind="copying the identity image is perfect",
    ),
)
