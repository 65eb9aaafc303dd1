"""The manifest of a pool: what is written is read back; what is none is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.layouts import LAYOUTS, list_files
from tonewright.audio.sources.manifest import MANIFEST, Piece, read_manifest, write_manifest
from tonewright.errors import CorpusError

_TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20)
_WORDS = st.lists(st.from_regex(r"[\w#.-]{1,8}", fullmatch=True), max_size=3).map(tuple)


def piece(**changes: object) -> Piece:
    facts = {
        "name": "talk/a",
        "song": "talk/a",
        "part": "voices",
        "labels": ("speech", "fr"),
        "path": "voices/talk.wav",
        "stems": ("mixture",),
        "start": 0,
        "frames": 44_100,
        "sample_rate": 44_100,
        "channels": 1,
        "source_rate": 16_000,
        "bandwidth_hz": 8000.0,
        "level_db": -20.5,
        "gain_db": 0.5,
        "clipped": 0.0,
        "package": "talk",
        "version": "1",
        "file": "a.wav",
        "licence": "CC0-1.0",
        "author": "",
    }
    return Piece(**(facts | changes))  # type: ignore[arg-type]


@settings(deadline=None, max_examples=30)
@given(name=_TEXT, author=_TEXT, labels=_WORDS, start=st.integers(0, 2**40), level=st.floats(-100, 0))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    author: str,
    labels: tuple[str, ...],
    start: int,
    level: float,
) -> None:
    path = tmp_path_factory.mktemp("m") / MANIFEST
    written = piece(name=name, author=author, labels=labels, start=start, level_db=level)
    write_manifest(path, [written])
    (read,) = read_manifest(path)
    assert read.level_db == pytest.approx(level, rel=1e-5)
    assert piece(**{**vars(read), "level_db": level}) == written


@pytest.mark.parametrize(
    ("change", "to"),
    [
        ("voices/talk.wav", "../talk.wav"),
        ("voices/talk.wav", "/etc/passwd"),
        (",44100,44100,", ",0,44100,"),
        (",44100,44100,", ",44100,0,"),
        (",mixture,", ",,"),
    ],
)
def test_a_piece_that_leads_nowhere_is_refused(tmp_path: Path, change: str, to: str) -> None:
    path = tmp_path / MANIFEST
    write_manifest(path, [piece()])
    path.write_text(path.read_text(encoding="utf-8").replace(change, to), encoding="utf-8")
    with pytest.raises(CorpusError, match="no section inside the pool"):
        read_manifest(path)


def test_other_tables_are_no_manifest(tmp_path: Path) -> None:
    path = tmp_path / MANIFEST
    path.write_text("name,song\na,b\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="not the manifest"):
        read_manifest(path)
    assert not LAYOUTS["pool"].detect(list_files(tmp_path))


def test_a_manifest_that_may_not_be_read_is_not_seen(tmp_path: Path, monkeypatch) -> None:
    write_manifest(tmp_path / MANIFEST, [piece()])
    listing = list_files(tmp_path)
    assert LAYOUTS["pool"].detect(listing)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert not LAYOUTS["pool"].detect(listing)


def test_a_row_that_is_cut_short_is_said(tmp_path: Path) -> None:
    path = tmp_path / MANIFEST
    write_manifest(path, [piece(), piece(name="talk/b")])
    path.write_text(path.read_text(encoding="utf-8")[:-40], encoding="utf-8")
    with pytest.raises(CorpusError, match=r"talk/b has \d+ fields, not 20"):
        read_manifest(path)


def test_a_figure_that_is_none_is_said(tmp_path: Path) -> None:
    path = tmp_path / MANIFEST
    write_manifest(path, [piece()])
    path.write_text(path.read_text(encoding="utf-8").replace("8000", "8k"), encoding="utf-8")
    with pytest.raises(CorpusError, match="bandwidth_hz of talk/a is '8k', no number"):
        read_manifest(path)


def test_tracks_of_the_layout(tmp_path: Path) -> None:
    stems = piece(
        name="s/1",
        song="s",
        part="songs",
        labels=("song", "rock"),
        path="songs/s.{stem}.wav",
        stems=("mixture", "drums"),
        start=7,
        bandwidth_hz=0.0,
    )
    write_manifest(tmp_path / MANIFEST, [piece(), stems])
    listing = list_files(tmp_path)
    assert LAYOUTS["pool"].detect(listing)
    first, second = LAYOUTS["pool"].find(listing)
    assert (first.labels, first.start, first.frames) == (("voices", "speech", "fr"), 0, 44_100)
    assert first.bandwidth_hz == 8000
    assert dict(second.stems) == {"mixture": "songs/s.mixture.wav", "drums": "songs/s.drums.wav"}
    assert (second.song, second.start, second.bandwidth_hz) == ("s", 7, None)
