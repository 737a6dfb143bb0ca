"""The literal heading, family and direction of each figure."""

from __future__ import annotations

from palsynth.evaluation.columns import BY_KEY, COLUMNS, FAMILIES

HEADINGS = {
    "psnr": "PSNR, dB ↑",
    "ssim": "SSIM ↑",
    "psnr_moving": "PSNR of moving pixels, dB ↑",
    "ssim_moving": "SSIM of moving pixels ↑",
    "lpips": "LPIPS ↓",
    "landmark_error": "landmark error, % ↓",
    "identity_distance": "dlib distance to the identity ↓",
    "identity_top1": "re-identified, % ↑",
    "identity_cosine": "cosine to the identity ↑",
    "leak_distance": "dlib distance to the expression's person ↑",
    "side_accuracy": "side accuracy, % ↑",
    "rank_brow": "rank agreement, brow ↑",
    "rank_eye": "rank agreement, eye ↑",
    "rank_mouth": "rank agreement, mouth ↑",
    "item_kappa": "item score kappa ↑",
    "judge_movement": "movement accuracy, % ↑",
    "judge_weakness": "weakness error of the judge ↓",
    "patient_landmarks": "landmark distance to the patient, % ↓",
    "patient_perceptual": "perceptual distance to the patient ↓",
    "patient_cosine": "similarity to the patient ↓",
    "recognised": "matched to the patient, % ↓",
    "fid": "FID ↓",
    "kid": "KID x 1000 ↓",
    "afid": "aFID ↓",
    "psnr_back": "PSNR of the round trip, dB ↑",
    "ssim_back": "SSIM of the round trip ↑",
    "likeness_there": "dlib distance of the first image to its identity ↓",
    "ser_fiq": "SER-FIQ ↑",
    "faces": "one face found, % ↑",
}

FAMILY = {
    "fidelity": "psnr ssim psnr_moving ssim_moving lpips landmark_error",
    "identity": "identity_distance identity_top1 identity_cosine leak_distance",
    "expression": "side_accuracy rank_brow rank_eye rank_mouth item_kappa judge_movement "
    "judge_weakness",
    "patient": "patient_landmarks patient_perceptual patient_cosine recognised",
    "distribution": "fid kid",
    "cycle": "afid psnr_back ssim_back likeness_there",
    "quality": "ser_fiq faces",
}


def test_every_key_has_its_heading_and_direction() -> None:
    assert {c.key: c.heading for c in COLUMNS} == HEADINGS
    assert {key: c.heading for key, c in BY_KEY.items()} == HEADINGS


def test_figures_have_their_significant_digits() -> None:
    two = "psnr psnr_moving landmark_error patient_landmarks fid kid afid psnr_back"
    one = "identity_top1 side_accuracy judge_movement recognised faces"
    digits = dict.fromkeys(HEADINGS, 3) | dict.fromkeys(two.split(), 2)
    assert {c.key: c.digits for c in COLUMNS} == digits | dict.fromkeys(one.split(), 1)


def test_every_column_is_in_its_family() -> None:
    assert {c.key: c.family for c in COLUMNS} == {
        key: family for family, keys in FAMILY.items() for key in keys.split()
    }
    assert FAMILIES == {
        "fidelity": "Against the ground truth",
        "identity": "Identity",
        "expression": "Requested expression",
        "patient": "Distance from the patient",
        "distribution": "Distribution",
        "cycle": "Round trip",
        "quality": "Image quality",
    }


def test_caveats_name_the_right_copy() -> None:
    """Copying the identity image wins identity, copying the expression image the expression."""
    for key in ("psnr", "ssim", "identity_distance", "identity_top1", "identity_cosine"):
        assert "copying the identity image" in BY_KEY[key].blind, key
    for key in ("side_accuracy", "item_kappa", "judge_movement", "judge_weakness", "afid"):
        assert "copying the expression image" in BY_KEY[key].blind, key
