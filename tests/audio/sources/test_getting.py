"""Public sets in small: served as archives in their exact layout, fetched, unpacked, read."""

from __future__ import annotations

import dataclasses
import fcntl
import io
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tonewright.audio.corpus import load_corpus
from tonewright.audio.layouts import LAYOUTS
from tonewright.audio.sources import public
from tonewright.audio.sources.archives import ArchiveError
from tonewright.audio.sources.asking import DownloadError
from tonewright.audio.sources.getting import get_set, missing_parts
from tonewright.audio.sources.marker import MARKER
from tonewright.errors import OutputError, UsageError

pytest.importorskip("pooch", reason="needs pooch (extra sources)")

STEMS = ("mixture", "drums", "bass", "other", "vocals")


def sound(channels: int = 2, sample_rate: int = 44_100, kind: str = "WAV", frames: int = 400) -> bytes:
    """A short sound file."""
    buffer = io.BytesIO()
    samples = np.random.default_rng(frames).uniform(-0.5, 0.5, (frames, channels))
    soundfile.write(buffer, samples, sample_rate, subtype="PCM_16", format=kind)
    return buffer.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def hq_files() -> dict[str, bytes]:
    songs = ("train/A Band - A Song", "train/B - ö", "test/C - D")
    return {f"{song}/{stem}.wav": sound(frames=400 + len(stem)) for song in songs for stem in STEMS}


# The inner folders of the test parts are named as in the published archives.
IRMAS = {
    "IRMAS-TrainingData.zip": {
        "IRMAS-TrainingData/README.txt": b"read",
        "IRMAS-TrainingData/cel/[cel][cla]0001__1.wav": sound(frames=300),
        "IRMAS-TrainingData/voi/[voi][dru][pop_roc]0002__1.wav": sound(frames=301),
    },
    "IRMAS-TestingData-Part1.zip": {
        "IRMAS-TestingData-Part1/Part1/01 - x-1.wav": sound(frames=302),
        "IRMAS-TestingData-Part1/Part1/01 - x-1.txt": b"gel\t\r\nvoi\t\r\n",
    },
    "IRMAS-TestingData-Part2.zip": {
        "IRMAS-TestingData-Part2/IRTestingData-Part2/02 - y-1.wav": sound(frames=303),
        "IRMAS-TestingData-Part2/IRTestingData-Part2/02 - y-1.txt": b"pia\t\r\n",
    },
    "IRMAS-TestingData-Part3.zip": {
        "IRMAS-TestingData-Part3/Part3/03 - z-1.wav": sound(frames=304),
        "IRMAS-TestingData-Part3/Part3/03 - z-1.txt": b"sax\t\r\n",
    },
}
GTZAN = {
    f"genres/{genre}/{genre}.0000{index}.au": sound(1, 22_050, "AU", 310 + index)
    for genre in ("blues", "rock")
    for index in range(2)
}


@pytest.fixture
def serve(web, md5, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put small archives in the place of a set's."""

    def serve_set(name: str, contents: Mapping[str, bytes], *, sums: Mapping[str, str] | None = None) -> None:
        real = public.PUBLIC_SETS[name]
        small = [
            dataclasses.replace(
                archive,
                address=web.serve(archive.name, content),
                checksum=(sums or {}).get(archive.name) or md5(content),
                also=(),
                size=len(content),
                unpacked=len(content),
            )
            for archive in real.archives
            if (content := contents.get(archive.name)) is not None
        ]
        changed = {**public.PUBLIC_SETS, name: dataclasses.replace(real, archives=tuple(small))}
        monkeypatch.setattr(public, "PUBLIC_SETS", changed)

    return serve_set


@pytest.fixture
def hq(serve, web) -> dict[str, bytes]:
    """MUSDB18-HQ in small, on the server."""
    files = hq_files()
    serve("musdb18hq", {"musdb18hq.zip": zipped(files)})
    return files


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MARKER
    }


