"""One source of a pool on its shelf: what enters, what is refused, and whether it is there already."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.decoding import Refused, banks
from tonewright.audio.sources.packages import Fetched
from tonewright.audio.sources.pool.records import SOUNDFONTS, ShelfState, remove_shelf
from tonewright.audio.sources.pool.utterances import joined_utterances
from tonewright.audio.sources.pool.workers import Workers
from tonewright.audio.sources.screening import Screened
from tonewright.audio.sources.shelves import SAMPLE_RATE, ShelfWriter, read_facts, read_shelf, shelf_names
from tonewright.audio.writing import atomic_output
from tonewright.errors import CorpusError

# Another one, where the same package would become another shelf.
RECIPE = 1
_log = logging.getLogger(__name__)


def make_shelf(
    root: Path, source: Source, fetched: Fetched, workers: Workers, told: Callable[[int, int], None]
) -> ShelfState:
    """One source on its shelf."""
    remove_shelf(root, source.name)
    seen = {
        digest: name for shelf in shelf_names(root) for digest, name in _facts(root, shelf, "digests").items()
    }
    facts: dict[str, Any] = {
        "recipe": _recipe(source),
        "package": source.package,
        "part": source.part,
        "version": fetched.version,
        "bytes": fetched.bytes,
        "digests": {},
        "refused": [],
        "banks": _keep_banks(root, source, fetched),
    }
    taken = _taken(workers.screened(source, fetched, told=told), source, seen, facts)
    if source.part == "voices":
        taken = joined_utterances(taken, by_song=source.song != "{file}")
    stems = ("mixture", *(stem for stem, _ in source.stems))
    with ShelfWriter(
        root,
        part=source.part,
        shelf=source.name,
        package=source.package,
        version=fetched.version,
        channels=2 if source.part == "music" else 1,
        stems=stems,
        facts=facts,
    ) as shelf:
        for sound in taken:
            _add(shelf, sound)
    state = state_of(root, source)
    if state is None:
        raise CorpusError(f"{root}: the shelf {source.name} was changed while the pool was made")
    return state


def _add(shelf: ShelfWriter, sound: Screened) -> None:
    shelf.add(
        sound.sounds,
        name=f"{shelf.shelf}/{sound.name}",
        song=sound.song,
        labels=sound.labels,
        source_rate=sound.source_rate,
        bandwidth_hz=sound.bandwidth_hz,
        level_db=sound.level_db,
        gain_db=sound.gain_db,
        clipped=sound.clipped,
        file=sound.file,
        licence=sound.licence,
        author=sound.author,
    )


def _taken(
    screened: Iterator[Screened | Refused], source: Source, seen: dict[str, str], facts: dict[str, Any]
) -> Iterator[Screened]:
    """The sounds that enter, once each; the others are noted in `facts`."""
    for sound in screened:
        if isinstance(sound, Refused):
            facts["refused"].append([sound.file, round(sound.seconds, 2), sound.reason])
        elif sound.digest in seen:
            reason = f"is the same sound as another ({seen[sound.digest]})"
            facts["refused"].append([sound.file, round(sound.frames / SAMPLE_RATE, 2), reason])
        else:
            seen[sound.digest] = facts["digests"][sound.digest] = f"{source.name}/{sound.name}"
            yield sound


def _keep_banks(root: Path, source: Source, fetched: Fetched) -> list[str]:
    """Copy the soundfonts of a source to where they stay; gives their names."""
    names = []
    for bank in banks(source, fetched):
        with atomic_output(root / SOUNDFONTS / bank.name, overwrite=True) as temporary:
            shutil.copyfile(bank, temporary)
        names.append(bank.name)
    return names


def state_of(root: Path, source: Source) -> ShelfState | None:
    """The state of a source that is complete and made by this recipe; None for one that is to be made."""
    try:
        pieces = read_shelf(root, source.name)
        if pieces is None:
            return None
        facts = read_facts(root, source.name)
    except CorpusError as error:
        wrong = str(error).rpartition("; ")[0] or error  # without what to do: that is done here
        _log.warning("%s; it is made anew", wrong)
        return None
    refused, banks_kept = facts.get("refused", []), facts.get("banks", [])
    whole = all((root / SOUNDFONTS / bank).is_file() for bank in banks_kept)
    if facts.get("recipe") != _recipe(source) or not whole:
        return None
    return ShelfState(
        name=source.name,
        part=source.part,
        package=source.package,
        version=str(facts["version"]),
        bytes=int(facts["bytes"]),
        state="complete",
        reason="" if pieces or banks_kept else f"none of its files can be used; {_commonest(refused)}",
        pieces=len(pieces),
        seconds=round(sum(piece.seconds for piece in pieces), 2),
        left_out=len(refused),
    )


def _facts(root: Path, shelf: str, name: str) -> dict[str, str]:
    """One entry of a shelf's facts; nothing where the shelf was not made here or is damaged."""
    try:
        return dict(read_facts(root, shelf).get(name, {}))
    except CorpusError:
        return {}


def _recipe(source: Source) -> str:
    """Short for everything that decides what a shelf holds, but for the package itself."""
    settled = replace(source, megabytes=0.0, size="full")
    if not source.published:
        settled = replace(settled, licences="any")
    text = json.dumps([RECIPE, asdict(settled)], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _commonest(refused: Sequence[Sequence[Any]]) -> str:
    """The reason that was given most often."""
    reasons = [str(reason).partition(" (")[0] for _, _, reason in refused]
    return f"most of them: {max(dict.fromkeys(reasons), key=reasons.count)}" if reasons else "there were none"
