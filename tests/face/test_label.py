from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from palsynth.face.label import (
    KEYWORD,
    DigitalSource,
    combined,
    digital_source,
    recorded,
    xmp_packet,
)

IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
PICTURE = Image.fromarray(np.zeros((40, 40, 3), np.uint8))


@pytest.mark.parametrize("source", DigitalSource)
def test_the_packet_is_rdf_with_the_property_of_the_standard(source: DigitalSource) -> None:
    body = xmp_packet(source).split("?>", 1)[1].rsplit("<?", 1)[0]
    values = [e.get(IPTC) for e in ET.fromstring(body).iter() if e.get(IPTC)]
    assert values == [f"http://cv.iptc.org/newscodes/digitalsourcetype/{source.value}"]


@pytest.mark.parametrize("source", DigitalSource)
def test_png_and_jpeg_read_back(source: DigitalSource, tmp_path: Path) -> None:
    png, jpeg = tmp_path / "a.png", tmp_path / "a.jpg"
    info = PngInfo()
    info.add_itxt(KEYWORD, xmp_packet(source))
    PICTURE.save(png, pnginfo=info)
    PICTURE.save(jpeg, xmp=xmp_packet(source).encode())
    assert digital_source(png) is digital_source(jpeg) is source


def test_other_programs_write_the_property_as_an_element(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    value = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"
    for text in (
        f"<Iptc4xmpExt:DigitalSourceType>{value}</Iptc4xmpExt:DigitalSourceType>",
        f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{value}"/>',
        f"<a Iptc4xmpExt:DigitalSourceType = '{value}'/>",
    ):
        PICTURE.save(path, xmp=text.encode())
        assert digital_source(path) is DigitalSource.ALGORITHMIC


def test_a_photo_says_nothing(tmp_path: Path) -> None:
    PICTURE.save(tmp_path / "a.png")
    assert digital_source(tmp_path / "a.png") is None
    camera = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    PICTURE.save(tmp_path / "b.jpg", xmp=f'DigitalSourceType="{camera}"'.encode())
    assert digital_source(tmp_path / "b.jpg") is None


def test_a_file_that_is_no_picture_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    assert digital_source(tmp_path / "a.png") is None


def test_a_picture_of_several_is_a_composite_where_they_differ() -> None:
    trained, composite = DigitalSource.TRAINED, DigitalSource.COMPOSITE
    assert combined([trained, trained]) is trained
    assert combined([None, None]) is None
    assert combined([trained, None]) is composite
    assert combined([trained, composite]) is composite
    assert combined([DigitalSource.ALGORITHMIC, trained]) is composite


def test_a_record_of_an_earlier_version_or_another_program_says_nothing() -> None:
    assert recorded({"digital_source_type": "algorithmicMedia"}) is DigitalSource.ALGORITHMIC
    for value in ("something else", 3, None, ["algorithmicMedia"], {}):
        assert recorded({"digital_source_type": value}) is None
    assert recorded({}) is None
