"""Archives unpacked without trusting them: what comes out, what is refused, what is kept."""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tonewright.audio.sources import archive_members
from tonewright.audio.sources.archive_members import STAGING, ArchiveError
from tonewright.audio.sources.archives import in_words, unpack
from tonewright.errors import OutputError

FILES = {
    "train/a song/mixture.wav": b"sound" * 5000,
    "train/a song/drums.wav": b"",
    "read me.txt": "ä".encode(),
}
KINDS = (".zip", ".pk3", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
TAR_MODES = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}


def pack(path: Path, files: Mapping[str, bytes]) -> Path:
    """An archive of the kind that the name says."""
    if path.suffix in (".zip", ".pk3"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        return path
    kind = next(kind for kind in KINDS[::-1] if path.name.endswith(kind))
    with tarfile.open(path, TAR_MODES[kind]) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def pack_entry(path: Path, kind: bytes, name: str, target: str = "") -> Path:
    """A tar with one entry that is not a file, after one that is."""
    with tarfile.open(path, "w") as archive:
        first = tarfile.TarInfo("first.wav")
        first.size = 3
        archive.addfile(first, io.BytesIO(b"abc"))
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, target
        archive.addfile(entry)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    found = {}
    for path in folder.rglob("*"):
        assert not path.is_symlink()
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "into" / "here"


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_packed_comes_out(kind: str, tmp_path: Path, folder: Path) -> None:
    told: list[tuple[int, int]] = []
    archive = pack(tmp_path / f"x{kind}", FILES)
    found = unpack(archive, folder, progress=lambda *pair: told.append(pair))
    assert tree(folder) == FILES
    assert found == [folder / name for name in FILES]
    assert told[-1] == (sum(map(len, FILES.values())),) * 2
    assert sorted(path.name for path in folder.iterdir()) == ["read me.txt", "train"]


def test_the_kind_is_seen_from_the_bytes(tmp_path: Path, folder: Path) -> None:
    archive = pack(tmp_path / "x.tar.gz", FILES).rename(tmp_path / "music.dat")
    unpack(archive, folder)
    assert tree(folder) == FILES


@pytest.mark.parametrize("kind", [".zip", ".tar"])
@pytest.mark.parametrize("name", ["../out.wav", "/tmp/tonewright-out.wav", "a/../../out.wav", "a/..", "//x"])
def test_paths_out_of_the_folder_are_refused_before_anything_is_written(
    kind: str, name: str, tmp_path: Path, folder: Path
) -> None:
    archive = pack(tmp_path / f"x{kind}", {"first.wav": b"abc", name: b"evil"})
    with pytest.raises(ArchiveError, match="outside the folder"):
        unpack(archive, folder)
    assert tree(tmp_path).keys() == {archive.name}


@pytest.mark.parametrize("name", ["..\\out.wav", "a\\..\\..\\out.wav", "\\out.wav"])
def test_backslashes_in_a_zip_are_separators(name: str, tmp_path: Path, folder: Path) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(name, b"evil")
    with pytest.raises(ArchiveError, match="outside the folder"):
        unpack(archive, folder)


@pytest.mark.parametrize("name", ["a\nb.wav", "x" * 300 + ".wav", f"{STAGING}/file"])
def test_names_that_are_none_are_refused(name: str, tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ArchiveError, match="refused"):
        unpack(pack(tmp_path / "x.tar", {name: b"abc"}), folder)
    assert not folder.exists()


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes_are_refused(kind: bytes, tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ArchiveError, match="device or pipe"):
        unpack(pack_entry(tmp_path / "x.tar", kind, "null"), folder)
    assert not folder.exists()


@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "a/../../../x"])
def test_links_out_of_the_folder_are_refused(target: str, tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ArchiveError, match="link out of the folder"):
        unpack(pack_entry(tmp_path / "x.tar", tarfile.SYMTYPE, "b/link", target), folder)
    with pytest.raises(ArchiveError, match="outside the folder"):
        unpack(pack_entry(tmp_path / "x.tar", tarfile.LNKTYPE, "b/link", "../" + target), folder)
    assert not folder.exists()


def test_links_inside_become_copies(tmp_path: Path, folder: Path) -> None:
    for kind, target in ((tarfile.SYMTYPE, "../first.wav"), (tarfile.LNKTYPE, "first.wav")):
        unpack(pack_entry(tmp_path / "x.tar", kind, "b/link.wav", target), folder)
        assert tree(folder) == {"first.wav": b"abc", "b/link.wav": b"abc"}
        shutil.rmtree(folder)


