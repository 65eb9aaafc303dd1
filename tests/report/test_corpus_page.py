"""A corpus as one page."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tonewright.audio.corpus import load_corpus
from tonewright.audio.files import Clip, write
from tonewright.audio.inspection import inspect
from tonewright.audio.sources.manifest import MANIFEST, read_manifest
from tonewright.audio.sources.shelves import ShelfWriter, publish
from tonewright.cli import main
from tonewright.errors import OutputError
from tonewright.report import corpus_report
from tonewright.report.corpus_page import excerpts

RATE = 44100


def noise(seconds: float, seed: int, level: float = 0.1) -> np.ndarray:
    return level * np.random.default_rng(seed).standard_normal((1, round(seconds * RATE))).astype(np.float32)


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    """Two shelves of two parts, of different licences, one file left out."""
    folder = tmp_path / "pool"
    folder.mkdir()
    for part, licence, first in (("voices", "CC-BY-3.0", 0), ("music", "CC0-1.0", 10)):
        with ShelfWriter(folder, part=part, shelf=part, package=f"package-of-{part}", version="1") as shelf:
            for number in range(first, first + 6):
                shelf.add(
                    {"mixture": noise(1 + 0.1 * number, number)},
                    name=f"{part}/{number}",
                    song=f"{part}/{number}",
                    labels=("speech", "fr"),
                    source_rate=16000,
                    bandwidth_hz=8000.0,
                    level_db=-23.0,
                    gain_db=3.0,
                    clipped=0.0,
                    file=f"{number}.ogg",
                    licence=licence,
                    author="A <b>Maker</b>",
                )
    publish(folder)
    (folder / "left-out.csv").write_text(
        "package,file,seconds,reason\npackage-of-voices,beep.ogg,0.5,is a beep (440 Hz)\n"
    )
    return folder


def test_a_pool_by_the_command(pool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):  # the pool's own page is made anew
        with pytest.raises(SystemExit) as done:
            main(["data", "check", str(pool), "--jobs", "1"])
        assert done.value.code == 0
    page = (pool / "report.html").read_text(encoding="utf-8")
    shown = capsys.readouterr().out
    assert "minutes by label" in shown
    assert str(pool / "report.html") in shown
    for words in ("package-of-voices", "CC-BY-3.0", "CC0-1.0", "is a beep", "A &lt;b&gt;Maker&lt;/b&gt;"):
        assert words in page
    assert "<b>Maker" not in page
    assert len(re.findall("<audio", page)) == 12


def test_a_pool_whose_page_cannot_be_written_is_checked_all_the_same(
    pool: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (pool / "report.html").mkdir()
    with pytest.raises(SystemExit) as done:
        main(["data", "check", str(pool), "--jobs", "1", "--json"])
    assert done.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["files"]) == 12
    assert found["report"] is None
    assert "report.html" in caplog.text
    assert "--report" in caplog.text


def test_another_folder_has_a_page_where_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    write(folder / "a.wav", Clip(noise(1, 0), RATE))
    with pytest.raises(SystemExit) as done:
        main(["data", "check", str(folder)])
    assert done.value.code == 0
    assert [path.name for path in folder.iterdir()] == ["a.wav"]
    target = tmp_path / "page.html"
    for options, code in ((["--report", "page.txt"], 2), (["--report", str(target)], 0)):
        with pytest.raises(SystemExit) as done:
            main(["data", "check", str(folder), *options])
        assert done.value.code == code
    before = target.read_bytes()
    with pytest.raises(SystemExit) as done:
        main(["data", "check", str(folder), "--report", str(target)])
    assert done.value.code == 1
    assert "--force" in capsys.readouterr().err
    assert target.read_bytes() == before


def test_names_that_are_no_text_and_sound_that_is_no_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    samples = noise(1, 0)[0]
    samples[100:103] = np.nan, np.inf, -np.inf
    latin = folder / os.fsdecode(b"caf\xe9.wav")
    soundfile.write(os.fsencode(latin), samples, RATE, subtype="FLOAT")
    with pytest.raises(SystemExit) as done:
        main(["data", "check", str(folder), "--report", str(tmp_path / "page.html"), "--json"])
    assert done.value.code == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["files"][0]["path"] == str(latin)
    assert not captured.err
    assert "caf?" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_nothing_readable_is_a_page_too(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "a.wav").write_text("no sound")
    from tonewright.audio.corpus import scan_corpus

    corpus = scan_corpus(folder)
    path = corpus_report(
        inspect(corpus), corpus, path=tmp_path / "page.html", flaws=[("a.wav", "unreadable")]
    )
    assert "nothing that can be read" in path.read_text(encoding="utf-8")
    with pytest.raises(OutputError):
        corpus_report(inspect(corpus), corpus, path=path)


def test_excerpts_come_from_every_group_and_from_their_own_section(pool: Path) -> None:
    corpus = load_corpus(pool)
    chosen = excerpts(corpus, count=6, seconds=0.5)
    assert sorted(track.labels[0] for track, _ in chosen) == ["music"] * 3 + ["voices"] * 3
    assert len({track.name for track, _ in chosen}) == 6
    for track, clip in chosen:
        whole = noise(track.seconds, int(track.name.rpartition("/")[2]))
        first = (whole.shape[1] - clip.frames) // 2
        assert clip.seconds == pytest.approx(0.5)
        np.testing.assert_allclose(clip.samples, whole[:, first : first + clip.frames], atol=1 / 32768)


def test_sections_are_checked_one_by_one(pool: Path) -> None:
    found = inspect(pool, jobs=2)
    pieces = read_manifest(pool / MANIFEST)
    assert [row.name for row in found.files] == [piece.name for piece in pieces]
    for row, piece in zip(found.files, pieces, strict=True):
        expected = noise(piece.seconds, int(piece.name.rpartition("/")[2]))
        assert row.seconds == pytest.approx(piece.seconds)
        assert row.start == piece.start
        assert row.rms_db == pytest.approx(
            10 * np.log10(np.square(expected, dtype=np.float64).mean()), abs=0.01
        )
        assert row.bandwidth_hz > 20000  # white
    assert found.totals.seconds_by_label.keys() == {"voices", "music"}
    assert found.totals.duplicates == 0
