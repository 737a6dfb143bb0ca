"""Clips: moving pictures in files that say that they are synthetic, and tables of their truth."""

from palsynth.generation.video.formats import ClipFormat, Codec, clip_format
from palsynth.generation.video.truth import FrameTruth, truth_path, write_truth
from palsynth.generation.video.write import write_clip

__all__ = [
    "ClipFormat",
    "Codec",
    "FrameTruth",
    "clip_format",
    "truth_path",
    "write_clip",
    "write_truth",
]
