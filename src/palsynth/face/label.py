"""The label that law and software read: how a picture came to be, as XMP in its file.

The European Union's AI Act (Regulation 2024/1689, Article 50) asks that synthetic pictures be
marked so that machines can tell. The mark in general use is ``Iptc4xmpExt:DigitalSourceType`` of
the IPTC Photo Metadata Standard, whose values are NewsCodes.
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path

from PIL import Image

KEYWORD = "XML:com.adobe.xmp"
"""Keyword of the PNG chunk that holds XMP."""

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
    rf"DigitalSourceType\s*(?:=\s*[\"']|>)\s*{re.escape(VOCABULARY)}(\w+)", re.ASCII
)


def xmp_packet(source: DigitalSource) -> str:
    """The XMP packet of a picture.

    Args:
        source: how it came to be.

    Returns:
        The packet, for the file of the picture.
    """
    return _PACKET.format(vocabulary=VOCABULARY, source=source.value)


def digital_source(path: Path) -> DigitalSource | None:
    """Reads how a picture came to be.

    Args:
        path: a picture in any format.

    Returns:
        What its XMP says; None where it says nothing, or something else.
    """
    with Image.open(path) as picture:
        held = picture.info.get("xmp") or picture.info.get(KEYWORD) or b""
    text = held.decode("utf-8", "replace") if isinstance(held, bytes) else held
    found = _VALUE.search(text)
    known = {source.value: source for source in DigitalSource}
    return known.get(found[1]) if found else None
