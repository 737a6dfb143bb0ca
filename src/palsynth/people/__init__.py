"""People who do not exist: draws from the appearance model, moved, dressed and lit."""

from palsynth.people.chance import random_palsy, random_view
from palsynth.people.person import EVALUATION_SEEDS, Person, sample
from palsynth.people.render import HeadPose, Jitter, Light, Portrait, View, render, render_drive

__all__ = [
    "EVALUATION_SEEDS",
    "HeadPose",
    "Jitter",
    "Light",
    "Person",
    "Portrait",
    "View",
    "random_palsy",
    "random_view",
    "render",
    "render_drive",
    "sample",
]
