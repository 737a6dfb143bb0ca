"""The audit on known leaks: planted training pictures, new subjects, and a model that has memorised
its training pictures.

    python benchmarks/audit.py [--work FOLDER] [--subjects 100]

Renders a training set, a hold-out set and a new set of synthetic subjects, then plants 5 % training
pictures in the last, each time modified in another of five ways. The figures are in
docs/measurements.md.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from palsynth.audit.image_set import open_set
from palsynth.audit.membership import open_run, picture_losses
from palsynth.audit.protocol import audit
from palsynth.audit.report import print_findings, write_audit
from palsynth.data.augment import Augmentation
from palsynth.data.manifest import read_manifest, write_manifest
from palsynth.encoders.grader import GraderData, GraderRecipe, GraderSettings
from palsynth.evaluation.duplicates import DUPLICATE
from palsynth.evaluation.privacy import membership_auc
from palsynth.face.images import read_image, write_png
from palsynth.generation.dataset import make_dataset
from palsynth.generation.engines import processes
from palsynth.generation.plan import Expressions, Identities, Palsies, Plan
from palsynth.scoring import judges
from palsynth.scoring.features import FeatureCache
from palsynth.training.loop import train

PICTURES_PER_SUBJECT = 4
"""Pictures per subject."""


def shifted(image: np.ndarray) -> np.ndarray:
    move = np.float32([[1, 0, 3], [0, 1, 3]])
    return cv2.warpAffine(image, move, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


def compressed(image: np.ndarray) -> np.ndarray:
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


MODIFICATIONS = {
    "as it is": lambda image: image,
    "JPEG, quality 75": compressed,
    "shifted by 3 px": shifted,
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "brightened": lambda image: (image * 1.25 + 20).clip(0, 255).astype(np.uint8),
}


def rendered(folder: Path, num_subjects: int, seed: int, split: str) -> Path:
    """A set of synthetic subjects in one split."""
    if not (folder / "metadata.jsonl").exists():
        plan = Plan(
            identities=Identities(num_subjects, seed),
            expressions=Expressions(palsies=Palsies(mix="random")),
            images=num_subjects * PICTURES_PER_SUBJECT,
            seed=seed,
        )
        rows = make_dataset(folder, plan, processes(2)).rows
        write_manifest(folder, [replace(row, split=split) for row in rows])
    return folder


def planted(
    new: Path, training: Path, out: Path, modify: Callable[[np.ndarray], np.ndarray]
) -> list[str]:
    """Copies the new set, with a modified training picture in place of every twentieth picture;
    returns the names of these."""
    rows, others = read_manifest(new), read_manifest(training)
    names = []
    for k, row in enumerate(rows):
        (out / row.file_name).parent.mkdir(parents=True, exist_ok=True)
        if k % 20 == 7:
            image = modify(read_image(training / others[k % len(others)].file_name))
            write_png(out / row.file_name, image)
            names.append(row.file_name)
        else:
            shutil.copyfile(new / row.file_name, out / row.file_name)
    write_manifest(out, rows)
    return names


def memorised(training: Path, holdout: Path, work: Path) -> tuple[float, float]:
    """Membership AUC of a deliberately overfitted grader, and of one trained as usual."""
    no_augmentation = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, 0)
    usual = GraderRecipe(model=GraderSettings(features="scratch"), data=GraderData((training,)))
    usual = replace(usual, loop=replace(usual.loop, steps=100))
    loop = replace(usual.loop, steps=400, weight_decay=0.0)
    model = replace(usual.model, dropout=0.0)
    overfitted = GraderRecipe(model=model, data=GraderData((training,), no_augmentation), loop=loop)
    out = []
    for name, recipe in (("memorised", overfitted), ("usual", usual)):
        train(recipe, work / name, resume=(work / name / "checkpoints").exists())
        attack = open_run(work / name, training, ("train",), holdout, ("test",))
        sets = (attack.training, attack.holdout)
        out.append(membership_auc(*(picture_losses(attack.objective, s) for s in sets)))
    return out[0], out[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path)
    parser.add_argument("--subjects", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        training = rendered(work / "training", options.subjects, 31, "train")
        holdout = rendered(work / "holdout", options.subjects, 32, "test")
        new = rendered(work / "fresh", options.subjects, 33, "train")
        judge = judges.dlib()
        with FeatureCache(work / "features.sqlite") as cache:
            trained = open_set(training, None, judge, cache)
            held_out = open_set(holdout, None, judge, cache)
            own = open_set(new, None, judge, cache)
            found = audit(own, trained, held_out)
            print("new subjects")
            print_findings(found.findings)
            print(f"verdict: {'passed' if found.passed else 'FAILED'}")
            write_audit(work / "audit-fresh", found, own, trained, held_out)
            print(
                f"\n| planted 5 % | found | false alarms | lowest correlation (limit "
                f"{DUPLICATE}) | highest of the rest | verdict |\n|---|---|---|---|---|---|"
            )
            for name, modify in MODIFICATIONS.items():
                folder = work / name.replace(" ", "-").replace(",", "").replace("%", "")
                names = set(planted(new, training, folder, modify))
                leaky = open_set(folder, None, judge, cache)
                found = audit(leaky, trained, held_out)
                is_planted = np.array([row.file_name in names for row in leaky.rows])
                caught, correlation = found.near_duplicates, found.matches.correlation
                print(
                    f"| {name} | {(caught & is_planted).sum()} of {is_planted.sum()} | "
                    f"{(caught & ~is_planted).sum()} of {(~is_planted).sum()} | "
                    f"{correlation[is_planted].min():.3f} | {correlation[~is_planted].max():.3f} | "
                    f"{'passed' if found.passed else 'FAILED'} |"
                )
            write_audit(work / "audit-planted", found, leaky, trained, held_out)
            with (work / "audit-planted" / "nearest.csv").open() as file:
                assert len(list(csv.DictReader(file))) == len(leaky.rows)
        overfitted, usual = memorised(training, holdout, work)
        print(
            f"\nmembership by loss, AUC: memorised {overfitted:.3f}, trained as usual {usual:.3f}"
        )


if __name__ == "__main__":
    main()