def test_musdb18hq_is_fetched_unpacked_and_read(hq, tmp_path: Path) -> None:
    titles: list[str] = []

    def stage(title: str):
        from contextlib import nullcontext

        titles.append(title)
        return nullcontext()

    got = get_set("musdb18hq", tmp_path / "set", stage=stage)
    assert tree(tmp_path / "set") == hq
    assert (got.files, got.bytes) == (15, sum(map(len, hq.values())))
    assert (got.layout, got.parts, got.fetched) == ("musdb18hq", ("all",), ("all",))
    assert titles == ["fetching musdb18hq.zip", "unpacking musdb18hq.zip"]
    corpus = load_corpus(got.folder, layout=got.layout)
    assert [track.name for track in corpus.tracks] == ["test/C - D", "train/A Band - A Song", "train/B - ö"]
    assert all(tuple(track.stems) == STEMS for track in corpus.tracks)


@pytest.mark.parametrize(
    ("name", "contents", "songs"),
    [
        ("irmas", {name: zipped(files) for name, files in IRMAS.items()}, 5),
        ("gtzan", {"genres.tar.gz": tarred(GTZAN)}, 4),
    ],
)
def test_other_sets_are_fetched_and_read(name: str, contents, songs: int, serve, tmp_path: Path) -> None:
    if name not in LAYOUTS:
        pytest.skip(f"no layout {name}")
    serve(name, contents)
    got = get_set(name, tmp_path / "set")
    corpus = load_corpus(got.folder, layout=got.layout)
    assert len(corpus) == songs
    assert corpus.unreadable == ()


def test_musdb18_sample_lies_as_the_layout_of_musdb18_wants_it(serve, tmp_path: Path) -> None:
    files = {"train/A - B.stem.mp4": b"first", "test/C - D.stem.mp4": b"second"}
    serve("musdb18-sample", {"MUSDB18-7-STEMS.zip": zipped(files)})
    got = get_set("musdb18-sample", tmp_path / "set")
    assert tree(tmp_path / "set") == files
    assert got.layout == "musdb18"


def test_a_second_run_asks_nobody_and_changes_nothing(hq, web, tmp_path: Path) -> None:
    get_set("musdb18hq", tmp_path / "set")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "set").rglob("*")}
    asked = len(web.requests)
    assert missing_parts("musdb18hq", tmp_path / "set") == ()
    got = get_set("musdb18hq", tmp_path / "set")
    assert got.fetched == ()
    assert (got.files, got.bytes) == (15, sum(map(len, hq.values())))
    assert len(web.requests) == asked
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "set").rglob("*")} == before


def test_parts_of_irmas_come_one_after_another(serve, web, tmp_path: Path) -> None:
    serve("irmas", {name: zipped(files) for name, files in IRMAS.items()})
    folder = tmp_path / "irmas"
    assert get_set("irmas", folder, parts=["testing-2"]).fetched == ("testing-2",)
    assert tree(folder) == IRMAS["IRMAS-TestingData-Part2.zip"]
    assert missing_parts("irmas", folder, parts=["testing-2"]) == ()
    assert missing_parts("irmas", folder) == ("training", "testing-1", "testing-3")
    got = get_set("irmas", folder)
    assert got.fetched == ("training", "testing-1", "testing-3")
    everything = {name: content for files in IRMAS.values() for name, content in files.items()}
    assert tree(folder) == everything
    assert got.files == len(everything)
    assert len(web.requests) == 4


def test_a_file_that_was_lost_is_fetched_again(hq, web, tmp_path: Path) -> None:
    get_set("musdb18hq", tmp_path / "set")
    (tmp_path / "set/test/C - D/bass.wav").unlink()
    assert missing_parts("musdb18hq", tmp_path / "set") == ("all",)
    assert get_set("musdb18hq", tmp_path / "set").fetched == ("all",)
    assert tree(tmp_path / "set") == hq


