"""What a pool says of itself: pool.json, left-out.csv, LICENCES.md; and whether a folder is one."""

from __future__ import annotations

import csv
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from tonewright.audio.sources.manifest import LICENCES, MANIFEST, PARTS, Piece
from tonewright.audio.sources.shelves import (
    INDEX,
    facts_path,
    index_path,
    read_facts,
    shelf_names,
    write_json,
)
from tonewright.audio.writing import atomic_output
from tonewright.errors import CorpusError, OutputError, UsageError

FORMAT = 1
POOL_FILE, LEFT_OUT = "pool.json", "left-out.csv"
SOUNDFONTS, DOWNLOADS = "soundfonts", "downloads"


@dataclass(frozen=True)
class ShelfState:
    """What became of one source.

    Parameters
    ----------
    name, part, package : of the source
    version, bytes : of the package that was fetched; "" and 0 where none was
    state : "complete" or "missing"
    reason : why it is missing, or complete and empty
    pieces, seconds : in the pool
    left_out : files that were refused
    """

    name: str
    part: str
    package: str
    version: str = ""
    bytes: int = 0
    state: str = "missing"
    reason: str = ""
    pieces: int = 0
    seconds: float = 0.0
    left_out: int = 0


def check_folder(root: Path, *, licences: str, overwrite: bool = False) -> None:
    """Whether a folder is, or can become, a pool for these licences; nothing is written.

    Raises
    ------
    OutputError
        If it is a file, or a folder with other things in it.
    UsageError
        If it is a pool made for other licences.
    """
    if root.exists() and not root.is_dir():
        raise OutputError(f"{root}: is a file; choose a folder")
    if not (root / POOL_FILE).exists():
        if root.exists() and any(root.iterdir()):
            raise OutputError(f"{root}: holds files and is no pool; choose an empty folder or another name")
        return
    made = read_pool_file(root).get("options", {})
    if not overwrite and made.get("licences") != licences:
        raise UsageError(
            f"{root}: was made with --licences {made.get('licences')}; choose another folder,"
            " the same licences, or make it anew (--force)"
        )


@contextmanager
def prepared(root: Path, options: dict[str, Any], *, overwrite: bool) -> Iterator[None]:
    """A folder that is a pool, made under these options or empty, held against other processes.

    Raises
    ------
    OutputError, UsageError
        As `check_folder` does, and where another process is making it.
    """
    check_folder(root, licences=options["licences"], overwrite=overwrite)
    try:
        root.mkdir(parents=True, exist_ok=True)
        held = os.open(root, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise OutputError(f"{root}: cannot be made ({error.strerror}); choose another folder") from error
    try:
        with suppress(OSError):  # some network disks lock no folders
            _hold(root, held)
        if not (root / POOL_FILE).exists():
            write_json(root / POOL_FILE, {"format": FORMAT, "options": options, "sources": []})
        _sweep(root)
        if overwrite:
            clear(root)
            write_json(root / POOL_FILE, {"format": FORMAT, "options": options, "sources": []})
        yield
    finally:
        os.close(held)


def _hold(root: Path, descriptor: int) -> None:
    """Lock a folder until its descriptor is closed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(f"{root}: another process is making this pool; wait until it is done") from error


def read_pool_file(root: Path) -> dict[str, Any]:
    """pool.json of a folder; an `OutputError` where it is damaged or of another version."""
    path = root / POOL_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: cannot be read ({error}); remove it and the pool, or mend it") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise OutputError(f"{path}: is not what a pool says of itself, or of another version; remove it")
    return content


def clear(root: Path) -> None:
    """Remove what a pool wrote, and nothing else."""
    for name in shelf_names(root):
        remove_shelf(root, name)
    for name in (MANIFEST, LEFT_OUT, LICENCES, "report.html"):
        (root / name).unlink(missing_ok=True)


def _sweep(root: Path) -> None:
    """Remove what a run that was killed had not finished writing."""
    for folder in (*PARTS, INDEX, SOUNDFONTS, "."):
        for path in (root / folder).glob(".tonewright-*"):
            if path.is_file():
                path.unlink()


def remove_shelf(root: Path, name: str) -> None:
    """Remove one shelf: its index first, then its arrays and banks."""
    index_path(root, name).unlink(missing_ok=True)
    try:
        banks = read_facts(root, name).get("banks", [])
    except CorpusError:
        banks = []
    facts_path(root, name).unlink(missing_ok=True)
    for bank in banks:
        (root / SOUNDFONTS / Path(str(bank)).name).unlink(missing_ok=True)
    for part in PARTS:
        for path in (root / part).glob("*.wav"):
            if path.name.split(".")[0] == name or path.name.startswith(f"{name}."):
                path.unlink()


def write_records(
    root: Path, pieces: Sequence[Piece], states: Sequence[ShelfState], options: dict[str, Any]
) -> None:
    """Write pool.json, left-out.csv and LICENCES.md anew from what is in the pool.

    Parameters
    ----------
    root : of the pool
    pieces : its manifest
    states : of the sources of this run; what is known of others that are on a shelf is kept
    options : that it was made with
    """
    _write_left_out(root)
    _write_licences(root / LICENCES, pieces)
    known, there = {state.name for state in states}, set(shelf_names(root))
    earlier = [
        source for source in read_pool_file(root).get("sources", ()) if source.get("name") in there - known
    ]
    sources = [*(asdict(state) for state in states), *earlier]
    write_json(root / POOL_FILE, {"format": FORMAT, "options": options, "sources": sources})


def _write_left_out(root: Path) -> None:
    path = root / LEFT_OUT
    with atomic_output(path, overwrite=True) as temporary, temporary.open("w", encoding="utf-8") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(("package", "file", "seconds", "reason"))
        for name in shelf_names(root):
            facts = read_facts(root, name)
            for file, seconds, reason in facts.get("refused", ()):
                writer.writerow((facts.get("package", name), file, f"{seconds:.2f}", reason))


def _write_licences(path: Path, pieces: Iterable[Piece]) -> None:
    """Who made what under which licence, package by package."""
    lines = [
        "# Licences of this pool",
        "",
        "Every piece, with its file, author and licence, is a row of the pool's `manifest.csv`. Whoever",
        "passes on its sound, or weights trained on it, names these authors and keeps to these licences.",
    ]
    ordered = sorted(pieces, key=lambda piece: (PARTS.index(piece.part), piece.package))
    for (part, package), group in groupby(ordered, key=lambda piece: (piece.part, piece.package)):
        inside = list(group)
        lines += ["", f"## {package} {inside[0].version} ({part})", ""]
        lines += ["| licence | author | pieces | minutes |", "|---|---|---|---|"]
        inside.sort(key=lambda piece: (piece.licence, piece.author))
        for (licence, author), same in groupby(inside, key=lambda piece: (piece.licence, piece.author)):
            rows = list(same)
            minutes = sum(piece.seconds for piece in rows) / 60
            words = (licence or "not stated", author or "not stated", str(len(rows)), f"{minutes:.1f}")
            lines.append("| " + " | ".join(word.replace("|", "/") for word in words) + " |")
        if part == "music":
            lines += ["", *(f"- {piece.file}: {piece.author or 'author not stated'}" for piece in inside)]
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
