"""``tonewright data pool``, with packages that nobody fetches."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tonewright.audio.files import Clip, write
from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.packages import Fetched, SourceError
from tonewright.audio.sources.pool import building, fetching
from tonewright.cli import main


def tiny(name: str) -> Source:
    return Source(
        name=name,
        package=f"{name}-package",
        manager="apt",
        part="instruments",
        size="small",
        megabytes=1.25,
        root="sound",
        files=("*.wav",),
        labels=("note", name, "{note}"),
        licence="CC-BY-3.0",
        author="the tests",
    )


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Two instruments as packages; those put into the set cannot be had."""
    lost: set[str] = set()
    root = tmp_path_factory.mktemp("packages")
    for number, name in enumerate(("flute/sound/A4.wav", "flute/sound/C5.wav", "harp/sound/A4.wav")):
        tone = np.sin(np.arange(30_000) * (0.06 + 0.02 * number)) * np.exp(-np.arange(30_000) / 9000)
        write(root / name, Clip(0.5 * tone[None], 44_100))

    def fetch(source: Source, downloads: Path) -> Fetched:
        if source.name in lost:
            raise SourceError(f"{source.package}: cannot be reached")
        return Fetched(root / source.package.removesuffix("-package"), "2.1", 1_250_000)

    monkeypatch.setattr(building, "choose", lambda **_: (tiny("flute"), tiny("harp")))
    monkeypatch.setattr(building, "discard", lambda *_, **__: None)
    monkeypatch.setattr(building, "lacking", lambda sources: {})
    monkeypatch.setattr(fetching, "fetch", fetch)
    monkeypatch.setattr(fetching, "prefetch", lambda sources, downloads: None)
    return lost


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["data", "pool", *arguments])
    return int(ended.value.code or 0)


def test_prints_what_it_holds_and_what_to_do(
    lost: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = tmp_path / "real sound"
    assert run(str(pool), "--jobs", "1") == 0
    printed = capsys.readouterr()
    (row,) = [line.split() for line in printed.out.splitlines() if line.strip().startswith("instruments")]
    assert row[1] == "3"
    assert row[-1] == "CC-BY-3.0"
    assert f"tonewright data check '{pool}'" in printed.out
    assert f"data=pool 'data.root=\"{pool}\"'" in printed.out
    assert printed.err == ""


def test_a_package_of_no_use_is_a_warning(
    lost: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both fetch the same sounds, and the second has nothing to add."""
    monkeypatch.setattr(building, "choose", lambda **_: (tiny("flute"), replace(tiny("flute"), name="copy")))
    assert run(str(tmp_path / "pool"), "--jobs", "1", "--json") == 0
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert told["missing"] == []
    (part,) = told["parts"]
    assert (part["part"], part["pieces"], part["source_rates"]) == ("instruments", 2, [44_100])
    assert part["seconds"] == pytest.approx(sum(shelf["seconds"] for shelf in told["shelves"]), abs=0.01)
    assert part["licences"] == ["CC-BY-3.0"]
    assert [shelf["pieces"] for shelf in told["shelves"]] == [2, 0]
    assert "warning: left out: copy: none of its files can be used" in printed.err
    assert "most of them: is the same sound as another" in printed.err
    assert "tries again" not in printed.err


def test_what_cannot_be_had_is_a_warning(
    lost: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost.add("harp")
    assert run(str(tmp_path / "pool"), "--jobs", "1", "--json") == 0
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert [shelf["state"] for shelf in told["shelves"]] == ["complete", "missing"]
    assert told["missing"] == ["harp"]
    assert "warning: left out: harp: harp-package: cannot be reached" in printed.err
    assert "tries again what is missing" in printed.err


def test_nothing_at_all_fails(lost: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost |= {"flute", "harp"}
    assert run(str(tmp_path / "pool"), "--jobs", "1") == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert "cannot be reached" in printed.err


def test_what_the_machine_lacks_is_not_fetched(
    lost: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "lacking", lambda sources: {"npm, a program": ("harp",)})
    assert run(str(tmp_path / "pool"), "--dry-run") == 0
    printed = capsys.readouterr().out
    assert "lacking: npm, a program; without it these are left out: harp" in printed
    assert run(str(tmp_path / "pool"), "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["download_mb"] == pytest.approx(1.25)
    assert run(str(tmp_path / "pool"), "--jobs", "1") == 0
    assert "warning: left out: harp: needs npm, a program" in capsys.readouterr().err


def test_dry_run_writes_nothing(lost: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(tmp_path / "pool"), "--dry-run") == 0
    printed = capsys.readouterr().out
    assert "flute-package" in printed
    assert "CC-BY-3.0" in printed
    assert "2 MB" in printed  # both packages, 1.25 MB each
    assert not (tmp_path / "pool").exists()
    assert run(str(tmp_path / "pool"), "--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["download_mb"] == pytest.approx(2.5)
    assert [source["there"] for source in told["sources"]] == [False, False]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--only", "musik"), "did you mean music?"),
        (("--only", ","), "names no part"),
        (("--size", "big"), "size 'big'"),
        (("--licences", "all"), "licences 'all'"),
        (("--jobs", "0"), "--jobs"),
        (("--sing", "-1"), "--sing"),
    ],
)
def test_wrong_use_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert run(str(tmp_path / "pool"), *arguments) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "pool").exists()


def test_a_folder_of_something_else_is_refused(
    lost: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")
    assert run(str(tmp_path), "--force") == 1
    assert "is no pool" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_what_singing_lacks_is_said_at_once(
    lost: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyworld", None)
    assert run(str(tmp_path / "pool"), "--sing", "1") == 1
    assert "tonewright[singing]" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "mido", None)
    assert run(str(tmp_path / "pool"), "--songs", "1") == 1
    assert "tonewright[sources]" in capsys.readouterr().err
    assert not (tmp_path / "pool").exists()
