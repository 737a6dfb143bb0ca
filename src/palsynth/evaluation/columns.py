"""The columns of a report: what each figure is, which way is better, what it cannot judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FAMILIES = {
    "fidelity": "Against the true answer",
    "identity": "Who it is",
    "expression": "What was asked for",
    "patient": "Against the patient",
    "distribution": "As a set",
    "cycle": "There and back again",
    "quality": "As a picture",
}
"""Family of columns -> heading."""


@dataclass(frozen=True)
class Column:
    """``better`` up or down; ``blind`` names what the figure cannot see, in words."""

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


COLUMNS = (
    Column("psnr", "PSNR, dB", "fidelity", "up", 2,
           "most pixels do not move: copying the identity image scores high"),
    Column("ssim", "SSIM", "fidelity", "up", 3,
           "most pixels do not move: copying the identity image scores high"),
    Column("psnr_moving", "PSNR where it moves, dB", "fidelity", "up", 2),
    Column("ssim_moving", "SSIM where it moves", "fidelity", "up"),
    Column("lpips", "LPIPS", "fidelity", "down"),
    Column("landmark_error", "landmark error, %", "fidelity", "down", 2,
           "the detector's own error is in it"),
    Column("identity_distance", "dlib distance to the identity", "identity", "down", 3,
           "copying the identity image is perfect"),
    Column("identity_top1", "re-identified, %", "identity", "up", 1,
           "copying the identity image is perfect"),
    Column("identity_cosine", "cosine to the identity", "identity", "up", 3,
           "copying the identity image is perfect"),
    Column("leak_distance", "dlib distance to the expression's person", "identity", "up", 3,
           "people differ anyway: compare with the truth's"),
    Column("side_accuracy", "side accuracy, %", "expression", "up", 1,
           "copying the expression image shows the asked side"),
    Column("rank_brow", "rank agreement, brow", "expression", "up"),
    Column("rank_eye", "rank agreement, eye", "expression", "up"),
    Column("rank_mouth", "rank agreement, mouth", "expression", "up"),
    Column("item_kappa", "item score kappa", "expression", "up", 3,
           "copying the expression image shows the asked movement"),
    Column("judge_movement", "movement read right, %", "expression", "up", 1,
           "copying the expression image shows the asked movement"),
    Column("judge_weakness", "weakness error of the judge", "expression", "down", 3,
           "copying the expression image shows the asked weakness"),
    Column("patient_landmarks", "landmarks off the patient's, %", "patient", "down", 2,
           "another person's face has other landmarks: low means the patient's own face"),
    Column("patient_perceptual", "perceptual distance to the patient", "patient", "down", 3,
           "low means the patient's own looks"),
    Column("patient_cosine", "similarity to the patient", "patient", "down", 3,
           "any other face, or none, scores low"),
    Column("recognised", "taken for the patient, %", "patient", "down", 1,
           "any other face, or none, scores low"),
    Column("fid", "FID", "distribution", "down", 2, "who and what is not asked, only the set"),
    Column("kid", "KID x 1000", "distribution", "down", 2,
           "who and what is not asked, only the set"),
    Column("afid", "aFID", "cycle", "down", 2, "copying the expression image scores 0"),
    Column("psnr_back", "PSNR back, dB", "cycle", "up", 2,
           "the way back lies in another pose and light"),
    Column("ssim_back", "SSIM back", "cycle", "up", 3,
           "the way back lies in another pose and light"),
    Column("likeness_there", "dlib distance of the first to its person", "cycle", "down", 3,
           "copying the identity image is perfect"),
    Column("ser_fiq", "SER-FIQ", "quality", "up", 3, "any clear face scores high"),
    Column("faces", "one face found, %", "quality", "up", 1, "any face counts"),
)  # fmt: skip

BY_KEY = {column.key: column for column in COLUMNS}
