"""``tonewright data get`` as people meet it: licence first, one-line errors, Ctrl-C, what to do next."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tonewright.audio.sources import public
from tonewright.cli import main

pytest.importorskip("pooch", reason="needs pooch (extra sources)")

FILES = {"train/A - B/mixture.wav": b"a" * 900, "test/C - D/mixture.wav": b"c" * 100}

# A process of its own, whose set is on our server.
CHILD = """
import dataclasses, sys
from tonewright.audio.sources import public
from tonewright.cli import main

folder, address, checksum, size = sys.argv[1:]
real = public.PUBLIC_SETS["musdb18hq"]
small = dataclasses.replace(
    real.archives[0], address=address, checksum=checksum, size=int(size), unpacked=1000
)
public.PUBLIC_SETS = {"musdb18hq": dataclasses.replace(real, archives=(small,))}
main(["data", "get", "musdb18hq", folder, "--yes"])
"""


class Slow(BaseHTTPRequestHandler):
    """Sends half of the file and then nothing, until it is told to go on."""

    content = b""
    go_on = threading.Event()
    ranges: ClassVar[list[str | None]] = []

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.ranges.append(asked)
        start, total = int(asked[6:-1]) if asked else 0, len(self.content)
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(total - start))
        self.send_header("ETag", '"1"')
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.end_headers()
        self.wfile.write(self.content[start : None if asked else total // 2])
        self.wfile.flush()
        if not asked:
            self.go_on.wait(60)


def run(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_:
        main(["data", "get", *map(str, arguments)])
    captured = capsys.readouterr()
    code = exit_.value.code
    return (code if isinstance(code, int) else 0), captured.out, captured.err


def one_line(error: str) -> str:
    lines = [line for line in error.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, error
    assert "Traceback" not in error
    return lines[0]


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archive of MUSDB18-HQ in small, as people have it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in FILES.items():
            packed.writestr(zipfile.ZipInfo(name), content)
    file = tmp_path / "downloads" / "musdb18hq.zip"
    file.parent.mkdir()
    file.write_bytes(buffer.getvalue())
    real = public.PUBLIC_SETS["musdb18hq"]
    small = dataclasses.replace(
        real.archives[0], checksum=f"md5:{hashlib.md5(buffer.getvalue()).hexdigest()}", also=(), unpacked=1000
    )
    sets = {**public.PUBLIC_SETS, "musdb18hq": dataclasses.replace(real, archives=(small,))}
    monkeypatch.setattr(public, "PUBLIC_SETS", sets)
    return file


def test_a_set_by_an_archive_that_is_here(archive: Path, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "my set"
    code, out, _ = run(capsys, "musdb18hq", folder, "--yes", "--from", archive)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("musdb18hq: ")
    assert lines[1].startswith("licence: For education and research")
    assert lines[2].startswith("to cite: Rafii")
    assert f"{folder}: musdb18hq is there: 2 files, 1 kB" in lines
    assert lines[-1].strip() == f"tonewright train codec data=musdb18hq 'data.root=\"{folder}\"'"
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES


def test_a_second_run_needs_no_yes(archive: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    run(capsys, "musdb18hq", tmp_path / "set", "--yes", "--from", archive)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    code, out, _ = run(capsys, "musdb18hq", tmp_path / "set")
    assert code == 0
    assert "was there already, complete: 2 files" in out
    assert "licence" not in out


def test_without_a_terminal_the_licence_needs_yes(archive: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    code, out, err = run(capsys, "musdb18hq", tmp_path / "set", "--from", archive)
    assert code == 2
    assert "licence: " in out
    assert one_line(err) == "error: the licence above is to be accepted: add --yes"
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_at_a_terminal_people_are_asked(
    archive: Path, tmp_path: Path, capsys, monkeypatch, answer, code
) -> None:
    terminal = io.StringIO(f"{answer}\n")
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", terminal)
    found, _, err = run(capsys, "musdb18hq", tmp_path / "set", "--from", archive)
    assert found == code
    assert "Do you accept?" in err
    assert (tmp_path / "set").exists() == (code == 0)
    if code:
        assert err.endswith("error: the licence was not accepted; nothing was fetched\n")


def test_json_is_all_there_is_on_standard_output(archive: Path, tmp_path: Path, capsys) -> None:
    code, out, err = run(capsys, "musdb18hq", tmp_path / "set", "--yes", "--json", "--from", archive)
    assert code == 0
    assert "licence: " in err
    found = json.loads(out)
    assert (found["files"], found["bytes"], found["fetched"]) == (2, 1000, ["all"])
    assert found["cite"].startswith("Rafii")


def test_the_sets_are_listed_with_size_and_licence(capsys) -> None:
    code, out, _ = run(capsys, "--list")
    assert code == 0
    for name in public.PUBLIC_SETS:
        assert f"\n{name} (" in f"\n{out}"
    assert "musdb18hq (22.7 GB, about 31.8 GB unpacked)" in out
    assert "irmas (size not published)" in out
    assert out.count("licence: ") == len(public.PUBLIC_SETS)
    _, out, _ = run(capsys, "--list", "--json")
    assert {found["name"] for found in json.loads(out)} == set(public.PUBLIC_SETS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["musdb18-hq", "x", "--yes"], "did you mean musdb18hq?"),
        (["GTZAN", "x", "--yes"], "did you mean gtzan?"),
        (["gtzan", "", "--yes"], "name a set and a folder"),
        (["irmas", "x", "--yes", "--part", "train"], "did you mean training?"),
        (["musdb18hq", "x", "--yes", "--from", "nothing.zip"], "there is no nothing.zip"),
        (["musdb18hq"], "name a set and a folder"),
        ([], "name a set and a folder"),
    ],
)
def test_wrong_use_is_one_line_and_two(arguments, words: str, capsys, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert words in one_line(err)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file(archive: Path, capsys) -> None:
    code, _, err = run(capsys, "musdb18hq", archive, "--yes", "--from", archive)
    assert code == 1
    assert one_line(err) == f"error: {archive}: is a file; name a folder"


def test_where_there_is_no_terminal_progress_is_lines(archive: Path, tmp_path: Path, capsys) -> None:
    _, _, err = run(capsys, "musdb18hq", tmp_path / "set", "--yes", "--from", archive)
    assert [line for line in err.splitlines() if line.startswith("unpacking")] == [
        "unpacking musdb18hq.zip: 900 bytes of 1 kB",
        "unpacking musdb18hq.zip: 1 kB of 1 kB",
    ]


def test_interrupted_it_keeps_what_it_has_and_goes_on(archive: Path, tmp_path: Path) -> None:
    content = Slow.content = archive.read_bytes()
    checksum = f"md5:{hashlib.md5(content).hexdigest()}"
    folder = tmp_path / "set"
    part = folder / "musdb18hq.zip.part"
    environment = {name: text for name, text in os.environ.items() if not name.lower().endswith("_proxy")}
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        address = f"http://127.0.0.1:{server.server_port}/musdb18hq.zip"
        command = [sys.executable, "-c", CHILD, str(folder), address, checksum, str(len(content))]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
            until = time.monotonic() + 60
            while not (part.exists() and part.stat().st_size) and time.monotonic() < until:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        Slow.go_on.set()
        second = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=60, check=False
        )
        server.shutdown()
    assert process.returncode == 130
    assert "kept, and the same command goes on from there" in one_line(err)
    assert second.returncode == 0
    assert "musdb18hq is there: 2 files" in second.stdout
    assert Slow.ranges == [None, f"bytes={len(content) // 2}-"]
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
