"""The columns of a report: title, direction, and what a figure cannot judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FAMILIES = {
    "fidelity": "Against the ground truth",
    "identity": "Identity",
    "expression": "Requested expression",
    "patient": "Distance from the patient",
    "distribution": "Distribution",
    "cycle": "Round trip",
    "quality": "Image quality",
}
"""Family of columns -> heading of its table."""


@dataclass(frozen=True)
class Column:
    """A column of a report.

    Attributes:
        key: key of the figure.
        title: title with the unit, without arrow.
        family: key of FAMILIES.
        better: whether higher or lower is better.
        digits: decimals shown.
        blind: what the figure cannot judge; empty if there is no such caveat.
    """

    key: str
    title: str
    family: str
    better: Literal["up", "down"]
    digits: int = 3
    blind: str = ""

    @property
    def heading(self) -> str:
        """Title with an arrow."""
        return f"{self.title} {'↑' if self.better == 'up' else '↓'}"


_FEW_PIXELS_MOVE = "few pixels move, so that copying the identity image scores high"
_IDENTITY_COPY_IS_PERFECT = "copying the identity image is perfect"
_EXPRESSION_COPY_MOVES = "copying the expression image shows the requested movement"
_OTHER_FACES_SCORE_LOW = "any other face, or none, scores low"
_SETS_ONLY = "compares the sets only, not identity or expression"
_OTHER_POSE = "the round trip ends in another pose and light"

COLUMNS = (
    Column("psnr", "PSNR, dB", "fidelity", "up", 2, _FEW_PIXELS_MOVE),
    Column("ssim", "SSIM", "fidelity", "up", 3, _FEW_PIXELS_MOVE),
    Column("psnr_moving", "PSNR of moving pixels, dB", "fidelity", "up", 2),
    Column("ssim_moving", "SSIM of moving pixels", "fidelity", "up"),
    Column("lpips", "LPIPS", "fidelity", "down"),
    Column(
        "landmark_error",
        "landmark error, %",
        "fidelity",
        "down",
        2,
        "includes the detector's own error",
    ),
    Column(
        "identity_distance",
        "dlib distance to the identity",
        "identity",
        "down",
        3,
        _IDENTITY_COPY_IS_PERFECT,
    ),
    Column("identity_top1", "re-identified, %", "identity", "up", 1, _IDENTITY_COPY_IS_PERFECT),
    Column(
        "identity_cosine", "cosine to the identity", "identity", "up", 3, _IDENTITY_COPY_IS_PERFECT
    ),
    Column(
        "leak_distance",
        "dlib distance to the expression's person",
        "identity",
        "up",
        3,
        "people differ anyway: compare with the truth's",
    ),
    Column(
        "side_accuracy",
        "side accuracy, %",
        "expression",
        "up",
        1,
        "copying the expression image shows the requested side",
    ),
    Column("rank_brow", "rank agreement, brow", "expression", "up"),
    Column("rank_eye", "rank agreement, eye", "expression", "up"),
    Column("rank_mouth", "rank agreement, mouth", "expression", "up"),
    Column("item_kappa", "item score kappa", "expression", "up", 3, _EXPRESSION_COPY_MOVES),
    Column("judge_movement", "movement accuracy, %", "expression", "up", 1, _EXPRESSION_COPY_MOVES),
    Column(
        "judge_weakness",
        "weakness error of the judge",
        "expression",
        "down",
        3,
        "copying the expression image shows the requested weakness",
    ),
    Column(
        "patient_landmarks",
        "landmark distance to the patient, %",
        "patient",
        "down",
        2,
        "another person's face has other landmarks: low means the patient's own face",
    ),
    Column(
        "patient_perceptual",
        "perceptual distance to the patient",
        "patient",
        "down",
        3,
        "low means the patient's own appearance",
    ),
    Column(
        "patient_cosine", "similarity to the patient", "patient", "down", 3, _OTHER_FACES_SCORE_LOW
    ),
    Column("recognised", "matched to the patient, %", "patient", "down", 1, _OTHER_FACES_SCORE_LOW),
    Column("fid", "FID", "distribution", "down", 2, _SETS_ONLY),
    Column("kid", "KID x 1000", "distribution", "down", 2, _SETS_ONLY),
    Column("afid", "aFID", "cycle", "down", 2, "copying the expression image scores 0"),
    Column("psnr_back", "PSNR of the round trip, dB", "cycle", "up", 2, _OTHER_POSE),
    Column("ssim_back", "SSIM of the round trip", "cycle", "up", 3, _OTHER_POSE),
    Column(
        "likeness_there",
        "dlib distance of the first image to its identity",
        "cycle",
        "down",
        3,
        _IDENTITY_COPY_IS_PERFECT,
    ),
    Column("ser_fiq", "SER-FIQ", "quality", "up", 3, "any clear face scores high"),
    Column("faces", "one face found, %", "quality", "up", 1, "any face counts"),
)
"""All columns, in the order of the report."""

BY_KEY = {column.key: column for column in COLUMNS}
"""Key -> column."""