def test_the_archive_stays_on_demand(hq, tmp_path: Path) -> None:
    get_set("musdb18hq", tmp_path / "set", keep_archive=True)
    assert tree(tmp_path / "set") == hq | {"musdb18hq.zip": zipped(hq)}
    get_set("musdb18hq", tmp_path / "set", overwrite=True)
    assert tree(tmp_path / "set") == hq | {"musdb18hq.zip": zipped(hq)}


def test_an_archive_that_people_put_into_the_folder_is_used_and_stays(hq, web, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "musdb18hq.zip").write_bytes(zipped(hq))
    get_set("musdb18hq", folder)
    assert tree(folder) == hq | {"musdb18hq.zip": zipped(hq)}
    assert web.requests == []


def test_another_archive_of_that_name_stays_and_is_not_used(hq, web, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "musdb18hq.zip").write_bytes(b"mine")
    with pytest.raises(OutputError, match="another file"):
        get_set("musdb18hq", folder)
    assert tree(folder) == {"musdb18hq.zip": b"mine"}
    get_set("musdb18hq", folder, overwrite=True)
    assert tree(folder).keys() >= hq.keys()


def test_an_archive_from_elsewhere(hq, web, tmp_path: Path) -> None:
    mine = tmp_path / "downloads" / "musdb (1).zip"
    mine.parent.mkdir()
    mine.write_bytes(zipped(hq))
    get_set("musdb18hq", tmp_path / "a", source=str(mine))
    assert mine.exists()
    mine.rename(mine.with_name("musdb18hq.zip"))
    get_set("musdb18hq", tmp_path / "b", source=str(mine.parent))
    assert tree(tmp_path / "a") == tree(tmp_path / "b") == hq
    assert web.requests == []


def test_a_mirror(hq, web, tmp_path: Path) -> None:
    address = web.serve("mirror/musdb18hq.zip", zipped(hq))
    web.files.pop("/musdb18hq.zip")
    get_set("musdb18hq", tmp_path / "a", source=address)
    get_set("musdb18hq", tmp_path / "b", source=address.removesuffix("musdb18hq.zip"))
    assert tree(tmp_path / "a") == tree(tmp_path / "b") == hq
    assert {request["path"] for request in web.requests} == {"/mirror/musdb18hq.zip"}


def test_sources_that_are_not_the_set(hq, web, md5, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"something")
    with pytest.raises(DownloadError, match=f"{md5(b'something')}, not {md5(zipped(hq))}"):
        get_set("musdb18hq", tmp_path / "set", source=str(tmp_path / "x.zip"))
    with pytest.raises(DownloadError, match="as published, and was removed"):
        get_set("musdb18hq", tmp_path / "set", source=web.serve("x.zip", b"something"))
    with pytest.raises(UsageError, match=r"--from .*y\.zip: there is no y\.zip"):
        get_set("musdb18hq", tmp_path / "set", source=str(tmp_path / "y.zip"))
    assert not (tmp_path / "set").exists()


def test_one_archive_for_a_set_of_several(serve, tmp_path: Path) -> None:
    serve("irmas", {name: zipped(files) for name, files in IRMAS.items()})
    (tmp_path / "x.zip").write_bytes(b"")
    for source in (str(tmp_path / "x.zip"), "https://host/x.zip"):
        with pytest.raises(UsageError, match="choose its --part"):
            get_set("irmas", tmp_path / "set", source=source)
    with pytest.raises(UsageError, match="no part 'test'"):
        get_set("irmas", tmp_path / "set", parts=["test"])


def test_a_folder_that_holds_another_set(hq, serve, tmp_path: Path) -> None:
    get_set("musdb18hq", tmp_path / "set")
    serve("gtzan", {"genres.tar.gz": tarred(GTZAN)})
    with pytest.raises(OutputError, match="holds musdb18hq already"):
        get_set("gtzan", tmp_path / "set")


def test_files_in_the_way_stay(hq, tmp_path: Path) -> None:
    mine = tmp_path / "set/train/B - ö/bass.wav"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"bass\.wav: is there with other content"):
        get_set("musdb18hq", tmp_path / "set")
    assert mine.read_bytes() == b"mine"
    assert (tmp_path / "set/musdb18hq.zip").exists()
    get_set("musdb18hq", tmp_path / "set", overwrite=True)
    assert tree(tmp_path / "set") == hq


