"""The tables of a SoundFont 2 bank: chunks, records, zones, and which samples are two sides of one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tonewright.errors import AudioError

RIGHT, LEFT, COMPRESSED, ROM = 0x2, 0x4, 0x10, 0x8000
INSTRUMENT, SAMPLE, ROOT_KEY = 41, 53, 58
SIDE = re.compile(r"[ _-]*(\([LR]\)|(?<![A-Za-z])[LR])$")
SHDR = np.dtype(
    [
        ("name", "S20"),
        ("start", "<u4"),
        ("end", "<u4"),
        ("loop_start", "<u4"),
        ("loop_end", "<u4"),
        ("rate", "<u4"),
        ("key", "u1"),
        ("correction", "i1"),
        ("link", "<u2"),
        ("kind", "<u2"),
    ]
)
INST = np.dtype([("name", "S20"), ("bag", "<u2")])
PHDR = np.dtype([("name", "S20"), ("preset", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "S12")])
BAG = np.dtype([("generators", "<u2"), ("modulators", "<u2")])
GEN = np.dtype([("operator", "<u2"), ("amount", "<u2")])


@dataclass(frozen=True)
class Header:
    """A record of the table of samples."""

    name: str
    start: int
    end: int
    sample_rate: int
    key: int
    correction_cents: int
    link: int
    kind: int


def chunks_of(file: BinaryIO, path: Path) -> dict[bytes, tuple[int, int]]:
    """Place and size of each chunk, by name, those of the three lists together."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(12)
    if start[:4] != b"RIFF" or start[8:] != b"sfbk":
        raise AudioError(path, "is no SoundFont 2 bank")
    found: dict[bytes, tuple[int, int]] = {}
    position = 12
    while position + 8 <= size:
        file.seek(position)
        name, length = file.read(4), int.from_bytes(file.read(4), "little")
        if name == b"LIST":
            position += 12  # what is in it comes next
            continue
        if position + 8 + length > size:
            raise AudioError(
                path, f"is truncated: {position + 8 + length} bytes were announced, {size} are there"
            )
        found.setdefault(name, (position + 8, length))
        position += 8 + length + length % 2
    return found


def zones_of(
    owners: np.ndarray, bags: np.ndarray, generators: np.ndarray
) -> Iterator[tuple[int, dict[int, int]]]:
    """Each zone of each instrument or preset: its number and its generators, what is global filled in.

    The first zone is global when it names neither sample nor instrument (specification 7.3 and 7.7).
    """
    for number in range(len(owners) - 1):
        common: dict[int, int] = {}
        for bag in range(int(owners["bag"][number]), int(owners["bag"][number + 1])):
            if bag + 1 >= len(bags):
                return
            first, last = int(bags["generators"][bag]), int(bags["generators"][bag + 1])
            zone = {int(entry["operator"]): int(entry["amount"]) for entry in generators[first:last]}
            if SAMPLE not in zone and INSTRUMENT not in zone:
                common = common or zone
            else:
                yield number, common | zone


def read_header(record: np.void) -> Header:
    """A record of the table of samples."""
    return Header(
        name=text_of(record["name"]),
        start=int(record["start"]),
        end=int(record["end"]),
        sample_rate=int(record["rate"]),
        key=int(record["key"]),
        correction_cents=int(record["correction"]),
        link=int(record["link"]),
        kind=int(record["kind"]),
    )


def pairs_of(headers: list[Header]) -> dict[int, int]:
    """Each side of a stereo sample and the other.

    They name each other by `link`; where a bank leaves that out, their names differ in "L" and "R" alone.
    """
    pairs: dict[int, int] = {}
    lone: dict[tuple[str, int, int], int] = {}
    for number, header in enumerate(headers):
        side = header.kind & (LEFT | RIGHT)
        if side not in (LEFT, RIGHT) or number in pairs:
            continue
        linked = header.link < len(headers) and headers[header.link].link == number != header.link
        other = (
            header.link if linked else lone.pop((SIDE.sub("", header.name), header.sample_rate, side), None)
        )
        if other is not None and _fit(header, headers[other]):
            pairs |= {number: other, other: number}
        elif not linked and SIDE.search(header.name):
            lone[SIDE.sub("", header.name), header.sample_rate, (LEFT | RIGHT) - side] = number
    return pairs


def _fit(one: Header, other: Header) -> bool:
    """Whether two samples can be the two sides of one."""
    sides = {one.kind & (LEFT | RIGHT), other.kind & (LEFT | RIGHT)}
    lengths = sorted((one.end - one.start, other.end - other.start))
    return (
        sides == {LEFT, RIGHT} and one.sample_rate == other.sample_rate and 0 < lengths[1] <= 2 * lengths[0]
    )


def text_of(field: bytes) -> str:
    """The text of a field of fixed width."""
    return bytes(field).split(b"\0")[0].decode("latin-1").strip()
