"""Packages fetched and unpacked: by managers that the tests make, and by dpkg-deb where there is one."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.packages import Fetched, SourceError, discard, fetch, lacking, prefetch
from tonewright.audio.sources.packages.commands import run
from tonewright.errors import OutputError

# A repository is a folder: NAME_VERSION_ARCH.deb (a tar), moods in moods.json, calls noted in calls.
APT = """
import hashlib, json, os, shutil, sys, tarfile
from pathlib import Path

repository = Path(os.environ["FAKE_REPOSITORY"])
moods = json.loads((repository / "moods.json").read_text())
words = [word for word in sys.argv[1:] if word not in ("-q", "-o")]
options = dict(word.split("=", 1) for word in words if word.startswith(("Dir::", "APT::", "Acquire::")))
words = [word for word in words if word.split("=")[0] not in options]
with (repository / "calls").open("a") as calls:
    calls.write(" ".join(words) + "\\n")
assert os.environ["LC_ALL"] == "C"
lists = Path(options["Dir::State"]) / "lists" if "Dir::State" in options else None
if words == ["update"]:
    if moods.get("offline"):
        sys.exit("E: Failed to fetch http://nowhere/InRelease  Could not resolve 'nowhere'")
    (lists / "nowhere_main_Packages.lz4").write_text("lists")
    sys.exit(0)
private = lists is not None and any(lists.glob("*Packages*"))
listing = "--print-uris" in words
status = 0
for name in words[words.index("download") + 1 :]:
    name, _, version = name.partition("=")
    found = sorted(repository.glob(f"{name}_{version or '*'}_all.deb"))
    if not found or (moods.get("empty_lists") and not private):
        print(f"E: Unable to locate package {name}", file=sys.stderr)
        status = 100
        continue
    file, content = found[0], found[0].read_bytes()
    digest = "0" * 64 if moods.get("wrong_checksum") else hashlib.sha256(content).hexdigest()
    if listing:
        print(f"'http://nowhere/{file.name}' {file.name} {len(content)} SHA256:{digest}")
    elif moods.get("stale_lists") and not private:
        print(f"E: Failed to fetch http://nowhere/{file.name}  404  Not Found", file=sys.stderr)
        status = 100
    elif moods.get("disk_full"):
        Path(file.name).write_bytes(content[:20])
        print("E: Write error - write (28: No space left on device)", file=sys.stderr)
        status = 100
    elif moods.get("cut_short"):
        Path(file.name).write_bytes(content[:20])
    else:
        there = Path(file.name).read_bytes() if Path(file.name).exists() else b""
        with (repository / "calls").open("a") as calls:
            calls.write(f"went on from {len(there)}\\n" if there else "")
        Path(file.name).write_bytes(content)
sys.exit(status)
"""

DPKG = """
import sys, tarfile
if sys.argv[1] == "-f":
    print("1")
    sys.exit(0)
try:
    options = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    tarfile.open(sys.argv[2]).extractall(sys.argv[3], **options)
except tarfile.TarError:
    sys.exit("dpkg-deb: error: it is not a Debian format archive")
"""

NPM = """
import base64, hashlib, json, os, sys
from pathlib import Path

repository = Path(os.environ["FAKE_REPOSITORY"])
moods = json.loads((repository / "moods.json").read_text())
options = dict(word[2:].split("=", 1) for word in sys.argv[2:] if word.startswith("--") and "=" in word)
names = [word for word in sys.argv[2:] if not word.startswith("--")]
with (repository / "calls").open("a") as calls:
    calls.write("npm " + " ".join(names) + "\\n")
