"""The last pages of an Ogg file: whether the stream ends, and where its last page begins.

A page header (RFC 3533, section 6) has its kind at byte 5 (4: the last of its stream), at byte 6 the
position of the sound that ends with it (−1 where none does), and from byte 26 the sizes of its segments.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from tonewright.audio.members import open_bytes

_PAGE_MARK = b"OggS\0"
_HEADER_BYTES = 27
_PAGE_BYTES = _HEADER_BYTES + 255 + 255 * 255
_END_OF_STREAM = 4


class OggTail(NamedTuple):
    """Whether the last page is whole and the end of its stream; the frame it begins at, 0 if unknown."""

    ends: bool
    last_page_start: int


def ogg_tail(path: str | os.PathLike[str]) -> OggTail:
    """Look at the last pages of a file."""
    with open_bytes(path) as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 3 * _PAGE_BYTES))
        tail = file.read()
    positions: list[int] = []
    ends = False
    place = tail.find(_PAGE_MARK)
    while place >= 0:
        length = _page_length(tail, place)
        if length is None:
            ends = False
            break
        position = int.from_bytes(tail[place + 6 : place + 14], "little", signed=True)
        ends = bool(tail[place + 5] & _END_OF_STREAM)
        if position >= 0:
            positions.append(position)
        place = tail.find(_PAGE_MARK, place + length)
    return OggTail(ends, positions[-2] if len(positions) > 1 else 0)


def _page_length(data: bytes, place: int) -> int | None:
    """Bytes of the page that begins here; None where it is cut short."""
    segments = place + _HEADER_BYTES
    if segments > len(data):
        return None
    count = data[segments - 1]
    length = _HEADER_BYTES + count + sum(data[segments : segments + count])
    return length if place + length <= len(data) else None
