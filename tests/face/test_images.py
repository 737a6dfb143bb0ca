"""Every kind of input picture: what can be read, and the message for each that cannot."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from skimage.data import hubble_deep_field

from palsynth.appearance.model import appearance_model
from palsynth.errors import InputError
from palsynth.face import images
from palsynth.face.detect import check_usable, detect_face, read_face
from palsynth.face.face import Face
from palsynth.face.images import (
    MAX_SIDE,
    is_reduced,
    list_images,
    read_image,
    text_chunks,
    write_png,
)
from palsynth.face.landmarker.detector import detect
from palsynth.face.landmarker.region import CropRegion
from palsynth.subjects import View, render, sample


@pytest.fixture
def picture(neutral: np.ndarray) -> Image.Image:
    return Image.fromarray(neutral)


def _close(found: np.ndarray, image: np.ndarray, tolerance: float) -> bool:
    return found.shape == image.shape and np.abs(found.astype(float) - image).mean() < tolerance


def test_colour_modes_and_formats(
    picture: Image.Image, neutral: np.ndarray, tmp_path: Path
) -> None:
    grey = np.repeat(np.asarray(picture.convert("L"))[..., None], 3, 2)
    cases = {
        "plain.png": (picture, neutral, 0.1),
        "photo.jpg": (picture, neutral, 4),
        "ink.jpg": (picture.convert("CMYK"), neutral, 6),
        "grey.png": (picture.convert("L"), grey, 0.1),
        "palette.png": (picture.quantize(256), neutral, 6),
        "alpha.png": (picture.convert("RGBA"), neutral, 0.1),
        "photo.webp": (picture, neutral, 6),
        "photo.tif": (picture, neutral, 0.1),
        "bitmap.bmp": (picture, neutral, 0.1),
    }
    for name, (image, expected, tolerance) in cases.items():
        image.save(tmp_path / name)
        assert _close(read_image(tmp_path / name), expected, tolerance), name


def test_sixteen_bits_of_grey(picture: Image.Image, tmp_path: Path) -> None:
    grey = np.asarray(picture.convert("L"))
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    assert _close(read_image(tmp_path / "deep.png"), np.repeat(grey[..., None], 3, 2), 1)


def test_transparency_becomes_white(neutral: np.ndarray, tmp_path: Path) -> None:
    clear = np.dstack([neutral, np.zeros(neutral.shape[:2], np.uint8)])
    Image.fromarray(clear).save(tmp_path / "clear.png")
    assert (read_image(tmp_path / "clear.png") == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(
    picture: Image.Image, neutral: np.ndarray, tmp_path: Path, orientation: int
) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    rotated = picture.transpose(undo[orientation]) if orientation > 1 else picture
    exif = Image.Exif()
    exif[0x0112] = orientation
    rotated.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "turned.png"), neutral)


def test_an_animation_gives_its_first_frame(picture: Image.Image, tmp_path: Path) -> None:
    frames = [picture, Image.new("RGB", picture.size, "red")]
    frames[0].save(tmp_path / "moving.png", save_all=True, append_images=frames[1:])
    assert np.array_equal(read_image(tmp_path / "moving.png"), np.asarray(picture))


def _missing(path: Path) -> None:
    pass


def _folder(path: Path) -> None:
    path.mkdir()


def _text(path: Path) -> None:
    path.write_text("I am a letter")


def _empty(path: Path) -> None:
    path.touch()


def _truncated(path: Path) -> None:
    Image.effect_noise((200, 200), 50).save(path)
    path.write_bytes(path.read_bytes()[:2000])


def _header_only(path: Path) -> None:
    Image.new("RGB", (100, 100)).save(path)
    path.write_bytes(path.read_bytes()[:20])


def _one_pixel(path: Path) -> None:
    Image.new("RGB", (1, 1)).save(path)


def _a_strip(path: Path) -> None:
    Image.new("RGB", (4000, 8)).save(path)


def _enormous(path: Path) -> None:
    Image.new("1", (40_000, 40)).save(path)


def _bomb(path: Path) -> None:
    chunk = PngImagePlugin.putchunk
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        size = (60_000).to_bytes(4, "big")
        chunk(file, b"IHDR", size + size + bytes([8, 2, 0, 0, 0]))
        chunk(file, b"IEND", b"")


def _corrupt_middle(path: Path) -> None:
    Image.effect_noise((300, 300), 80).save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (_missing, "no such file"),
        (_folder, "is a folder; give a picture"),
        (_text, "is not a picture in a known format; use PNG or JPEG"),
        (_empty, "is not a picture in a known format"),
        (_truncated, "the picture is damaged"),
        (_header_only, "is not a picture in a known format|the picture is damaged"),
        (_one_pixel, "1 x 1 px is too small for a face; at least 32 px per side are needed"),
        (_a_strip, "4000 x 8 px is too small"),
        (_enormous, f"40000 x 40 px is too large; reduce it below {MAX_SIDE} px per side"),
        (_bomb, "too large"),
        (_corrupt_middle, "the picture is damaged"),
    ],
)
def test_files_that_are_not_photos(make: Callable[[Path], None], text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    make(path)
    with pytest.raises(InputError, match=text) as error:
        read_image(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_photos_without_one_frontal_face(neutral: np.ndarray, tmp_path: Path) -> None:
    write_png(tmp_path / "wall.png", np.full((200, 300, 3), 180, np.uint8))
    with pytest.raises(InputError, match=r"wall\.png: no face found; use a frontal photo"):
        read_face(tmp_path / "wall.png")
    write_png(tmp_path / "three.png", np.hstack([neutral] * 3))
    with pytest.raises(InputError, match="3 faces found; crop the photo to one of them"):
        read_face(tmp_path / "three.png")
    small = np.asarray(Image.fromarray(neutral).resize((48, 48)))
    scene = np.full((480, 480, 3), 200, np.uint8)
    scene[:48, :48] = small
    write_png(tmp_path / "far.png", scene)
    with pytest.raises(InputError, match=r"no face found|the face is too small"):
        read_face(tmp_path / "far.png")


@pytest.mark.parametrize(
    ("turns", "text"),
    [
        (1, r"the face lies on its side; turn the photo by 90° clockwise"),
        (2, r"the face is upside down; turn the photo by 180°"),
        (3, r"the face lies on its side; turn the photo by 90° counterclockwise"),
    ],
)
def test_a_photo_that_is_not_upright(turns: int, text: str, astronaut: Face) -> None:
    turned = np.ascontiguousarray(np.rot90(astronaut.image, turns))  # counterclockwise
    with pytest.raises(InputError, match=rf"t\.jpg: {text}"):
        detect_face(turned, "t.jpg")
    landmarks = astronaut.landmarks.copy()
    for _ in range(turns):
        landmarks[:, :2] = np.column_stack([landmarks[:, 1], -landmarks[:, 0]])
    with pytest.raises(InputError, match=rf"t\.jpg: {text}"):
        check_usable(Face(turned, landmarks), "t.jpg")


def test_what_only_the_detector_takes_for_a_turned_face_is_none() -> None:
    galaxies = hubble_deep_field()
    whole = CropRegion.whole(galaxies, 1.6)
    assert detect(galaxies, replace(whole, turn=np.pi / 2)), "the picture does not test anything"
    with pytest.raises(InputError, match=r"^sky\.jpg: no face found; use a frontal photo"):
        detect_face(galaxies, "sky.jpg")


@pytest.mark.parametrize("seed", [1_000_003, 1_000_011, 1_000_020])
def test_an_upright_face_is_not_found_in_a_turned_photo(seed: int) -> None:
    """The landmark network is trained on upright faces only and may find one in any photo."""
    upright = render(sample(seed), view=View(256)).image
    detect_face(upright)
    for turns, text in ((1, "90° clockwise"), (2, "180°"), (3, "90° counterclockwise")):
        with pytest.raises(InputError, match=f"turn the photo by {text}"):
            detect_face(np.ascontiguousarray(np.rot90(upright, turns)))


def test_a_tilted_face_is_found(astronaut: Face) -> None:
    height, width = astronaut.image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -30, 1.0)  # clockwise
    tilted = cv2.warpAffine(astronaut.image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    found = detect_face(tilted).landmarks[:, :2]
    expected = astronaut.landmarks[:, :2] @ turn[:, :2].T + turn[:, 2]
    gap = np.linalg.norm(found - expected, axis=1).mean()
    assert gap / astronaut.outer_eyes < 0.03


@pytest.mark.parametrize("degrees", [-60, 45])
def test_a_face_in_profile(degrees: float) -> None:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    landmarks = appearance_model().shape_mean @ turn.T * 100
    profile = Face(np.zeros((9, 9, 3), np.uint8), landmarks.astype(np.float32))
    with pytest.raises(InputError, match=rf"p\.jpg: the face is turned by {abs(degrees)}°"):
        check_usable(profile, "p.jpg")
    frontal = Face(profile.image, (appearance_model().shape_mean * 100).astype(np.float32))
    check_usable(frontal, "p.jpg")
    tiny = Face(profile.image, (appearance_model().shape_mean * 10).astype(np.float32))
    with pytest.raises(InputError, match=r"the face is too small \(10 px"):
        check_usable(tiny, "p.jpg")


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [("jpg", "RGB"), ("jpg", "L"), ("png", "RGB"), ("png", "I;16"), ("tif", "L"), ("tif", "I;16")],
)
def test_photos_of_many_megapixels_are_read_reduced(
    suffix: str, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ramp = np.linspace(0, 1, 600 * 900).reshape(600, 900)
    values = (ramp * 65535).astype(np.uint16) if mode == "I;16" else (ramp * 255).astype(np.uint8)
    picture = Image.fromarray(values)
    path = tmp_path / f"x.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90° clockwise to be upright
    options = {"compression": "tiff_lzw"} if suffix == "tif" else {}
    (picture.convert("RGB") if mode == "RGB" else picture).save(path, exif=exif, **options)
    full = read_image(path)
    assert full.shape == (900, 600, 3)
    assert not is_reduced(path)
    monkeypatch.setattr(images, "MAX_PIXELS", 200_000)  # of 540,000: half a side
    reduced = read_image(path)
    assert is_reduced(path)
    assert reduced.shape == (450, 300, 3)
    mean = full.reshape(450, 2, 300, 2, 3).mean((1, 3))
    assert np.abs(mean - reduced).max() <= 2
    monkeypatch.setattr(images, "MAX_PIXELS", 540_000)
    assert read_image(path).shape == (900, 600, 3)


def test_writing_is_atomic(neutral: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "x.png"
    write_png(path, neutral, Description="synthetic")
    assert np.array_equal(read_image(path), neutral)
    assert Image.open(path).text["Description"] == "synthetic"  # type: ignore[attr-defined]
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_png(tmp_path / "file" / "x.png", neutral)
    with pytest.raises(InputError, match=r"ends in \.png"):
        write_png(tmp_path / "x.jpg", neutral)
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk(neutral: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write goes to /dev/full, which fails as a full disk does; the old file remains."""
    path = tmp_path / "x.png"
    write_png(path, neutral)
    before = path.read_bytes()
    opened = Path.open

    def full(self: Path, mode: str = "r", *args: object, **kwargs: object):  # type: ignore[no-untyped-def]
        if "w" in mode:
            opened(self, mode).close()
            return open("/dev/full", mode)
        return opened(self, mode, *args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(InputError, match=r"cannot be written .No space left on device"):
        write_png(path, neutral[::-1].copy())
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x.png"]


def test_listing(tmp_path: Path, neutral: np.ndarray) -> None:
    with pytest.raises(InputError, match="no such folder"):
        list_images(tmp_path / "no")
    with pytest.raises(InputError, match="no pictures in it"):
        list_images(tmp_path)
    write_png(tmp_path / "b" / "x.png", neutral)
    write_png(tmp_path / "a.png", neutral)
    assert [p.name for p in list_images(tmp_path)] == ["a.png", "x.png"]


def test_a_generated_picture_carries_its_record_and_another_says_what_it_is() -> None:
    assert text_chunks({"b": 1, "a": 2}) == {"palsynth:provenance": '{"a": 2, "b": 1}'}
    assert text_chunks(None)["Description"].startswith("not generated: ")
