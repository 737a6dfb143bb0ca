"""``palsynth fields fit`` and ``palsynth calibrate``: how the shipped numbers are made anew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import tyro

from palsynth.commands.options import Force
from palsynth.errors import InputError
from palsynth.files import atomic_write
from palsynth.progress import progress_bar

if TYPE_CHECKING:
    from palsynth.face.face import Face
    from palsynth.face.photographs import Expression, PhotographedSubject
    from palsynth.scoring.calibration import Photographed


@dataclass(frozen=True)
class FieldsOptions:
    """Registers the scanned expression fields of the ICT face model to the mesh."""

    scan: tyro.conf.Positional[Path]
    """expressions.npz: neutral, triangles, names, deltas, multipie68."""
    out: Path
    """The reduced fields (.npz)."""
    force: Force = False


@dataclass(frozen=True)
class CaptureFitOptions:
    """Fits the neutral faces that capture reads expressions against (a London-set folder)."""

    photographs: tyro.conf.Positional[Path]
    """Folder with neutral/ and split.csv; only its train people are used."""
    out: Path
    """Mean and components of landmarks (.npz)."""
    force: Force = False


@dataclass(frozen=True)
class SmileFitOptions:
    """Learns from photographs what smiling does to a face (a London-set folder)."""

    photographs: tyro.conf.Positional[Path]
    """Folder with neutral/, smiling/ and split.csv; only its train people are used."""
    out: Path
    """How the mesh moves and how light changes (.npz)."""
    force: Force = False


@dataclass(frozen=True)
class CalibrateOptions:
    """Calibrates the measures against people whose truth is known."""

    out: Path
    """The coefficients (.json)."""
    photographs: Path | None = None
    """Folder with neutral/, smiling/ and split.csv, whose train people the simulator moves too:
    photographs are read otherwise than people who do not exist."""
    subjects: int = 300
    """People a movement."""
    per_subject: int = 4
    """Palsies a person."""
    force: Force = False


def fields_fit(options: FieldsOptions) -> None:
    """Registers the scanned expression fields of the ICT face model to the mesh."""
    import numpy as np

    from palsynth.appearance.model import canonical_mesh
    from palsynth.simulator.register import register

    try:
        fields = register(options.scan, canonical_mesh())
    except (OSError, EOFError, BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"{options.scan}: not the scanned fields ({error})") from None
    with atomic_write(options.out) as temporary, temporary.open("wb") as file:
        halved: dict[str, Any] = {k: v.astype(np.float16) for k, v in fields.items()}
        np.savez_compressed(file, **halved)
    print(f"{options.out}: {len(fields) - 1} fields, {options.out.stat().st_size / 1e3:.0f} kB")


def capture_fit(options: CaptureFitOptions) -> None:
    """Fits the neutral faces that capture reads expressions against (a London-set folder)."""
    import numpy as np

    from palsynth.appearance.fit import neutral_photographs
    from palsynth.capture.neutral import COMPONENTS, fit_neutral
    from palsynth.face.detect import detect_face

    photographs = neutral_photographs(
        options.photographs, lambda image: detect_face(image).landmarks
    )
    if len(photographs) < COMPONENTS:
        raise InputError(
            f"{options.photographs}: {len(photographs)} train people; at least {COMPONENTS} are "
            "needed"
        )
    arrays: dict[str, Any] = fit_neutral([p.landmarks for p in photographs])
    with atomic_write(options.out) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    print(f"{options.out}: {COMPONENTS} components of {len(photographs)} people's neutral faces")


def smile_fit(options: SmileFitOptions) -> None:
    """Learns from photographs what smiling does to a face (a London-set folder)."""
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
    wide = sum(pair.opening >= OPEN for pair in pairs)
    if wide < 10:
        raise InputError(f"{folder}: {wide} smiles show teeth; at least 10 are needed")
    arrays: dict[str, Any] = fit_smile(pairs)
    with atomic_write(options.out) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    print(
        f"{options.out}: {len(pairs)} people's smiles, {wide} of them with teeth, which are "
        f"{arrays['effort']:.2f} of a grin; {options.out.stat().st_size / 1e3:.0f} kB"
    )


def calibrate(options: CalibrateOptions) -> None:
    """Calibrates the measures against people whose truth is known."""
    from palsynth.clinical import YANAGIHARA
    from palsynth.scoring.calibration import MOVED
    from palsynth.scoring.calibration import calibrate as run

    if options.subjects < 10 or options.per_subject < 1:
        raise InputError(
            "calibrating needs --subjects of at least 10 and --per-subject of at least 1"
        )
    if not options.out.parent.is_dir():
        raise InputError(f"{options.out}: there is no folder {options.out.parent}")
    photographed = [] if options.photographs is None else _photographed(options.photographs)
    shown = options.subjects + MOVED * len(photographed)
    total = shown * options.per_subject * len(YANAGIHARA)
    count = 0
    with progress_bar("pictures") as progress:

        def step() -> None:
            nonlocal count
            count += 1
            progress(count, total)

        found = run(options.subjects, options.per_subject, step, photographed)
    with atomic_write(options.out) as temporary:
        temporary.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(options.out)


def _photographed(folder: Path) -> list[Photographed]:
    """The train people of a London-set folder, as small as drawn ones are."""
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
