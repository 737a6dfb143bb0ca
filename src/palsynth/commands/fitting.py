"""``palsynth fields fit``, ``capture fit``, ``smile fit`` and ``calibrate``.

They refit the numbers that ship with the package.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zipfile import BadZipFile

import tyro

from palsynth.commands.endings import Ending
from palsynth.commands.options import ArraysFile, Force
from palsynth.errors import InputError
from palsynth.files import atomic_write
from palsynth.progress import progress_bar

if TYPE_CHECKING:
    from palsynth.face.face import Face
    from palsynth.face.photographs import Expression, PhotographedSubject
    from palsynth.scoring.calibration import Photographed


@dataclass(frozen=True)
class FieldsOptions:
    """Register the scanned expression fields of the ICT face model to the mesh."""

    scan: tyro.conf.Positional[Path]
    """The scan, expressions.npz: neutral, triangles, names, deltas and multipie68."""
    out: ArraysFile
    """Output file of the reduced fields (.npz)."""
    force: Force = False


@dataclass(frozen=True)
class CaptureFitOptions:
    """Fit the model of neutral faces that capture compares expressions with."""

    photographs: tyro.conf.Positional[Path]
    """London-set folder with neutral/ and split.csv; only people of the train split are used."""
    out: ArraysFile
    """Output file of the landmark mean and components (.npz)."""
    force: Force = False


@dataclass(frozen=True)
class SmileFitOptions:
    """Fit the model of smiles, which move the mesh and change the light, to photographs."""

    photographs: tyro.conf.Positional[Path]
    """London-set folder with neutral/, smiling/ and split.csv; only its train split is used."""
    out: ArraysFile
    """Output file of the mesh's movement and the change of light (.npz)."""
    force: Force = False


@dataclass(frozen=True)
class CalibrateOptions:
    """Calibrate the measures on faces whose ground truth is known."""

    out: Annotated[Path, Ending(".json", "coefficients")]
    """Output file of the coefficients (.json)."""
    photographs: Path | None = None
    """London-set folder with neutral/, smiling/ and split.csv:
    the simulator then also moves the people of its train split,
    because landmarks differ between photographs and synthetic subjects."""
    subjects: int = 300
    """Synthetic subjects per movement, at least 10."""
    per_subject: int = 4
    """Palsies per subject, at least 1."""
    force: Force = False


def fields_fit(options: FieldsOptions) -> None:
    """Register the scanned expression fields of the ICT face model to the mesh."""
    import numpy as np

    from palsynth.appearance.model import canonical_mesh
    from palsynth.simulator.register import register

    try:
        fields = register(options.scan, canonical_mesh())
    except (OSError, EOFError, BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"{options.scan}: not the scanned fields ({error})") from None
    with atomic_write(options.out) as temporary, temporary.open("wb") as file:
        arrays: dict[str, Any] = {k: v.astype(np.float16) for k, v in fields.items()}
        np.savez_compressed(file, **arrays)
    print(f"{options.out}: {len(fields) - 1} fields, {options.out.stat().st_size / 1e3:.0f} kB")


def capture_fit(options: CaptureFitOptions) -> None:
    """Fit the model of neutral faces that capture compares expressions with."""
    import numpy as np

    from palsynth.appearance.photographs import neutral_photographs
    from palsynth.capture.neutral import COMPONENTS, fit_neutral
    from palsynth.face.detect import detect_face

    photographs = neutral_photographs(
        options.photographs, lambda image: detect_face(image).landmarks
    )
    if len(photographs) < COMPONENTS:
        raise InputError(
            f"{options.photographs}: {len(photographs)} people in the train split; at least "
            f"{COMPONENTS} are needed"
        )
    arrays: dict[str, Any] = fit_neutral([p.landmarks for p in photographs])
    with atomic_write(options.out) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    print(f"{options.out}: {COMPONENTS} components of {len(photographs)} people's neutral faces")


def smile_fit(options: SmileFitOptions) -> None:
    """Fit the model of smiles, which move the mesh and change the light, to photographs."""
    import numpy as np

    from palsynth.capture.smiles import OPEN, fit_smile, smiling_pair
    from palsynth.face.detect import read_face
    from palsynth.face.photographs import EXPRESSIONS, read_subjects

    folder = options.photographs
    subjects = read_subjects(folder, "train")
    with progress_bar("people") as progress:
        pairs = []
        for done, subject in enumerate(subjects, 1):
            rest, smiling = (read_face(subject.path(k)) for k in EXPRESSIONS)
            pairs.append(smiling_pair(rest, smiling))
            progress(done, len(subjects))
    open_smiles = sum(pair.opening >= OPEN for pair in pairs)
    if open_smiles < 10:
        raise InputError(f"{folder}: {open_smiles} smiles show teeth; at least 10 are needed")
    arrays: dict[str, Any] = fit_smile(pairs)
    with atomic_write(options.out) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    print(
        f"{options.out}: smiles of {len(pairs)} people, {open_smiles} of them with teeth, "
        f"{arrays['effort']:.2f} of a grin on average; {options.out.stat().st_size / 1e3:.0f} kB"
    )


def calibrate(options: CalibrateOptions) -> None:
    """Calibrate the measures on faces whose ground truth is known."""
    from palsynth.clinical import YANAGIHARA
    from palsynth.scoring.calibration import IMAGES_PER_PHOTOGRAPH
    from palsynth.scoring.calibration import calibrate as run

    if options.subjects < 10 or options.per_subject < 1:
        raise InputError(
            "the calibration needs --subjects of at least 10 and --per-subject of at least 1"
        )
    if not options.out.parent.is_dir():
        raise InputError(f"{options.out}: there is no folder {options.out.parent}")
    photographed = [] if options.photographs is None else _photographed(options.photographs)
    faces = options.subjects + IMAGES_PER_PHOTOGRAPH * len(photographed)
    total = faces * options.per_subject * len(YANAGIHARA)
    count = 0
    with progress_bar("pictures") as progress:

        def step() -> None:
            nonlocal count
            count += 1
            progress(count, total)

        coefficients = run(options.subjects, options.per_subject, step, photographed)
    with atomic_write(options.out) as temporary:
        temporary.write_text(json.dumps(coefficients, indent=1) + "\n", "utf-8")
    print(options.out)


def _photographed(folder: Path) -> list[Photographed]:
    """The people of a London-set folder's train split, at the size of the rendered subjects."""
    from palsynth.face.detect import read_face
    from palsynth.face.framing import PORTRAIT
    from palsynth.face.photographs import read_subjects
    from palsynth.scoring.calibration import Photographed

    def face(subject: PhotographedSubject, kind: Expression) -> Face:
        return read_face(subject.path(kind)).aligned(PORTRAIT, 256)

    return [
        Photographed(face(subject, "neutral"), face(subject, "smiling"))
        for subject in read_subjects(folder, "train")
    ]