assert sys.argv[1] == "pack" and "--ignore-scripts" in sys.argv
assert Path(options["cache"]).is_relative_to(Path(os.environ["HOME"]).parent)
made = []
for wanted in names:
    name, version = wanted.rsplit("@", 1)
    file = repository / f"{name.replace('@', '').replace('/', '-')}-{version}.tgz"
    if not file.exists():
        print(json.dumps({"error": {"code": "E404", "summary": f"404 Not Found - {wanted}"}}))
        sys.exit(1)
    content = file.read_bytes()
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if moods.get("damaged"):
        content = content[:-1] + b"?"
    (Path(options["pack-destination"]) / file.name).write_bytes(content)
    made.append({"name": name, "version": version, "filename": file.name, "size": len(content),
                 "integrity": "sha512-" + digest})
print(json.dumps(made))
"""


class Repository:
    """Packages for the managers that the tests make."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.mood()

    def mood(self, **moods: bool) -> None:
        (self.folder / "moods.json").write_text(json.dumps(moods))

    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return [line for line in file.read_text().splitlines() if line] if file.exists() else []

    def forget_calls(self) -> None:
        (self.folder / "calls").unlink(missing_ok=True)

    def add(self, name: str, files: dict[str, bytes], *, version: str = "1.0", kind: str = "deb") -> Path:
        suffix = f"_{version}_all.deb" if kind == "deb" else f"-{version}.tgz"
        target = self.folder / f"{name.replace('@', '').replace('/', '-')}{suffix}"
        with tarfile.open(target, "w" if kind == "deb" else "w:gz") as archive:
            for path, content in files.items():
                entry = tarfile.TarInfo(path)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        return target


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(tmp_path / "repository")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("apt-get", APT), ("dpkg-deb", DPKG), ("npm", NPM)):
        program = programs / name
        program.write_text(f"#!{sys.executable} -sE\n{text}")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("FAKE_REPOSITORY", str(made.folder))
    return made


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return tmp_path / "downloads"


def source(package: str = "sounds", **changes: object) -> Source:
    plain = Source(
        name=package,
        package=package,
        manager="apt",
        part="music",
        size="small",
        megabytes=0.001,
        root="usr/share",
        files=("**/*.ogg",),
    )
    return dataclasses.replace(plain, **changes)


def npm_source(package: str, version: str = "1.0") -> Source:
    return source(package, manager="npm", root="package", version=version)


def whole(downloads: Path) -> list[str]:
    """What has its final name; that is, what is taken for whole."""
    return sorted(path.name for path in downloads.glob("*") if path.name not in ("partial", "apt", "npm"))


def test_a_package_is_fetched_unpacked_and_not_fetched_again(repository, downloads):
    deb = repository.add("sounds", {"usr/share/a.ogg": b"sound"}, version="4%3a1.0-2")
    seen: list[tuple[int, int]] = []
    fetched = fetch(source(), downloads, progress=lambda done, total: seen.append((done, total)))
    assert fetched.version == "4:1.0-2"
    assert fetched.bytes == deb.stat().st_size == seen[-1][0] == seen[-1][1]
    assert (fetched.folder / "usr/share/a.ogg").read_bytes() == b"sound"
    repository.forget_calls()
    assert fetch(source(), downloads) == fetched
    assert repository.calls() == []


def test_the_version_that_is_asked_for_is_fetched(repository, downloads):
    repository.add("sounds", {"usr/share/a.ogg": b"old"}, version="1.0")
    repository.add("sounds", {"usr/share/a.ogg": b"new"}, version="2.0")
    fetched = fetch(source(version="2.0"), downloads)
    assert fetched.version == "2.0"
    assert (fetched.folder / "usr/share/a.ogg").read_bytes() == b"new"
    with pytest.raises(SourceError, match="apt knows no such package"):
        fetch(source(version="3.0", package="sounds"), downloads.with_name("others"))


def test_a_package_that_is_not_there_is_named(repository, downloads):
    repository.add("other", {"a": b""})
    with pytest.raises(SourceError, match=r"^sounds: apt knows no such package here"):
        fetch(source(), downloads)
    assert whole(downloads) == []


