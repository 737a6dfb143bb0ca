"""What stands above each figure: the literal heading, family and direction."""

from __future__ import annotations

from palsynth.evaluation.columns import BY_KEY, COLUMNS, FAMILIES

HEADINGS = {
    "psnr": "PSNR, dB ↑",
    "ssim": "SSIM ↑",
    "psnr_moving": "PSNR where it moves, dB ↑",
    "ssim_moving": "SSIM where it moves ↑",
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
    "judge_movement": "movement read right, % ↑",
    "judge_weakness": "weakness error of the judge ↓",
    "patient_landmarks": "landmarks off the patient's, % ↓",
    "patient_perceptual": "perceptual distance to the patient ↓",
    "patient_cosine": "similarity to the patient ↓",
    "recognised": "taken for the patient, % ↓",
    "fid": "FID ↓",
    "kid": "KID x 1000 ↓",
    "afid": "aFID ↓",
    "psnr_back": "PSNR back, dB ↑",
    "ssim_back": "SSIM back ↑",
    "likeness_there": "dlib distance of the first to its person ↓",
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


def test_figures_have_the_digits_that_they_are_sure_of() -> None:
    two = "psnr psnr_moving landmark_error patient_landmarks fid kid afid psnr_back"
    one = "identity_top1 side_accuracy judge_movement recognised faces"
    digits = dict.fromkeys(HEADINGS, 3) | dict.fromkeys(two.split(), 2)
    assert {c.key: c.digits for c in COLUMNS} == digits | dict.fromkeys(one.split(), 1)


def test_every_column_stands_in_its_family() -> None:
    assert {c.key: c.family for c in COLUMNS} == {
        key: family for family, keys in FAMILY.items() for key in keys.split()
    }
    assert FAMILIES == {
        "fidelity": "Against the true answer",
        "identity": "Who it is",
        "expression": "What was asked for",
        "patient": "Against the patient",
        "distribution": "As a set",
        "cycle": "There and back again",
        "quality": "As a picture",
    }


def test_what_a_column_cannot_see_names_the_right_copy() -> None:
    """Faces of the identity image win identity, those of the expression image the expression."""
    for key in ("psnr", "ssim", "identity_distance", "identity_top1", "identity_cosine"):
        assert "copying the identity image" in BY_KEY[key].blind, key
    for key in ("side_accuracy", "item_kappa", "judge_movement", "judge_weakness", "afid"):
        assert "copying the expression image" in BY_KEY[key].blind, key
