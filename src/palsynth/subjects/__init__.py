"""Synthetic subjects: sampled from the appearance model, moved by the simulator and rendered."""

from palsynth.subjects.chance import random_palsy, random_scene, random_view
from palsynth.subjects.render import Portrait, Sitting, render, render_drive
from palsynth.subjects.scene import HeadPose, Jitter, Light, Scene, View
from palsynth.subjects.subject import (
    EVALUATION_SEEDS,
    VALIDATION_SEEDS,
    Subject,
    sample,
    subject_name,
)

__all__ = [
    "EVALUATION_SEEDS",
    "VALIDATION_SEEDS",
    "HeadPose",
    "Jitter",
    "Light",
    "Portrait",
    "Scene",
    "Sitting",
    "Subject",
    "View",
    "random_palsy",
    "random_scene",
    "random_view",
    "render",
    "render_drive",
    "sample",
    "subject_name",
]