def test_empty_lists_are_fetched_into_a_folder_of_our_own(repository, downloads):
    repository.add("sounds", {"usr/share/a.ogg": b"sound"})
    repository.mood(empty_lists=True)
    assert fetch(source(), downloads).version == "1.0"
    assert repository.calls().count("update") == 1


def test_lists_that_cannot_be_fetched_are_an_error_that_says_why(repository, downloads):
    repository.add("sounds", {"a": b""})
    repository.mood(empty_lists=True, offline=True)
    with pytest.raises(SourceError, match=r"lists do not name it.*Could not resolve"):
        fetch(source(), downloads)


def test_lists_that_are_out_of_date_are_fetched_anew(repository, downloads):
    repository.add("sounds", {"usr/share/a.ogg": b"sound"})
    repository.mood(stale_lists=True)
    assert fetch(source(), downloads).version == "1.0"
    assert repository.calls().count("update") == 1


@pytest.mark.parametrize("mood", ["cut_short", "wrong_checksum"])
def test_a_damaged_download_is_refused_and_not_kept(repository, downloads, mood):
    repository.add("sounds", {"usr/share/a.ogg": b"sound"})
    repository.mood(**{mood: True})
    with pytest.raises(SourceError, match=r"^sounds: what was downloaded is damaged"):
        fetch(source(), downloads)
    assert whole(downloads) == []
    assert not list((downloads / "partial").iterdir())
    repository.mood()
    assert fetch(source(), downloads).version == "1.0"


def test_a_full_disk_is_said_and_leaves_nothing_half(repository, downloads):
    repository.add("sounds", {"usr/share/a.ogg": b"sound"})
    repository.mood(disk_full=True)
    with pytest.raises(OutputError, match="the disk is full"):
        fetch(source(), downloads)
    assert whole(downloads) == []
    assert not list((downloads / "partial").iterdir())


def test_room_is_looked_for_before_the_download(repository, downloads, monkeypatch):
    repository.add("sounds", {"usr/share/a.ogg": b"sound"})
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 9, 1))  # type: ignore[attr-defined]
    with pytest.raises(OutputError, match=r"the disk is full: sounds takes 0 MB, and 0 MB are free"):
        fetch(source(), downloads)
    assert not any(call.startswith("download") for call in repository.calls())


def test_a_download_that_was_stopped_goes_on(repository, downloads):
    deb = repository.add("sounds", {"usr/share/a.ogg": b"sound"})
    (downloads / "partial").mkdir(parents=True)
    (downloads / "partial" / deb.name).write_bytes(deb.read_bytes()[:100])
    assert (fetch(source(), downloads).folder / "usr/share/a.ogg").read_bytes() == b"sound"
    assert "went on from 100" in repository.calls()


def test_what_was_unpacked_by_half_is_unpacked_again(repository, downloads):
    repository.add("sounds", {"usr/share/a.ogg": b"sound", "usr/share/b.ogg": b"more"})
    fetched = fetch(source(), downloads)
    staged = downloads / "partial" / fetched.folder.name
    fetched.folder.rename(staged)  # as if the run had been stopped while unpacking
    (staged / "usr/share/b.ogg").unlink()
    repository.forget_calls()
    again = fetch(source(), downloads)
    assert (again.folder / "usr/share/b.ogg").read_bytes() == b"more"
    assert not staged.exists()
    assert repository.calls() == []


def test_an_archive_that_was_damaged_on_disk_is_downloaded_again(repository, downloads):
    repository.add("sounds", {"usr/share/a.ogg": b"sound"})
    fetched = fetch(source(), downloads)
    shutil.rmtree(fetched.folder)
    archive = next(downloads.glob("*.deb"))
    archive.write_bytes(b"?" * archive.stat().st_size)
    assert (fetch(source(), downloads).folder / "usr/share/a.ogg").read_bytes() == b"sound"


def test_an_archive_that_cannot_be_unpacked_is_refused(repository, downloads):
    (repository.folder / "sounds_1.0_all.deb").write_bytes(b"no archive at all")
    with pytest.raises(SourceError, match=r"^sounds: could not be unpacked \(it is not a Debian"):
        fetch(source(), downloads)
    assert not any(path.is_dir() for path in downloads.glob("apt-*"))