def test_an_archive_that_would_leave_the_folder(serve, tmp_path: Path) -> None:
    serve("musdb18hq", {"musdb18hq.zip": zipped({"../out.wav": b"evil"})})
    with pytest.raises(ArchiveError, match="outside the folder"):
        get_set("musdb18hq", tmp_path / "set")
    assert not (tmp_path / "out.wav").exists()
    assert missing_parts("musdb18hq", tmp_path / "set") == ("all",)


def test_a_connection_that_breaks_for_good_goes_on_at_the_next_run(hq, web, tmp_path: Path) -> None:
    content = zipped(hq)
    web["musdb18hq.zip"].breaks.extend([len(content) // 2, *([0] * 9)])
    with pytest.raises(DownloadError, match=r"the same command goes on.*--from FILE"):
        get_set("musdb18hq", tmp_path / "set", pause_seconds=0)
    web["musdb18hq.zip"].breaks.clear()
    get_set("musdb18hq", tmp_path / "set")
    assert tree(tmp_path / "set") == hq
    assert web.requests[-1]["range"] == f"bytes={len(content) // 2}-"


def test_room_is_looked_at_for_archive_and_files(hq, web, tmp_path: Path, monkeypatch) -> None:
    content = zipped(hq)
    usage = shutil.disk_usage(tmp_path)._replace(free=len(content) + 10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OutputError, match=r"needs about .* \(archive .*, unpacked .*\) .* make room for"):
        get_set("musdb18hq", tmp_path / "set")
    assert web.requests == []
    assert not (tmp_path / "set").exists()


def test_two_at_once_in_one_folder(hq, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    handle = os.open(tmp_path / "set", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="another tonewright is fetching"):
            get_set("musdb18hq", tmp_path / "set")
    finally:
        os.close(handle)
    get_set("musdb18hq", tmp_path / "set")


def test_a_folder_that_is_a_file_or_below_one(hq, web, tmp_path: Path) -> None:
    (tmp_path / "set").write_bytes(b"mine")
    with pytest.raises(OutputError, match="is a file; name a folder"):
        get_set("musdb18hq", tmp_path / "set")
    with pytest.raises(OutputError, match="not a directory"):
        get_set("musdb18hq", tmp_path / "set" / "below")
    assert web.requests == []


def test_a_folder_that_cannot_be_written(hq, web, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "set").mkdir(mode=0o555)
    if os.geteuid() == 0:  # root may write anywhere
        monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="cannot be written"):
        get_set("musdb18hq", tmp_path / "set")
    assert web.requests == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 99}'])
def test_a_note_that_is_no_note(content: str, hq, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / MARKER).write_text(content)
    with pytest.raises(OutputError, match="remove it"):
        get_set("musdb18hq", tmp_path / "set")


def test_the_note_names_every_file_and_the_checksum(hq, md5, tmp_path: Path) -> None:
    get_set("musdb18hq", tmp_path / "set")
    note = json.loads((tmp_path / "set" / MARKER).read_text(encoding="utf-8"))
    assert note["parts"]["all"]["files"] == {name: len(content) for name, content in hq.items()}
    assert note["parts"]["all"]["checksum"] == md5(zipped(hq))
    assert note["downloads"] == []


def test_a_kill_between_download_and_unpacking_downloads_once(hq, web, tmp_path: Path, monkeypatch) -> None:
    from tonewright.audio.sources import getting

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(getting, "unpack", killed)
        with pytest.raises(KeyboardInterrupt):
            get_set("musdb18hq", tmp_path / "set")
    assert tree(tmp_path / "set").keys() == {"musdb18hq.zip"}
    get_set("musdb18hq", tmp_path / "set")
    assert tree(tmp_path / "set") == hq
    assert len(web.requests) == 1