def test_links_to_nothing_and_circles_are_left_out(tmp_path: Path, folder: Path) -> None:
    for target in ("nowhere", "link.wav", "."):
        unpack(pack_entry(tmp_path / "x.tar", tarfile.SYMTYPE, "link.wav", target), folder)
        assert tree(folder) == {"first.wav": b"abc"}


@pytest.mark.parametrize(("target", "refused"), [("first.wav", False), ("../x", True), ("/etc/passwd", True)])
def test_links_in_a_zip(target: str, refused: bool, tmp_path: Path, folder: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("first.wav", b"abc")
        entry = zipfile.ZipInfo("link.wav")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, target)
    if refused:
        with pytest.raises(ArchiveError, match="link out of the folder"):
            unpack(tmp_path / "x.zip", folder)
        assert not folder.exists()
    else:
        unpack(tmp_path / "x.zip", folder)
        assert tree(folder) == {"first.wav": b"abc", "link.wav": b"abc"}


def test_a_folder_by_a_link_that_was_there_is_not_followed(tmp_path: Path, folder: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder.mkdir(parents=True)
    (folder / "train").symlink_to(elsewhere)
    with pytest.raises(OutputError, match="is a link out of"):
        unpack(pack(tmp_path / "x.tar", FILES), folder)
    assert list(elsewhere.iterdir()) == []


def test_what_macos_adds_is_left_out(tmp_path: Path, folder: Path) -> None:
    litter = {"__MACOSX/a.wav": b"x", "genres/._a.wav": b"x", "genres/.DS_Store": b"x", "genres/a.wav": b"y"}
    unpack(pack(tmp_path / "x.zip", litter), folder)
    assert tree(folder) == {"genres/a.wav": b"y"}


@pytest.mark.parametrize("kind", [".zip", ".tar.gz"])
def test_an_archive_that_grows_beyond_measure_is_refused(
    kind: str, tmp_path: Path, folder: Path, monkeypatch
) -> None:
    monkeypatch.setattr(archive_members, "_SMALL_BYTES", 1 << 20)
    archive = pack(tmp_path / f"x{kind}", {"zeros.wav": bytes(4 << 20)})
    assert archive.stat().st_size * 100 < 4 << 20
    with pytest.raises(ArchiveError, match="would grow"):
        unpack(archive, folder)
    assert not folder.exists()
    honest = pack(tmp_path / f"y{kind}", {"noise.wav": os.urandom(2 << 20)})
    unpack(honest, folder)
    assert (folder / "noise.wav").stat().st_size == 2 << 20


def test_many_links_to_one_file_count_as_often(tmp_path: Path, folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(archive_members, "_SMALL_BYTES", 1 << 20)
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        first = tarfile.TarInfo("first.wav")
        first.size = 1 << 19
        archive.addfile(first, io.BytesIO(bytes(first.size)))
        for index in range(4):
            entry = tarfile.TarInfo(f"link{index}.wav")
            entry.type, entry.linkname = tarfile.SYMTYPE, "first.wav"
            archive.addfile(entry)
    with pytest.raises(ArchiveError, match="would grow"):
        unpack(tmp_path / "x.tar.gz", folder)


def test_a_header_that_fills_the_memory_is_refused(tmp_path: Path, folder: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 36
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(2048)))
    with pytest.raises(ArchiveError, match="absurd size"):
        unpack(tmp_path / "x.tar.gz", folder)


def test_more_files_than_any_set_has(tmp_path: Path, folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(archive_members, "_MOST_MEMBERS", 2)
    with pytest.raises(ArchiveError, match="refused"):
        unpack(pack(tmp_path / "x.tar", FILES), folder)


@pytest.mark.parametrize("kind", KINDS)
def test_archives_that_are_cut_off(kind: str, tmp_path: Path, folder: Path) -> None:
    whole = pack(tmp_path / f"x{kind}", {f"{index}.wav": os.urandom(4000) for index in range(5)}).read_bytes()
    for share in (0.2, 0.5, 0.9):
        cut = tmp_path / f"y{kind}"
        # The padding at the end of a plain tar may be missing.
        cut.write_bytes(whole[: int(share * (len(whole) if kind != ".tar" else 22_000))])
        with pytest.raises(ArchiveError, match=str(cut)):
            unpack(cut, folder)
        assert not (folder / STAGING).exists()


@pytest.mark.parametrize(
    "content", [b"", b"not an archive at all" * 100, b"PK\x03\x04 no zip", b"\x1f\x8b\x08 no gzip"]
)
def test_files_that_are_no_archives(content: bytes, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(ArchiveError, match="no archive, or a broken one"):
        unpack(tmp_path / "x.zip", folder)


def test_damage_inside_a_file_of_a_zip_is_noticed(tmp_path: Path, folder: Path) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as opened:
        opened.writestr("a.wav", b"a" * 1000)
        opened.writestr("b.wav", b"b" * 1000)
    archive.write_bytes(archive.read_bytes().replace(b"b" * 1000, b"b" * 999 + b"c"))
    with pytest.raises(ArchiveError, match="broken"):
        unpack(archive, folder)
    assert tree(folder) == {"a.wav": b"a" * 1000}


@pytest.mark.parametrize("level", [0, 6])
def test_damage_inside_a_file_of_a_compressed_tar_is_noticed(
    level: int, tmp_path: Path, folder: Path
) -> None:
    archive = tmp_path / "a.tar.gz"
    noise = np.random.default_rng(0).bytes(100_000)  # stored as it is, so that no code of deflate breaks
    with tarfile.open(archive, "w:gz", compresslevel=level) as opened:
        entry = tarfile.TarInfo("a.au")
        entry.size = len(noise)
        opened.addfile(entry, io.BytesIO(noise))
    whole = archive.read_bytes()
    archive.write_bytes(whole[:50_000] + bytes([whole[50_000] ^ 1]) + whole[50_001:])
    with pytest.raises(ArchiveError, match="broken"):
        unpack(archive, folder)
    assert not list(folder.glob("*"))


def test_what_follows_a_tar_is_read_within_bounds(tmp_path: Path, folder: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    with gzip.open(archive, "wb", compresslevel=1) as opened:
        for _ in range(70):
            opened.write(bytes(1 << 20))
    with pytest.raises(ArchiveError, match="long after its end"):
        unpack(archive, folder)


def test_damage_in_a_header_of_a_tar_is_noticed(tmp_path: Path, folder: Path) -> None:
    archive = pack(tmp_path / "x.tar", {"a.wav": b"a" * 512, "b.wav": b"b" * 512})
    content = bytearray(archive.read_bytes())
    content[1024 + 10] ^= 1
    archive.write_bytes(content)
    with pytest.raises(ArchiveError, match="broken in the middle"):
        unpack(archive, folder)
    assert not folder.exists()


def test_an_encrypted_zip_says_so(tmp_path: Path, folder: Path) -> None:
    archive = pack(tmp_path / "x.zip", {"a.wav": b"abc"})
    content = bytearray(archive.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    with pytest.raises(ArchiveError, match="encrypted"):
        unpack(archive, folder)


def test_an_archive_that_is_not_there(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(OutputError, match=r"nothing\.zip: no such file"):
        unpack(tmp_path / "nothing.zip", folder)


@pytest.mark.parametrize("kind", [".zip", ".tar.gz"])
def test_a_second_call_writes_only_what_is_missing(kind: str, tmp_path: Path, folder: Path) -> None:
    archive = pack(tmp_path / f"x{kind}", FILES)
    kept, lost, _ = unpack(archive, folder)
    os.utime(kept, (1, 1))
    lost.unlink()
    (folder / STAGING).mkdir()
    (folder / STAGING / "file").write_bytes(b"half")
    unpack(archive, folder)
    assert tree(folder) == FILES
    assert kept.stat().st_mtime == 1


@pytest.mark.parametrize("kind", [".zip", ".tar.gz"])
@pytest.mark.parametrize("mine", [b"mine", b"mine!" * 5000])
def test_another_file_in_the_way_stays(kind: str, mine: bytes, tmp_path: Path, folder: Path) -> None:
    place = folder / "train/a song/mixture.wav"
    place.parent.mkdir(parents=True)
    place.write_bytes(mine)
    archive = pack(tmp_path / f"x{kind}", FILES)
    with pytest.raises(OutputError, match=re.escape(f"{place}: is there with other content")):
        unpack(archive, folder)
    assert place.read_bytes() == mine
    unpack(archive, folder, overwrite=True)
    assert tree(folder) == FILES


def test_a_folder_in_the_way_of_a_file(tmp_path: Path, folder: Path) -> None:
    (folder / "read me.txt").mkdir(parents=True)
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"read me\.txt: is "):
            unpack(pack(tmp_path / "x.tar", FILES), folder, overwrite=overwrite)
    assert (folder / "read me.txt").is_dir()


def test_a_link_in_the_way_of_a_file_is_replaced_not_followed(tmp_path: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    (tmp_path / "mine").write_bytes(b"mine")
    (folder / "read me.txt").symlink_to(tmp_path / "mine")
    archive = pack(tmp_path / "x.tar", FILES)
    with pytest.raises(OutputError, match="in the way"):
        unpack(archive, folder)
    unpack(archive, folder, overwrite=True)
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert tree(folder) == FILES


def test_a_file_where_a_folder_is_needed(tmp_path: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "train").write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"not a directory|file exists"):
        unpack(pack(tmp_path / "x.tar", FILES), folder)
    assert (folder / "train").read_bytes() == b"mine"
    with pytest.raises(ArchiveError, match="below a file"):
        unpack(pack(tmp_path / "y.tar", {"train": b"", "train/a.wav": b""}), folder)


def test_no_room_is_said_before_anything_is_written(tmp_path: Path, folder: Path, monkeypatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OutputError, match=r"needs 25 kB and the disk has 1 kB left"):
        unpack(pack(tmp_path / "x.zip", FILES), folder)
    assert not folder.exists()


def test_a_disk_that_fills_leaves_whole_files_only(tmp_path: Path, folder: Path, monkeypatch) -> None:
    copy = shutil.copyfileobj

    def fills(stream, file, length):
        if stream.peek(1)[:1] == b"b":
            file.write(b"b")
            raise OSError(28, "No space left on device")
        copy(stream, file, length)

    archive = pack(tmp_path / "x.zip", {"a.wav": b"a" * 100, "b.wav": b"b" * 100})
    monkeypatch.setattr(shutil, "copyfileobj", fills)
    with pytest.raises(OutputError, match="disk is full; make room and run it again"):
        unpack(archive, folder)
    assert tree(folder) == {"a.wav": b"a" * 100}
    monkeypatch.undo()
    unpack(archive, folder)
    assert tree(folder) == {"a.wav": b"a" * 100, "b.wav": b"b" * 100}


def test_the_later_of_two_of_one_name_counts(tmp_path: Path, folder: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for content in (b"old", b"newer"):
            entry = tarfile.TarInfo("a.wav")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    unpack(tmp_path / "x.tar", folder)
    assert tree(folder) == {"a.wav": b"newer"}


PARTS = st.sampled_from(
    ["..", ".", "", "a", "b.wav", "~", "a b", "ü", "C:", "\\", "..\\..", STAGING, "__MACOSX"]
)
NAMES = st.lists(PARTS | st.text(max_size=6), min_size=1, max_size=5).map("/".join)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, min_size=1, max_size=4), kind=st.sampled_from([".zip", ".tar"]))
def test_whatever_the_names_nothing_leaves_the_folder(names: list[str], kind: str, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    shutil.rmtree(outer, ignore_errors=True)
    outer.mkdir()
    try:
        archive = pack(outer / f"x{kind}", dict.fromkeys(names, b"content"))
    except (UnicodeError, ValueError, UserWarning):
        return  # no such archive can be made
    try:
        found = unpack(archive, outer / "inner" / "most")
    except (ArchiveError, OutputError):
        found = []
    wanted = {path.relative_to(outer).as_posix() for path in found}
    assert tree(outer).keys() == wanted | {archive.name}
    assert all(path.startswith("inner/most/") for path in wanted)


def test_bytes_in_words() -> None:
    assert [in_words(size) for size in (12, 3400, 147_209_385, 22_656_664_047)] == [
        *("12 bytes", "3.4 kB", "147 MB", "22.7 GB"),
    ]
    assert [in_words(size) for size in (999, 1000, 999_499, 999_500, 999_700_000)] == [
        *("999 bytes", "1 kB", "999 kB", "1 MB", "1 GB"),
    ]


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS),
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=6),
)
def test_damage_ends_in_an_error_of_ours_or_in_files(kind: str, flips, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    shutil.rmtree(outer, ignore_errors=True)
    outer.mkdir()
    archive = pack(outer / f"x{kind}", {"a/b.wav": b"abc" * 50, "c.wav": b"xyz" * 9})
    content = bytearray(archive.read_bytes())
    for place, bits in flips:
        content[place % len(content)] ^= bits
    archive.write_bytes(content)
    with suppress(ArchiveError, OutputError):
        unpack(archive, outer / "inner")
    assert {path.name for path in outer.iterdir()} <= {archive.name, "inner"}
