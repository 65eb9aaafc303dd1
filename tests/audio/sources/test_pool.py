"""A pool of two small packages, fetched by nobody: laid down, resumed, mended, the same to the byte."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError

from tonewright.audio.corpus import load_corpus
from tonewright.audio.files import Clip, write
from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.manifest import MANIFEST, read_manifest
from tonewright.audio.sources.packages import Fetched, SourceError
from tonewright.audio.sources.pool import build_pool, building, fetching, plan_pool, shelf
from tonewright.audio.sources.pool.utterances import joined_utterances
from tonewright.audio.sources.pool.workers import shared as shared_out
from tonewright.audio.sources.screening import Screened
from tonewright.audio.sources.shelves import read_piece
from tonewright.errors import OutputError, UsageError

RATE = 16_000


def tiny(name: str, part: str, **changes: object) -> Source:
    options = {
        "package": name,
        "manager": "apt",
        "size": "small",
        "megabytes": 0.5,
        "root": "sound",
        "files": ("*.wav", "*.ogg"),
        "labels": ("speech", "en", "robot") if part == "voices" else (part,),
        "licence": "CC0-1.0",
        "author": "the tests",
    }
    return Source(name=name, part=part, **(options | changes))  # type: ignore[arg-type]


TALK, BAND, DRUMS = tiny("talk", "voices"), tiny("band", "music"), tiny("drums", "instruments")
ALL = (TALK, BAND, DRUMS)


def voice(seconds: float, seed: int) -> np.ndarray:
    """Noise in syllables: enough of a voice for everything but a listener."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    envelope = np.clip(np.sin(2 * np.pi * random.uniform(3, 5) * time), 0.02, 1)
    return (0.1 * envelope * random.standard_normal(len(time)))[None].astype(np.float32)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the packages hold when they are unpacked."""
    root = tmp_path_factory.mktemp("packages")
    for number in range(40):
        write(root / f"talk/sound/{number:02}.wav", Clip(voice(0.6 + 0.1 * (number % 9), number), RATE))
    write(root / "talk/sound/90.wav", Clip(voice(0.9, 3), RATE))  # 03 again
    write(root / "talk/sound/silence.wav", Clip(np.zeros((1, RATE)), RATE))
    (root / "talk/sound/broken.wav").write_bytes(b"RIFF????WAVE no sound")
    random = np.random.default_rng(7)
    for number in range(3):
        chord = sum(np.sin(np.arange(9 * 44_100) * 0.01 * (number + 1) * k) / k for k in range(1, 120))
        wide = 0.05 * np.stack([chord, chord]) + 0.01 * random.standard_normal((2, 9 * 44_100))
        write(root / f"band/sound/{number}.wav", Clip(wide, 44_100))
    decay = np.exp(-np.arange(22_050) / 3000)
    for number in range(4):
        write(
            root / f"drums/sound/{number}.wav",
            Clip((decay * random.standard_normal(22_050) * 0.1)[None], 44_100),
        )
    return root


class Fetcher:
    """Stands in for the managers of packages."""

    def __init__(self, packages: Path) -> None:
        self.packages, self.fetched = packages, []
        self.failures: dict[str, BaseException] = {}

    def fetch(self, source: Source, downloads: Path) -> Fetched:
        self.fetched.append(source.name)
        if source.name in self.failures:
            raise self.failures[source.name]
        shutil.copytree(self.packages / source.package, downloads / source.package, dirs_exist_ok=True)
        return Fetched(downloads / source.package, "1.0-1", 500_000)

    @staticmethod
    def discard(source: Source, downloads: Path, *, pending: object = ()) -> None:
        shutil.rmtree(downloads / source.package, ignore_errors=True)


@pytest.fixture
def fetcher(packages: Path, monkeypatch: pytest.MonkeyPatch) -> Fetcher:
    made = Fetcher(packages)

    def choose(*, only: tuple[str, ...], size: str, licences: str) -> tuple[Source, ...]:
        return tuple(source for source in ALL if source.part in only)

    monkeypatch.setattr(building, "choose", choose)
    monkeypatch.setattr(building, "discard", made.discard)
    monkeypatch.setattr(building, "lacking", lambda sources: {})
    monkeypatch.setattr(fetching, "fetch", made.fetch)
    monkeypatch.setattr(fetching, "prefetch", lambda sources, downloads: None)
    return made


def contents(pool: Path) -> dict[str, str]:
    """A hash of every file below a folder."""
    return {
        path.relative_to(pool).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(pool.rglob("*"))
        if path.is_file()
    }


def left_out(pool: Path) -> dict[str, str]:
    with (pool / "left-out.csv").open(encoding="utf-8", newline="") as lines:
        return {row["file"]: row["reason"] for row in csv.DictReader(lines)}


@pytest.fixture
def whole(fetcher: Fetcher, tmp_path: Path) -> dict[str, str]:
    """The files of a pool that nothing happened to."""
    build_pool(tmp_path / "whole", jobs=1)
    fetcher.fetched.clear()
    return contents(tmp_path / "whole")


def test_what_is_in_it(fetcher: Fetcher, tmp_path: Path) -> None:
    pool = tmp_path / "pool"
    told: list[tuple[int, int]] = []
    summary = build_pool(pool, jobs=1, progress=lambda done, total: told.append((done, total)))
    assert [state.state for state in summary.shelves] == ["complete"] * 3
    assert summary.missing == ()
    assert {path.name for path in pool.iterdir()} == {
        *("voices", "music", "instruments", "index"),
        *(MANIFEST, "left-out.csv", "pool.json", "LICENCES.md"),
    }
    pieces = read_manifest(pool / MANIFEST)
    assert pieces == summary.pieces
    by_part = {part: [piece for piece in pieces if piece.part == part] for part in ("voices", "music")}
    assert all(piece.seconds >= 5 for piece in by_part["voices"][:-1])
    files = [file for piece in by_part["voices"] for file in piece.file.split(" + ")]
    assert files == [f"sound/{number:02}.wav" for number in range(40)]
    assert [piece.channels for piece in by_part["music"]] == [2, 2, 2]
    assert {piece.licence for piece in pieces} == {"CC0-1.0"}
    for piece in pieces:
        samples = read_piece(pool, piece)
        assert samples.shape == (piece.channels, piece.frames)
        assert 0.01 < np.abs(samples).max() <= 1
    reasons = left_out(pool)
    assert set(reasons) == {"sound/90.wav", "sound/silence.wav", "sound/broken.wav"}
    assert reasons["sound/90.wav"] == "is the same sound as another (talk/03)"
    assert "silent" in reasons["sound/silence.wav"]
    assert told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_it_is_a_corpus(fetcher: Fetcher, tmp_path: Path) -> None:
    summary = build_pool(tmp_path / "pool", jobs=1)
    corpus = load_corpus(tmp_path / "pool")
    assert corpus.layout == "pool"
    assert [track.name for track in corpus.tracks] == [piece.name for piece in summary.pieces]
    assert corpus.unreadable == ()


def test_records_say_what_it_was_made_of(fetcher: Fetcher, tmp_path: Path) -> None:
    build_pool(tmp_path / "pool", only=("voices",), jobs=1)
    told = json.loads((tmp_path / "pool" / "pool.json").read_text(encoding="utf-8"))
    assert told["options"]["only"] == ["voices"]
    (source,) = told["sources"]
    assert (source["name"], source["version"], source["bytes"]) == ("talk", "1.0-1", 500_000)
    assert (source["state"], source["left_out"]) == ("complete", 3)
    licences = (tmp_path / "pool" / "LICENCES.md").read_text(encoding="utf-8")
    assert "## talk 1.0-1 (voices)" in licences
    assert "| CC0-1.0 | the tests |" in licences


def test_two_processes_make_the_same_bytes(fetcher: Fetcher, whole: dict[str, str], tmp_path: Path) -> None:
    build_pool(tmp_path / "two", jobs=2)
    assert contents(tmp_path / "two") == whole


@pytest.mark.parametrize("stopped", ["talk", "band", "drums"])
def test_an_interrupted_build_goes_on(
    fetcher: Fetcher, whole: dict[str, str], tmp_path: Path, stopped: str
) -> None:
    pool = tmp_path / "pool"
    fetcher.failures[stopped] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt, match="the same command goes on"):
        build_pool(pool, jobs=1)
    fetcher.failures.clear()
    fetcher.fetched.clear()
    build_pool(pool, jobs=1)
    assert fetcher.fetched == [source.name for source in ALL][[s.name for s in ALL].index(stopped) :]
    assert contents(pool) == whole


def test_a_build_that_was_killed_goes_on(fetcher: Fetcher, whole: dict[str, str], tmp_path: Path) -> None:
    """Its arrays are there without their index, and what it was writing has no name yet."""
    pool = tmp_path / "whole"
    for name in ("band.csv", "drums.csv", "drums.json"):
        (pool / "index" / name).unlink()
    for name in ("manifest.csv", "left-out.csv", "LICENCES.md", "instruments/drums.wav"):
        (pool / name).unlink()
    (pool / "instruments" / ".tonewright-0123456789abcdef.wav").write_bytes(b"RIFF")
    build_pool(pool, jobs=1)
    assert fetcher.fetched == ["band", "drums"]
    assert contents(pool) == whole


def test_nothing_is_fetched_twice(fetcher: Fetcher, whole: dict[str, str], tmp_path: Path) -> None:
    build_pool(tmp_path / "whole", jobs=1)
    assert fetcher.fetched == []
    assert contents(tmp_path / "whole") == whole


def test_parts_can_be_added(fetcher: Fetcher, whole: dict[str, str], tmp_path: Path) -> None:
    pool = tmp_path / "pool"
    build_pool(pool, only=("music",), jobs=1)
    build_pool(pool, jobs=1)
    assert fetcher.fetched == ["band", "talk", "drums"]
    assert contents(pool) == whole


def test_what_is_known_of_other_parts_is_kept(
    fetcher: Fetcher, whole: dict[str, str], tmp_path: Path
) -> None:
    build_pool(tmp_path / "whole", only=("music",), jobs=1)
    told = json.loads((tmp_path / "whole" / "pool.json").read_text(encoding="utf-8"))
    assert [source["name"] for source in told["sources"]] == ["band", "talk", "drums"]
    assert {source["state"] for source in told["sources"]} == {"complete"}


def test_a_package_that_cannot_be_had_costs_that_package(
    fetcher: Fetcher, whole: dict[str, str], tmp_path: Path
) -> None:
    pool = tmp_path / "pool"
    fetcher.failures["band"] = SourceError("band: apt knows no such package here")
    summary = build_pool(pool, jobs=1)
    assert [state.name for state in summary.missing] == ["band"]
    assert {piece.part for piece in summary.pieces} == {"voices", "instruments"}
    told = json.loads((pool / "pool.json").read_text(encoding="utf-8"))
    assert told["sources"][1]["state"] == "missing"
    assert "no such package" in told["sources"][1]["reason"]
    fetcher.failures.clear()
    assert build_pool(pool, jobs=1).missing == ()
    assert contents(pool) == whole


def test_a_package_of_no_use_costs_that_package(
    fetcher: Fetcher, packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mute = tmp_path / "packages"
    shutil.copytree(packages, mute)
    for path in (mute / "band" / "sound").iterdir():
        write(path, Clip(np.zeros((2, 9 * 44_100)), 44_100), overwrite=True)
    monkeypatch.setattr(fetcher, "packages", mute)
    summary = build_pool(tmp_path / "pool", jobs=1)
    assert summary.missing == ()
    assert (summary.shelves[1].name, summary.shelves[1].pieces) == ("band", 0)
    assert summary.shelves[1].reason == "none of its files can be used; most of them: is silent"
    fetcher.fetched.clear()
    build_pool(tmp_path / "pool", jobs=1)
    assert fetcher.fetched == []


def test_nothing_at_all_is_an_error(fetcher: Fetcher, tmp_path: Path) -> None:
    for source in ALL:
        fetcher.failures[source.name] = SourceError("there is no network")
    with pytest.raises(SourceError, match="nothing could be had; there is no network"):
        build_pool(tmp_path / "pool", jobs=1)


@pytest.mark.parametrize("damage", ["array", "index", "facts", "swapped"])
def test_damage_is_mended(fetcher: Fetcher, whole: dict[str, str], tmp_path: Path, damage: str) -> None:
    pool = tmp_path / "whole"
    path = {"array": "music/band.wav", "index": "index/band.csv", "facts": "index/band.json"}.get(damage)
    if path is None:  # another array of the right kind, and longer
        path = "music/band.wav"
        write(pool / path, Clip(np.zeros((1, 9_000_000)), 44_100), encoding="pcm16", overwrite=True)
    else:
        (pool / path).write_bytes((pool / path).read_bytes()[:-100_000] if damage == "array" else b"{")
    build_pool(pool, jobs=1)
    assert fetcher.fetched == ["band"]
    assert contents(pool) == whole


def test_another_recipe_makes_the_shelf_anew(
    fetcher: Fetcher, whole: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "RECIPE", shelf.RECIPE + 1)
    build_pool(tmp_path / "whole", jobs=1)
    assert fetcher.fetched == ["talk", "band", "drums"]


def test_a_process_that_is_killed_is_said(fetcher: Fetcher, tmp_path: Path) -> None:
    fetcher.failures["band"] = TerminatedWorkerError("a worker was killed")
    with pytest.raises(OutputError, match="want of memory; the same command goes on from here"):
        build_pool(tmp_path / "pool", jobs=1)


def test_force_that_is_stopped_goes_on_without(fetcher: Fetcher, tmp_path: Path) -> None:
    build_pool(tmp_path / "pool", licences="permissive", jobs=1)
    fetcher.failures["band"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt, match="the same command without --force goes on from here"):
        build_pool(tmp_path / "pool", licences="any", jobs=1, overwrite=True)
    with pytest.raises(UsageError, match="was made with --licences any"):
        build_pool(tmp_path / "pool", licences="permissive", jobs=1)
    fetcher.failures.clear()
    fetcher.fetched.clear()
    build_pool(tmp_path / "pool", licences="any", jobs=1)
    assert fetcher.fetched == ["band", "drums"], "what was made before the stop is kept"


@pytest.mark.parametrize("hours", [-1.0, float("nan"), float("inf")])
def test_hours_that_cannot_be_meant_are_said_first(fetcher: Fetcher, tmp_path: Path, hours: float) -> None:
    with pytest.raises(UsageError, match="hours to be made are 0 to 10000"):
        build_pool(tmp_path / "pool", sing_hours=hours)
    with pytest.raises(UsageError, match="hours to be made are 0 to 10000"):
        build_pool(tmp_path / "pool", song_hours=hours)
    assert not (tmp_path / "pool").exists()


def test_force_makes_it_anew_and_leaves_what_is_not_ours(
    fetcher: Fetcher, whole: dict[str, str], tmp_path: Path
) -> None:
    pool = tmp_path / "whole"
    (pool / "notes.txt").write_text("mine", encoding="utf-8")
    (pool / "voices" / "mine.wav").write_bytes(b"mine")
    build_pool(pool, only=("voices",), jobs=1, overwrite=True)
    assert fetcher.fetched == ["talk"]
    assert {piece.part for piece in read_manifest(pool / MANIFEST)} == {"voices"}
    assert not (pool / "music" / "band.wav").exists()
    assert (pool / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert (pool / "voices" / "mine.wav").read_bytes() == b"mine"


def test_a_disk_that_fills_is_one_line_and_resumable(
    fetcher: Fetcher, whole: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, add = tmp_path / "pool", shelf.ShelfWriter.add

    def full(self: shelf.ShelfWriter, *arguments: object, **options: object) -> object:
        if self.shelf == "band" and self.pieces:
            raise OutputError(f"{self.pool}/music/band.wav: the disk is full")
        return add(self, *arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(shelf.ShelfWriter, "add", full)
        with pytest.raises(
            OutputError, match=r"disk is full; the same command goes on from here once"
        ) as caught:
            build_pool(pool, jobs=1)
    assert "\n" not in str(caught.value)
    assert not (pool / "music" / "band.wav").exists()
    build_pool(pool, jobs=1)
    assert contents(pool) == whole


def test_a_disk_that_is_too_small_is_said_first(
    fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 1_000_000))
    with pytest.raises(OutputError, match=r"needs about .* GB and the disk has 0\.0 GB"):
        build_pool(tmp_path / "pool", jobs=1)
    assert fetcher.fetched == []


def test_downloads_are_kept_on_request(fetcher: Fetcher, tmp_path: Path) -> None:
    build_pool(tmp_path / "pool", only=("music",), jobs=1, keep_downloads=True)
    assert (tmp_path / "pool" / "downloads" / "band" / "sound" / "0.wav").is_file()


class TestFolders:
    def test_others_are_refused(self, fetcher: Fetcher, tmp_path: Path) -> None:
        (tmp_path / "holiday.jpg").write_bytes(b"x")
        with pytest.raises(OutputError, match="is no pool"):
            build_pool(tmp_path, jobs=1)
        with pytest.raises(OutputError, match="is no pool"):
            build_pool(tmp_path, jobs=1, overwrite=True)
        with pytest.raises(OutputError, match="is a file"):
            build_pool(tmp_path / "holiday.jpg", jobs=1)
        assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]

    def test_other_licences_are_another_pool(self, fetcher: Fetcher, tmp_path: Path) -> None:
        build_pool(tmp_path / "pool", only=("voices",), jobs=1)
        with pytest.raises(UsageError, match="--licences permissive"):
            build_pool(tmp_path / "pool", only=("voices",), licences="any", jobs=1)

    def test_a_plan_refuses_what_a_build_would(self, fetcher: Fetcher, tmp_path: Path) -> None:
        build_pool(tmp_path / "pool", only=("voices",), jobs=1)
        with pytest.raises(UsageError, match="--licences permissive"):
            plan_pool(tmp_path / "pool", only=("voices",), licences="any")
        anew = plan_pool(tmp_path / "pool", only=("voices",), licences="any", overwrite=True)
        assert anew.there == frozenset()
        with pytest.raises(OutputError, match="is no pool"):
            plan_pool(tmp_path)

    def test_two_runs_at_once_are_refused(self, fetcher: Fetcher, tmp_path: Path) -> None:
        refusals = []

        def again(done: int, total: int) -> None:
            if not refusals:
                with pytest.raises(OutputError, match="another process is making this pool") as caught:
                    build_pool(tmp_path / "pool", only=("voices",), jobs=1)
                refusals.append(caught.value)

        build_pool(tmp_path / "pool", only=("voices",), jobs=1, progress=again)
        assert refusals
        build_pool(tmp_path / "pool", only=("voices",), jobs=1)

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 99}'])
    def test_a_damaged_pool_file_is_said(self, fetcher: Fetcher, tmp_path: Path, content: str) -> None:
        (tmp_path / "pool.json").write_text(content, encoding="utf-8")
        with pytest.raises(OutputError, match=r"pool\.json"):
            build_pool(tmp_path, jobs=1)


class TestPlan:
    def test_says_what_is_to_come_and_writes_nothing(self, fetcher: Fetcher, tmp_path: Path) -> None:
        plan = plan_pool(tmp_path / "pool")
        assert [source.name for source in plan.sources] == ["talk", "band", "drums"]
        assert plan.download_mb == pytest.approx(1.5)
        assert plan.disk_mb > plan.download_mb
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("only", "hours", "lacks"),
        [(("music",), {"sing_hours": 1}, "voices"), (("voices",), {"song_hours": 1}, "instruments")],
    )
    def test_what_is_made_needs_its_part(
        self, fetcher: Fetcher, tmp_path: Path, only: tuple[str, ...], hours: dict[str, float], lacks: str
    ) -> None:
        for make in (plan_pool, build_pool):
            with pytest.raises(UsageError, match=f"add {lacks} to --only"):
                make(tmp_path / "pool", only=only, **hours)  # type: ignore[operator]
        assert list(tmp_path.iterdir()) == []

    def test_room_for_what_is_made_counts(
        self, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(building, "_check_makers", lambda *_: None)
        bare = plan_pool(tmp_path / "pool").disk_mb
        (tmp_path / "pool" / "songs").mkdir(parents=True)
        (tmp_path / "pool" / "songs" / "a.wav").write_bytes(bytes(1_000_000))
        (tmp_path / "pool" / "pool.json").write_text('{"format": 1, "options": {"licences": "permissive"}}')
        sung = plan_pool(tmp_path / "pool", sing_hours=2).disk_mb
        both = plan_pool(tmp_path / "pool", sing_hours=2, song_hours=1).disk_mb
        assert sung == pytest.approx(bare + 660)
        assert both == pytest.approx(sung + 2299)

    def test_leaves_out_what_is_there(self, fetcher: Fetcher, whole: dict[str, str], tmp_path: Path) -> None:
        plan = plan_pool(tmp_path / "whole")
        assert plan.there == {"talk", "band", "drums"}
        assert (plan.download_mb, plan.disk_mb) == (0, 0)

    def test_counts_a_package_of_two_sources_once(
        self, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        both = (tiny("a", "voices", package="x"), tiny("b", "music", package="x"))
        monkeypatch.setattr(building, "choose", lambda **_: both)
        assert plan_pool(tmp_path / "pool").download_mb == pytest.approx(0.5)


class TestSharing:
    @pytest.mark.parametrize(("part", "shares"), [("voices", 2), ("music", 43)])
    def test_shares_are_the_whole_in_order(self, packages: Path, part: str, shares: int) -> None:
        fetched = Fetched(packages / "talk", "1", 1)
        found = shared_out(tiny("talk", part), fetched)
        assert len(found) == shares
        files = [file for share in found for file in share.files]
        assert files == sorted(path.name for path in (packages / "talk" / "sound").iterdir())

    @pytest.mark.parametrize("name", ["00.ogg", "what?.wav", "st*r.wav"])
    def test_names_that_would_be_mistaken_are_not_shared_out(
        self, packages: Path, tmp_path: Path, name: str
    ) -> None:
        shutil.copytree(packages / "talk", tmp_path / "talk")
        (tmp_path / "talk" / "sound" / name).touch()
        assert shared_out(TALK, Fetched(tmp_path / "talk", "1", 1)) == [TALK]

    def test_songs_with_stems_stay_together(self, tmp_path: Path) -> None:
        source = tiny("s", "music", files=("*/*.wav",), stems=(("a", "a.wav"), ("b", "b.wav")))
        for song in ("one", "two"):
            (tmp_path / "sound" / song).mkdir(parents=True)
            for stem in "ab":
                (tmp_path / "sound" / song / f"{stem}.wav").touch()
        fetched = Fetched(tmp_path, "1", 1)
        assert [share.files for share in shared_out(source, fetched)] == [
            ("one/a.wav", "one/b.wav"),
            ("two/a.wav", "two/b.wav"),
        ]
        (tmp_path / "sound" / "one" / "b.wav").unlink()
        assert shared_out(source, fetched) == [source]


class TestUtterances:
    @staticmethod
    def said(name: str, seconds: float, **changes: object) -> Screened:
        sound = np.full((1, round(seconds * 44_100)), ord(name[0]), np.int16)
        facts = {
            "sounds": {"mixture": sound},
            "digest": name,
            "name": name,
            "song": f"s/{name}",
            "labels": ("speech",),
            "file": f"{name}.wav",
            "licence": "CC0-1.0",
            "author": "",
            "source_rate": RATE,
            "bandwidth_hz": 1000.0 * seconds,
            "level_db": -20.0,
            "gain_db": seconds,
            "clipped": 0.0,
        }
        return Screened(**(facts | changes))  # type: ignore[arg-type]

    def test_short_ones_are_joined_until_they_last(self) -> None:
        sounds = [
            self.said(name, seconds) for name, seconds in zip("abcdef", (2, 2, 2, 6, 1, 1), strict=True)
        ]
        joined = list(joined_utterances(sounds, by_song=False))
        assert [sound.name for sound in joined] == ["a+2", "d", "e+1"]
        assert [sound.file for sound in joined] == ["a.wav + b.wav + c.wav", "d.wav", "e.wav + f.wav"]
        assert joined[0].frames == round(6.2 * 44_100)
        assert joined[1] is sounds[3]
        values = joined[0].sounds["mixture"][0]
        assert [int(values[round(at * 44_100)]) for at in (1, 2.05, 3, 4.15, 5)] == [97, 0, 98, 0, 99]

    def test_facts_of_a_joined_piece(self) -> None:
        (piece,) = joined_utterances([self.said("a", 1), self.said("b", 3)], by_song=False)
        assert (piece.song, piece.bandwidth_hz) == ("s/a", 3000)
        assert piece.gain_db == pytest.approx((1 * 1 + 3 * 3) / 4)

    @pytest.mark.parametrize(
        ("change", "by_song"),
        [({"labels": ("x",)}, False), ({"licence": "MIT"}, False), ({"author": "x"}, False), ({}, True)],
    )
    def test_what_differs_is_kept_apart(self, change: dict[str, object], by_song: bool) -> None:
        sounds = [self.said("a", 1), self.said("b", 1, **change)]
        assert len(list(joined_utterances(sounds, by_song=by_song))) == 2

    @pytest.mark.parametrize("count", [0, 1, 7])
    def test_nothing_is_lost(self, count: int) -> None:
        sounds = [self.said(f"{number}", 0.5) for number in range(count)]
        joined = list(joined_utterances(sounds, by_song=False))
        assert sum(len(sound.file.split(" + ")) for sound in joined) == count


def test_no_more_than_two_packages_wait_unpacked(fetcher: Fetcher, tmp_path: Path) -> None:
    sources = [tiny(f"p{number}", "music", package="band") for number in range(6)]
    with fetching.Fetching(sources, tmp_path) as ahead:
        ahead.get(sources[2])
        assert fetcher.fetched == ["p0", "p1", "p2"]
        ahead.done()
        ahead.get(sources[3])
        assert fetcher.fetched == ["p0", "p1", "p2", "p3"]