def test_without_apt_and_npm_it_says_what_is_needed(downloads, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    wanted = [source(), source("prompts", decoder="g722"), npm_source("notes")]
    assert lacking(wanted) == {
        "Debian, Ubuntu or another system with apt": ("sounds", "prompts"),
        "ffmpeg, for speech in G.722": ("prompts",),
        "npm, the package manager of Node.js": ("notes",),
    }
    for one, program in ((source(), "apt-get"), (npm_source("notes"), "npm")):
        with pytest.raises(SourceError, match=f"{program} is not on this machine"):
            fetch(one, downloads)
    prefetch(wanted, downloads)
    assert whole(downloads) == []


def test_nothing_is_lacking_where_all_is_there(repository):
    assert lacking([source(), npm_source("notes")]) == {}


def test_prefetching_asks_each_manager_once(repository, downloads):
    wanted = [source(name) for name in ("one", "two", "three")] + [npm_source("x"), npm_source("@scope/y")]
    for one in wanted[:2]:
        repository.add(one.package, {"usr/share/a.ogg": one.package.encode()})
    for one in wanted[3:]:
        repository.add(one.package, {"package/a.ogg": one.package.encode()}, kind="tgz")
    prefetch(wanted, downloads)
    calls = repository.calls()
    assert [call for call in calls if call.startswith("download")] == ["download one two"]
    assert [call for call in calls if call.startswith("npm")] == ["npm x@1.0 @scope/y@1.0"]
    repository.forget_calls()
    for one in (*wanted[:2], *wanted[3:]):
        content = (fetch(one, downloads).folder / one.root / "a.ogg").read_bytes()
        assert content == one.package.encode()
    assert repository.calls() == []
    with pytest.raises(SourceError, match="three"):
        fetch(wanted[2], downloads)


def test_prefetching_stops_when_it_is_told_to(repository, downloads):
    repository.add("one", {"a": b""})
    stop = threading.Event()
    stop.set()
    prefetch([source("one")], downloads, stop=stop)
    assert whole(downloads) == []
    assert fetch(source("one"), downloads).version == "1.0"  # nothing is left locked


def test_threads_that_want_one_package_fetch_it_once(repository, downloads):
    repository.add("sounds", {"usr/share/a.ogg": b"sound"})
    found: list[Fetched] = []
    threads = [threading.Thread(target=lambda: found.append(fetch(source(), downloads))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1
    assert [call for call in repository.calls() if call.startswith("download")] == ["download sounds"]


def test_a_package_is_kept_while_another_source_needs_it(repository, downloads):
    repository.add("sounds", {"usr/share/a.ogg": b"sound"})
    music, voices = source(), source(name="voices", part="voices")
    fetched = fetch(music, downloads)
    discard(music, downloads, pending=[voices])
    assert fetched.folder.is_dir()
    discard(voices, downloads)
    assert whole(downloads) == []
    discard(voices, downloads)  # nothing is there; nothing happens


def test_what_a_removal_left_of_a_package_is_not_taken_for_it(repository, downloads):
    repository.add("sounds", {"usr/share/a.ogg": b"sound", "usr/share/b.ogg": b"more"})
    fetched = fetch(source(), downloads)
    for file in downloads.glob(f"{fetched.folder.name}.*"):
        file.unlink()
    (fetched.folder / "usr/share/b.ogg").unlink()  # as if the run had been stopped while removing it
    prefetch([source()], downloads)
    assert (fetch(source(), downloads).folder / "usr/share/b.ogg").read_bytes() == b"more"


def test_a_package_of_npm_has_its_version_and_its_checksum(repository, downloads):
    tgz = repository.add("@scope/notes", {"package/A3.mp3": b"note"}, version="1.1.2", kind="tgz")
    fetched = fetch(npm_source("@scope/notes", "1.1.2"), downloads)
    assert (fetched.version, fetched.bytes) == ("1.1.2", tgz.stat().st_size)
    assert (fetched.folder / "package/A3.mp3").read_bytes() == b"note"
    noted = json.loads((downloads / f"{fetched.folder.name}.json").read_text())
    assert noted["checksum"] == f"SHA512:{hashlib.sha512(tgz.read_bytes()).hexdigest()}"


def test_a_package_that_npm_does_not_know_is_named(repository, downloads):
    with pytest.raises(SourceError, match=r"notes@1\.0: could not be downloaded \(404 Not Found"):
        fetch(npm_source("notes"), downloads)


def test_a_damaged_package_of_npm_is_refused(repository, downloads):
    repository.add("notes", {"package/A3.mp3": b"note"}, kind="tgz")
    repository.mood(damaged=True)
    with pytest.raises(SourceError, match=r"^notes: what was downloaded is damaged"):
        fetch(npm_source("notes"), downloads)
    assert whole(downloads) == []


def zipped(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_archives_in_a_package_are_unpacked_beside_themselves(repository, downloads):
    repository.add("game", {"usr/share/0music.pk3": zipped(**{"music/a.ogg": b"sound"})})
    fetched = fetch(source("game", archives=("usr/share/*.pk3",)), downloads)
    files = [path for path in fetched.folder.rglob("*") if path.is_file()]
    assert [path.relative_to(fetched.folder).as_posix() for path in files] == ["usr/share/0music/music/a.ogg"]


def test_an_archive_in_a_package_that_would_leave_its_folder_is_refused(repository, downloads):
    repository.add("game", {"usr/share/0music.pk3": zipped(**{"../../../../escaped.ogg": b"sound"})})
    with pytest.raises(SourceError, match=r"^game: could not be unpacked .*outside the folder"):
        fetch(source("game", archives=("usr/share/*.pk3",)), downloads)
    assert not list(downloads.parent.rglob("escaped.ogg"))
    assert not any(path.is_dir() for path in downloads.glob("apt-*"))


def test_a_folder_that_cannot_be_made_is_named(repository, tmp_path):
    repository.add("sounds", {"a": b""})
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        fetch(source(), tmp_path / "file" / "downloads")


def test_a_program_that_hangs_is_stopped():
    with pytest.raises(SourceError, match=r"got no further for 0 s and was stopped"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], stall_seconds=0.2)


def test_a_program_that_gets_further_is_let_be():
    steps = iter(range(10_000))
    slow = [sys.executable, "-c", "import time; time.sleep(0.8); print('done')"]
    outcome = run(slow, watch=lambda: next(steps), stall_seconds=0.3)
    assert (outcome.status, outcome.output.strip()) == (0, "done")


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not on this machine")
def test_a_real_package_is_unpacked_by_dpkg_deb(repository, downloads, tmp_path, monkeypatch):
    monkeypatch.undo()
    real = shutil.which("dpkg-deb")
    assert real is not None
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        "Package: sounds\nVersion: 1:2.0-1\nArchitecture: all\nMaintainer: A <a@example.org>\n"
        "Description: sounds\nInstalled-Size: 12\n"
    )
    (tree / "usr/share").mkdir(parents=True)
    (tree / "usr/share/a.ogg").write_bytes(b"sound")
    target = repository.folder / "sounds_1%3a2.0-1_all.deb"
    subprocess.run([real, "--root-owner-group", "-b", tree, target], check=True, capture_output=True)
    (tmp_path / "programs" / "dpkg-deb").unlink()
    monkeypatch.setenv("FAKE_REPOSITORY", str(repository.folder))
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}{os.pathsep}{os.environ['PATH']}")
    fetched = fetch(source(), downloads)
    assert fetched.version == "1:2.0-1"
    assert (fetched.folder / "usr/share/a.ogg").read_bytes() == b"sound"
