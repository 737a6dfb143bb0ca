"""The label that law and software read: how a picture came to be, as XMP in its file.

The European Union's AI Act (Regulation 2024/1689, Article 50) asks that synthetic pictures be
marked so that machines can tell. The mark in general use is ``Iptc4xmpExt:DigitalSourceType`` of
the IPTC Photo Metadata Standard, whose values are NewsCodes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Any

from PIL import Image

from palsynth.errors import InputError
from palsynth.face.clips import inspect_clip
from palsynth.face.containers import DAMAGED

KEYWORD = "XML:com.adobe.xmp"
"""Keyword of the PNG chunk that holds XMP."""

RECORDED = "digital_source_type"
"""Key of a picture's record under which it says how the picture came to be, as a NewsCode."""

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"


class DigitalSource(Enum):
    """How a picture came to be, by the names of the NewsCodes."""

    TRAINED = "trainedAlgorithmicMedia"
    """Made by a model that was trained on pictures: a network, or the appearance model."""
    ALGORITHMIC = "algorithmicMedia"
    """Made by an algorithm without any data that it was trained on."""
    COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
    """A photo of which parts were moved or replaced by such a model, or a sheet with photos."""


_PACKET = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    Iptc4xmpExt:DigitalSourceType="{vocabulary}{source}"
    xmp:CreatorTool="palsynth"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""

_VALUE = re.compile(
    r"DigitalSourceType(?:\s+rdf:resource)?\s*(?:=\s*[\"']|>)\s*"
    r"https?://cv\.iptc\.org/newscodes/digitalsourcetype/(\w+)",
    re.ASCII,
)

_SYNTHETIC = frozenset(
    {
        *(source.value for source in DigitalSource),
        *("compositeSynthetic", "algorithmicallyEnhanced", "virtualRecording", "dataDrivenMedia"),
    }
)
"""NewsCodes of pictures that no camera took as they are, those of other programs too."""


def xmp_packet(source: DigitalSource | str) -> str:
    """The XMP packet of a picture.

    Args:
        source: how it came to be; another NewsCode as text.

    Returns:
        The packet, for the file of the picture.
    """
    code = source.value if isinstance(source, DigitalSource) else source
    return _PACKET.format(vocabulary=VOCABULARY, source=code)


def label(source: DigitalSource | None) -> dict[str, str]:
    """The label of a picture as a text chunk, for the writers in :mod:`palsynth.face.images`.

    Args:
        source: how it came to be; None for a photo or a copy of one.

    Returns:
        The XMP packet by its keyword; nothing for None.
    """
    return {} if source is None else {KEYWORD: xmp_packet(source)}


def recorded(record: dict[str, Any]) -> DigitalSource | None:
    """How a picture came to be, as its record says.

    Args:
        record: the record, perhaps of an earlier version.

    Returns:
        How it came to be; None of a copy, or where the record does not say it.
    """
    try:
        return DigitalSource(record.get(RECORDED))
    except ValueError:
        return None


def combined(sources: Iterable[DigitalSource | None]) -> DigitalSource | None:
    """How a picture came to be that shows several others.

    Args:
        sources: how the others came to be, None for photos; at least one.

    Returns:
        The same as all of them, or a composite where they differ.
    """
    different = set(sources)
    return different.pop() if len(different) == 1 else DigitalSource.COMPOSITE


def newscode(xmp: object) -> str | None:
    """Reads the label of a synthetic picture, of any program.

    Args:
        xmp: the XMP of the picture as Pillow gives it: bytes, text, or a tuple of parts of a TIFF.

    Returns:
        The NewsCode that it says; None where it says nothing, or that a camera took the picture.
    """
    parts = xmp if isinstance(xmp, tuple) else (xmp,)
    text = "".join(
        part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in parts
    )
    return next((code for code in _VALUE.findall(text) if code in _SYNTHETIC), None)


def read_xmp(data: bytes) -> object:
    """The XMP of a picture.

    Args:
        data: the file, in any format that Pillow reads.

    Returns:
        The packet as Pillow gives it; empty where there is none.
    """
    with Image.open(io.BytesIO(data)) as picture:
        if picture.format == "PNG":  # whose text may follow the pixels
            picture.load()
        return picture.info.get("xmp") or picture.info.get(KEYWORD) or b""


def digital_source(path: Path) -> DigitalSource | None:
    """Reads how a picture came to be.

    Args:
        path: a picture or a clip in any format.

    Returns:
        What its XMP says; None where it says nothing, or something else, or cannot be read.
    """
    try:
        code = newscode(_xmp_of_file(path))
    except (*DAMAGED, Image.DecompressionBombError):
        return None
    return DigitalSource(code) if code in [source.value for source in DigitalSource] else None


def _xmp_of_file(path: Path) -> object:
    """The XMP of a file; of a clip, which may be large, without reading it all."""
    try:
        return inspect_clip(path).xmp
    except InputError:  # a picture
        return read_xmp(path.read_bytes())
