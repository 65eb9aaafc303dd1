"""The length of an MP3 that has no header with its length.

An MP3 is a row of frames; how many there are stands, in most files, in the first of them (a "Xing",
"Info" or "VBRI" tag). Where it does not, decoders guess it from the size of the file and the bit rate of
the first frame, which is wrong where the rate varies. Header fields: ISO/IEC 11172-3, 2.4.1.3, and
13818-3 for the lower sample rates.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from tonewright.audio.members import open_bytes

_TAGS = (b"Xing", b"Info", b"VBRI")
_SEARCH_BYTES = 1 << 16
_KBPS_MPEG1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_MPEG2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES_MPEG1 = (44_100, 48_000, 32_000)


class FrameCount(NamedTuple):
    """Sound frames counted in an MP3, and whether all its MPEG frames have one bit rate."""

    frames: int
    constant: bool


class _Header(NamedTuple):
    size: int
    samples: int
    kbps: int


def count_untagged(path: str | os.PathLike[str]) -> FrameCount | None:
    """Count the sound frames of an MP3 (layer III) that does not state them.

    Parameters
    ----------
    path : the file

    Returns
    -------
    the count; None where the file states its length, or its frames cannot be followed
    """
    with open_bytes(path) as file:
        data = file.read()
    position = _first_frame(data, _after_id3(data))
    first = _header(data, position)
    if first is None or any(tag in data[position : position + first.size] for tag in _TAGS):
        return None
    frames, constant = 0, True
    while (header := _header(data, position)) is not None and position + header.size <= len(data):
        frames += header.samples
        constant = constant and header.kbps == first.kbps
        position += header.size
    return FrameCount(frames, constant)


def _after_id3(data: bytes) -> int:
    """Where the sound begins after an ID3v2 tag, whose size has seven bits a byte."""
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = 0
    for byte in data[6:10]:
        size = size << 7 | (byte & 0x7F)
    return size + 10


def _first_frame(data: bytes, start: int) -> int:
    """The first header that another one follows where it says."""
    for position in range(start, min(len(data) - 4, start + _SEARCH_BYTES)):
        if data[position] != 0xFF:
            continue
        header = _header(data, position)
        if header is not None and _header(data, position + header.size) is not None:
            return position
    return len(data)


def _header(data: bytes, position: int) -> _Header | None:
    """Read the four bytes of a layer III frame header."""
    if position + 4 > len(data):
        return None
    word = int.from_bytes(data[position : position + 4], "big")
    version, layer = word >> 19 & 3, word >> 17 & 3
    kbps_index, rate_index, padding = word >> 12 & 15, word >> 10 & 3, word >> 9 & 1
    if word >> 21 != 0x7FF or version == 1 or layer != 1 or kbps_index in (0, 15) or rate_index == 3:
        return None
    first_version = version == 3
    kbps = (_KBPS_MPEG1 if first_version else _KBPS_MPEG2)[kbps_index]
    rate = _RATES_MPEG1[rate_index] // {3: 1, 2: 2, 0: 4}[version]
    samples = 1152 if first_version else 576
    return _Header(samples // 8 * kbps * 1000 // rate + padding, samples, kbps)
