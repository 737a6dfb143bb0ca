"""The registry of metrics: heading, family and direction of each, and what reads them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from palsynth.errors import InputError
from palsynth.evaluation import metrics
from palsynth.evaluation.metric import FAMILIES, NEEDS, mean
from palsynth.evaluation.metrics import METRICS, help_text, markdown_table, metric, titles

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


def literal(attribute: str) -> dict[str, object]:
    """An attribute of the metrics named here; further ones may be registered."""
    return {m.key: getattr(m, attribute) for m in METRICS if m.key in HEADINGS}


def test_every_key_has_its_heading_and_direction() -> None:
    assert literal("heading") == HEADINGS
    assert list(literal("heading")) == list(HEADINGS), "in this order"
    assert {key: metric(key).heading for key in HEADINGS} == HEADINGS


def test_figures_have_their_significant_digits() -> None:
    two = "psnr psnr_moving landmark_error patient_landmarks fid kid afid psnr_back"
    one = "identity_top1 side_accuracy judge_movement recognised faces"
    digits = dict.fromkeys(HEADINGS, 3) | dict.fromkeys(two.split(), 2)
    assert literal("digits") == digits | dict.fromkeys(one.split(), 1)


def test_every_metric_is_in_its_family() -> None:
    assert literal("family") == {
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
        assert "copying the identity image" in metric(key).blind, key
    for key in ("side_accuracy", "item_kappa", "judge_movement", "judge_weakness", "afid"):
        assert "copying the expression image" in metric(key).blind, key


def test_figures_that_are_repeated_by_group() -> None:
    people = "landmark_error identity_distance identity_top1 leak_distance side_accuracy"
    people += " judge_movement judge_weakness ser_fiq faces"
    tuned = "side_accuracy patient_landmarks patient_perceptual patient_cosine recognised"
    assert {k for k, chosen in literal("by_people").items() if chosen} == set(people.split())
    assert {k for k, chosen in literal("by_tuning").items() if chosen} == set(tuned.split())
    assert {m.key for m in METRICS if m.pool is not mean and m.key in HEADINGS} == {"recognised"}


def test_every_metric_says_what_it_means_and_needs() -> None:
    for one in METRICS:
        assert one.meaning, one.key
        assert not one.meaning.endswith("."), f"{one.key}: a part of a sentence or table"
        assert one.judge, one.key
        assert one.needs, one.key
        assert set(one.needs) <= set(NEEDS), one.key
        assert (one.compute is None) == ("round trip" in one.needs), one.key


def test_needs_are_those_of_the_arrays_that_a_metric_takes() -> None:
    needs = {
        "pairs truth": "psnr ssim psnr_moving ssim_moving",
        "pairs truth alexnet": "lpips",
        "faces pairs truth": "landmark_error",
        "faces pairs": "identity_distance identity_top1 identity_cosine leak_distance",
        "faces pairs labels": "side_accuracy rank_brow rank_eye rank_mouth item_kappa",
        "faces labels": "judge_movement judge_weakness",
        "faces pairs patients": "patient_landmarks patient_perceptual patient_cosine recognised",
        "set": "fid kid",
        "round trip": "afid psnr_back ssim_back",
        "faces round trip": "likeness_there",
        "faces": "ser_fiq faces",
    }
    assert {key: " ".join(found) for key, found in literal("needs").items()} == {
        key: needed for needed, keys in needs.items() for key in keys.split()
    }


def test_a_wrong_key_family_or_need_is_an_error() -> None:
    with pytest.raises(InputError, match=r"figure 'psnrr' is of no metric in palsynth\.evaluation"):
        metric("psnrr")
    with pytest.raises(InputError, match="metric 'fid': is registered twice; rename one of them"):
        metrics._indexed((metric("fid"), metric("kid"), metric("fid")))
    with pytest.raises(InputError, match="metric 'fid': no family 'sets'; use one of fidelity"):
        replace(metric("fid"), family="sets")
    with pytest.raises(InputError, match="metric 'fid': no need 'reals'; use some of faces"):
        replace(metric("fid"), needs=("set", "reals"))  # type: ignore[arg-type]


def test_the_documentation_lists_every_metric() -> None:
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]] for row in markdown_table().splitlines()
    ]
    assert rows[0] == ["column", "meaning", "judge", "needs"]
    assert [row[0] for row in rows[2:]] == [m.heading for m in METRICS]
    assert {len(row) for row in rows} == {4}, "no cell holds a bar"
    fid = next(row for row in rows if row[0] == "FID ↓")
    assert fid[1:] == [metric("fid").meaning, metric("fid").judge, NEEDS["set"]]


def test_the_help_lists_what_evaluate_can_report() -> None:
    *listed, alone = help_text().splitlines()
    known = [m for m in METRICS if not {"round trip", "patients"} & set(m.needs)]
    assert [x for x in listed if x.startswith("- ")] == [
        f"- {m.heading}: {m.meaning}" for m in known
    ]
    assert "Distance from the patient:" not in listed
    assert listed[0] == "Against the ground truth:"
    assert (
        alone
        == f"Without pairs.csv: {', '.join(m.title for m in known if 'pairs' not in m.needs)}."
    )
    assert "judge, FID, KID x 1000, " in alone
    assert "PSNR" not in alone
    assert titles("inception") == "FID and KID x 1000"
    assert titles("alexnet") == "LPIPS"
    assert titles("recogniser") == "cosine to the identity"


def test_the_registry_imports_no_torch() -> None:
    """It is read to print the help of a command."""
    code = "import sys, palsynth.evaluation.metrics; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
