"""The audit against known leaks: planted training pictures, fresh people, a model that has
learnt its pictures by heart.

    python benchmarks/audit.py [--work FOLDER] [--people 100]

Draws a training set, a hold-out and a fresh synthetic set of people who do not exist, then plants
5 % training pictures in the last, in each of five disguises. Figures are those of
docs/measurements.md.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from palsynth.audit.image_set import open_set
from palsynth.audit.membership import model_of, picture_losses
from palsynth.audit.protocol import audit
from palsynth.audit.report import print_findings, write_audit
from palsynth.data.augment import Augmentation
from palsynth.data.folder_source import FolderSource
from palsynth.data.manifest import read_manifest, write_manifest
from palsynth.encoders.grader import GraderData, GraderRecipe
from palsynth.evaluation.duplicates import DUPLICATE
from palsynth.evaluation.privacy import membership_auc
from palsynth.face.images import read_image, write_png
from palsynth.generation.export import ExportPlan, export
from palsynth.scoring import judges
from palsynth.scoring.features import FeatureCache
from palsynth.training.loop import train

EACH = 4
"""Pictures of a person."""


def shifted(image: np.ndarray) -> np.ndarray:
    move = np.float32([[1, 0, 3], [0, 1, 3]])
    return cv2.warpAffine(image, move, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


def compressed(image: np.ndarray) -> np.ndarray:
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


DISGUISES = {
    "as it is": lambda image: image,
    "JPEG, quality 75": compressed,
    "shifted by 3 px": shifted,
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "brightened": lambda image: (image * 1.25 + 20).clip(0, 255).astype(np.uint8),
}


def drawn(folder: Path, people: int, seed: int, split: str) -> Path:
    """A set of people in one split."""
    if not (folder / "metadata.jsonl").exists():
        rows = export(folder, ExportPlan(people, EACH, seed=seed), workers=2)
        write_manifest(folder, [replace(row, split=split) for row in rows])
    return folder


def planted(fresh: Path, training: Path, out: Path, disguise) -> list[str]:
    """A copy of the fresh set in which every twentieth picture is a training picture."""
    rows, others = read_manifest(fresh), read_manifest(training)
    found = []
    for k, row in enumerate(rows):
        (out / row.file_name).parent.mkdir(parents=True, exist_ok=True)
        if k % 20 == 7:
            image = disguise(read_image(training / others[k % len(others)].file_name))
            write_png(out / row.file_name, image)
            found.append(row.file_name)
        else:
            shutil.copyfile(fresh / row.file_name, out / row.file_name)
    write_manifest(out, rows)
    return found


def memorised(training: Path, holdout: Path, work: Path) -> tuple[float, float]:
    """Membership AUC of a grader overfitted on purpose, and of one trained as usual."""
    still = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, 0)
    usual = GraderRecipe(data=GraderData((training,)))
    usual = replace(usual, loop=replace(usual.loop, steps=100))
    loop = replace(usual.loop, steps=400, weight_decay=0.0)
    model = replace(usual.model, dropout=0.0)
    heart = GraderRecipe(model=model, data=GraderData((training,), still), loop=loop)
    out = []
    for name, recipe in (("by-heart", heart), ("usual", usual)):
        train(recipe, work / name, resume=(work / name / "checkpoints").exists())
        network = model_of(work / name)
        sets = (FolderSource(training), FolderSource(holdout, ("test",)))
        out.append(membership_auc(*(picture_losses(network, s) for s in sets)))
    return out[0], out[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path)
    parser.add_argument("--people", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        training = drawn(work / "training", options.people, 31, "train")
        holdout = drawn(work / "holdout", options.people, 32, "test")
        fresh = drawn(work / "fresh", options.people, 33, "train")
        judge = judges.dlib()
        with FeatureCache(work / "features.sqlite") as cache:
            seen = open_set(training, None, judge, cache)
            unseen = open_set(holdout, None, judge, cache)
            own = open_set(fresh, None, judge, cache)
            found = audit(own, seen, unseen)
            print("fresh people")
            print_findings(found.findings)
            print(f"verdict: {'passed' if found.passed else 'FAILED'}")
            write_audit(work / "audit-fresh", found, own, seen, unseen)
            print(f"\n| planted 5 % | found | false alarms | lowest of them (limit {DUPLICATE}) | "
                  "highest of the others | verdict |\n|---|---|---|---|---|---|")  # fmt: skip
            for name, disguise in DISGUISES.items():
                folder = work / name.replace(" ", "-").replace(",", "").replace("%", "")
                names = set(planted(fresh, training, folder, disguise))
                leaky = open_set(folder, None, judge, cache)
                found = audit(leaky, seen, unseen)
                is_planted = np.array([row.file_name in names for row in leaky.rows])
                caught, cached_features = found.near_duplicates, found.looks.correlation
                print(f"| {name} | {(caught & is_planted).sum()} of {is_planted.sum()} | "
                      f"{(caught & ~is_planted).sum()} of {(~is_planted).sum()} | "
                      f"{cached_features[is_planted].min():.3f} | {cached_features[~is_planted].max():.3f} | "
                      f"{'passed' if found.passed else 'FAILED'} |")  # fmt: skip
            write_audit(work / "audit-planted", found, leaky, seen, unseen)
            with (work / "audit-planted" / "nearest.csv").open() as file:
                assert len(list(csv.DictReader(file))) == len(leaky.rows)
        heart, usual = memorised(training, holdout, work)
        print(
            f"\nmembership by loss, AUC: learnt by heart {heart:.3f}, trained as usual {usual:.3f}"
        )


if __name__ == "__main__":
    main()
