"""``tonewright timbre`` as people meet it: what it prints, writes, refuses and survives."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tonewright.audio.files import Clip, read, write
from tonewright.cli import main
from tonewright.timbre import along, description
from tonewright.timbre.description import Description
from tonewright.timbre.names import DESCRIPTORS, EXTRAS
from tonewright.timbre.tables import read_rows

PNG = b"\x89PNG"


def run(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    """Call the command line in this process; its exit code, output and errors."""
    with pytest.raises(SystemExit) as exit_:
        main(["timbre", *map(str, arguments)])
    captured = capsys.readouterr()
    code = exit_.value.code
    return (code if isinstance(code, int) else 0), captured.out, captured.err


def stand_in(samples: np.ndarray, sample_rate: int, **options: Any) -> Description:
    """All values are a hundred times the peak; silence has none."""
    peak = 100 * float(np.abs(samples).max(initial=0.0))
    facts = (samples.shape[1] / sample_rate, sample_rate, samples.shape[0], options["mode"])
    names = (*DESCRIPTORS, *EXTRAS)
    if not peak:
        return Description(dict.fromkeys(names, math.nan), *facts, dict.fromkeys(names, "silence"))
    values = dict.fromkeys(names, peak) | {"reverb": float(peak > 50), "reverb_time_s": 0.4}
    return Description(values | {"warmth": math.nan}, *facts, {"warmth": "no peak"})


@pytest.fixture(autouse=True)
def described(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real descriptions are tested elsewhere."""

    def describe_file(path: str, **options: Any) -> Description:
        clip = read(path)
        return stand_in(clip.samples, clip.sample_rate, **options)

    monkeypatch.setattr(description, "describe_file", describe_file)
    monkeypatch.setattr(along, "described", stand_in)


@pytest.fixture
def songs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sounds and one that is none, in the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = Path("songs")
    folder.mkdir()
    write(folder / "loud.wav", Clip(np.full((1, 24_000), 0.75), 8000))
    write(folder / "soft.wav", Clip(np.full((1, 24_000), 0.25), 8000))
    (folder / "text.wav").write_text("no sound")
    return folder


@pytest.fixture
def two(songs: Path) -> Path:
    """The two sounds alone."""
    (songs / "text.wav").unlink()
    return songs


def test_a_table_on_a_terminal(songs: Path, capsys: pytest.CaptureFixture) -> None:
    write(songs / "still.wav", Clip(np.zeros((1, 100)), 8000))
    code, out, error = run(capsys, songs, "--jobs", 1)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["file", *DESCRIPTORS]
    cells = {line.split()[0]: line.split()[1:] for line in lines[1:5]}
    assert cells["songs/loud.wav"] == [*["75.0"] * 4, "–", *["75.0"] * 2, "yes", "0.40", "s"]
    assert cells["songs/soft.wav"] == [*["25.0"] * 4, "–", *["25.0"] * 2, "no", "0.40", "s"]
    assert cells["songs/still.wav"] == cells["songs/text.wav"] == ["–"] * 8
    assert "note: songs/loud.wav, songs/soft.wav: warmth: no peak" in lines
    assert "note: songs/still.wav: silence" in lines
    assert any(line.startswith("note: songs/text.wav: ") for line in lines)
    assert error.startswith("1 of 4 files could not be described")
    assert sorted(path.name for path in Path().iterdir()) == ["songs"]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_a_table_in_a_file(songs: Path, capsys: pytest.CaptureFixture, ending: str) -> None:
    code, out, error = run(capsys, songs, "-o", f"out{ending}", "--jobs", 1)
    assert code == 0
    assert out == f"out{ending}: 3 files\n"
    assert error.startswith("1 of 3 files could not be described")
    assert [row["file"] for row in read_rows(f"out{ending}")] == [
        f"songs/{name}.wav" for name in ("loud", "soft", "text")
    ]
    code, out, _ = run(capsys, songs, "-o", f"out{ending}", "--jobs", 1)
    assert out == f"out{ending}: 3 files, 3 of them known before\n"
    assert sorted(path.name for path in Path().iterdir()) == [f"out{ending}", "songs"]


def test_options_may_come_first(two: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(capsys, "-o", "out.csv", "--jobs", 1, two / "loud.wav")[0] == 0
    assert len(list(read_rows("out.csv"))) == 1


def test_json_for_machines(songs: Path, capsys: pytest.CaptureFixture) -> None:
    _, out, _ = run(capsys, songs, "--json", "--jobs", 1)
    found = json.loads(out)
    assert found["settings"] == "corrected, revision 2"
    assert (found["files"], found["described"], found["reused"], found["output"]) == (3, 3, 0, None)
    assert [failed["file"] for failed in found["failed"]] == ["songs/text.wav"]
    first = found["rows"][0]
    assert first["hardness"] == pytest.approx(75, abs=1e-3)
    assert first["warmth"] is None
    assert set(first) == {"file", "seconds", "sample_rate", "channels", *DESCRIPTORS, *EXTRAS, "notes"}
    _, out, _ = run(capsys, songs, "--json", "-o", "out.csv", "--jobs", 1)
    assert json.loads(out)["output"] == "out.csv"
    assert "rows" not in json.loads(out)


def test_windows_have_rows_and_a_picture(two: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, error = run(capsys, two, "-o", "out.csv", "--window", 2, "--hop", 1, "--jobs", 1)
    assert (code, error) == (0, "")
    assert out.splitlines() == ["out.csv: 2 files", "out.png"]
    rows = list(read_rows("out.csv"))
    assert [(Path(row["file"]).stem, row["start_s"], row["seconds"]) for row in rows] == [
        ("loud", 0.0, 2.0),
        ("loud", 1.0, 2.0),
        ("soft", 0.0, 2.0),
        ("soft", 1.0, 2.0),
    ]
    assert {row["settings"] for row in rows} == {"corrected, revision 2, 2 s every 1 s"}
    assert Path("out.png").read_bytes().startswith(PNG)
    # Again, with one more: the table and its picture are made anew.
    Path("out.png").write_bytes(b"")
    write(two / "third.wav", Clip(np.full((1, 8000), 0.5), 8000))
    code, out, _ = run(capsys, two, "-o", "out.csv", "--window", 2, "--hop", 1, "--jobs", 1)
    assert out.splitlines()[0] == "out.csv: 3 files, 2 of them known before"
    assert Path("out.png").read_bytes().startswith(PNG)


def test_windows_on_a_terminal(two: Path, capsys: pytest.CaptureFixture) -> None:
    _, out, _ = run(capsys, two / "loud.wav", "--window", 1, "--jobs", 1)
    lines = out.splitlines()
    assert lines[0].split()[:4] == ["file", "start", "s", "hardness"]
    assert [line.split()[1] for line in lines[1:6]] == ["0.0", "0.5", "1.0", "1.5", "2.0"]


def test_a_picture_of_something_else_is_kept(two: Path, capsys: pytest.CaptureFixture) -> None:
    Path("out.png").write_text("cover")
    code, _, error = run(capsys, two, "-o", "out.csv", "--window", 1)
    assert code == 1
    assert "out.png: exists already" in error
    assert Path("out.png").read_text() == "cover"
    assert run(capsys, two, "-o", "out.csv", "--window", 1, "--force", "--jobs", 1)[0] == 0
    assert Path("out.png").read_bytes().startswith(PNG)


def test_names_that_cannot_be_drawn(two: Path, capsys: pytest.CaptureFixture) -> None:
    for name in ("caf\udce9", "a\x1b[31mred", "two\nlines", "tab\tx", "中文", "$x$"):
        write(two / f"{name}.wav", Clip(np.full((1, 8000), 0.5), 8000))
    (two / "loud.wav").unlink()
    (two / "soft.wav").unlink()
    _, out, _ = run(capsys, two, "--jobs", 1)
    assert "\x1b" not in out
    assert {"songs/two lines.wav", "songs/a�[31mred.wav"} <= {line[:20].strip() for line in out.splitlines()}
    code, out, error = run(capsys, two, "-o", "out.csv", "--window", 1, "--jobs", 1)
    assert (code, error) == (0, "")
    assert Path("out.png").read_bytes().startswith(PNG)


def test_what_is_no_file_or_may_not_be_read_costs_a_line(two: Path, capsys: pytest.CaptureFixture) -> None:
    os.mkfifo("pipe.wav")
    (two / "soft.wav").chmod(0)
    code, out, error = run(capsys, two / "loud.wav", two / "soft.wav", "pipe.wav", "/dev/zero", "--json")
    assert code == 0
    assert len(error.splitlines()) == 1
    reasons = {failed["file"]: failed["reason"] for failed in json.loads(out)["failed"]}
    assert reasons.pop("pipe.wav") == reasons.pop("/dev/zero") == "is a pipe or device; name a file"
    assert os.geteuid() == 0 or set(reasons) == {"songs/soft.wav"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("songs", "-o", "out.txt"), 2, ".parquet"),
        (("songs", "-o", "songs"), 2, "name a table"),
        (("songs", "--hop", "1"), 2, "window"),
        (("songs", "--window", "0"), 2, "--window"),
        (("songs", "--window", "1", "--hop", "-1"), 2, "--hop"),
        (("songs", "--mode", "modern"), 2, "--mode"),
        (("songs", "--jobs", "0"), 2, "--jobs"),
        (("songs", "--address", "10.0.0.1:6379"), 2, "ray"),
        (("songs", "--fast"), 2, "--fast"),
        (("reprot", "out.csv"), 2, "did you mean report?"),
        (("nothing.wav",), 1, "nothing.wav: there is no such file"),
        (("empty",), 1, "no sound"),
        (("songs/text.wav", "nothing.wav"), 1, "none of 2 files could be described"),
    ],
)
def test_faults_are_one_line(
    songs: Path, capsys: pytest.CaptureFixture, arguments: tuple[str, ...], code: int, words: str
) -> None:
    Path("empty").mkdir()
    found, _, error = run(capsys, *arguments)
    assert found == code
    assert words in error
    assert len(error.splitlines()) == 1
    assert error.startswith("error: ")
    assert sorted(path.name for path in Path().iterdir()) == ["empty", "songs"]


def test_other_settings_ask_for_force(two: Path, capsys: pytest.CaptureFixture) -> None:
    run(capsys, two, "-o", "out.csv", "--jobs", 1)
    code, _, error = run(capsys, two, "-o", "out.csv", "--mode", "classic", "--jobs", 1)
    assert code == 1
    assert "--force" in error
    assert run(capsys, two, "-o", "out.csv", "--mode", "classic", "--force", "--jobs", 1)[0] == 0


def test_nothing_described_is_exit_code_1_with_the_reasons_in_the_table(
    songs: Path, capsys: pytest.CaptureFixture
) -> None:
    code, _, error = run(capsys, songs / "text.wav", "-o", "out.csv", "--jobs", 1)
    assert code == 1
    assert error.startswith("error: songs/text.wav: ")
    assert next(iter(read_rows("out.csv")))["notes"]


def test_ctrl_c_keeps_what_is_done(
    two: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = description.describe_file

    def interrupted(path: str, **options: Any) -> Description:
        if path.endswith("soft.wav"):
            raise KeyboardInterrupt
        return plain(path, **options)

    monkeypatch.setattr(description, "describe_file", interrupted)
    code, _, error = run(capsys, two, "-o", "out.csv", "--jobs", 1)
    assert code == 130
    assert error.strip() == (
        "error: interrupted; 1 of 2 files are kept: the same command goes on with the others"
    )
    assert sorted(path.name for path in Path().iterdir()) == ["out.csv.journal", "songs"]
    monkeypatch.setattr(description, "describe_file", plain)
    _, out, _ = run(capsys, two, "-o", "out.csv", "--jobs", 1)
    assert out == "out.csv: 2 files, 1 of them known before\n"


SLOW = """
import time
from tonewright.cli import main
from tonewright.timbre import description

def describe_file(path, **options):
    time.sleep(0.05)
    names = (*description.DESCRIPTORS, *description.EXTRAS)
    return description.Description(dict.fromkeys(names, float(path[-7:-4])), 1.0, 8000, 1)

description.describe_file = describe_file
main(["timbre", "many", "-o", "out.csv", "--jobs", "1"])
"""


@pytest.mark.parametrize(
    ("accident", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, -15), (signal.SIGINT, 130)]
)
def test_the_same_command_goes_on_after_an_accident(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accident: signal.Signals, code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    names = [f"many/{number:03d}.wav" for number in range(100)]
    Path("many").mkdir()
    for number, name in enumerate(names):
        Path(name).write_bytes(bytes([number]))
    with subprocess.Popen([sys.executable, "-c", SLOW], stderr=subprocess.PIPE, text=True) as process:
        journal, end = Path("out.csv.journal"), time.monotonic() + 60
        while not (journal.exists() and journal.read_bytes().count(b"\n") > 3) and time.monotonic() < end:
            time.sleep(0.01)
        os.kill(process.pid, accident)
        _, error = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in error
    assert not Path("out.csv").exists()
    done = subprocess.run([sys.executable, "-c", SLOW], capture_output=True, text=True, check=True)
    known = int(done.stdout.split()[3])
    assert 3 <= known < 100
    rows = list(read_rows("out.csv"))
    assert [(row["file"], row["depth"]) for row in rows] == [
        (name, float(number)) for number, name in enumerate(names)
    ]
    assert sorted(path.name for path in Path().iterdir()) == ["many", "out.csv"]


def test_processes_give_what_one_gives(tmp_path: Path) -> None:
    """The real descriptors, from the command as it is."""
    generator = np.random.default_rng(3)
    for number in range(3):
        write(tmp_path / f"{number}.wav", Clip(0.1 * generator.standard_normal((1, 12_000)), 44_100))
    (tmp_path / "text.wav").write_text("no sound")
    for jobs in ("1", "2"):
        arguments = ["timbre", str(tmp_path), "-o", str(tmp_path / f"{jobs}.csv"), "--jobs", jobs]
        command = [sys.executable, "-m", "tonewright", *arguments]
        surroundings = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=surroundings)
        assert (done.returncode, done.stderr.count("\n")) == (0, 1), done.stderr
    one, two = (list(read_rows(tmp_path / f"{jobs}.csv")) for jobs in ("1", "2"))
    assert repr(one) == repr(two)
    assert all(40 < row["brightness"] <= 100 for row in one[:3])
    assert one[3]["notes"]


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_the_help_shows_the_options_and_the_other_commands(
    capsys: pytest.CaptureFixture, arguments: tuple[str, ...]
) -> None:
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert "Usage: tonewright timbre [OPTIONS] FILES|FOLDER..." in out
    assert "--window" in out
    assert "Commands:\n  report" in out
    assert "Example" in out


def test_a_file_called_as_a_command_is_reached_by_its_path(two: Path, capsys: pytest.CaptureFixture) -> None:
    (two / "loud.wav").rename("report")
    _, out, _ = run(capsys, "./report", "--json", "--jobs", 1)
    assert json.loads(out)["rows"][0]["file"] == "./report"
    _, out, _ = run(capsys, "report", "--help")
    assert "report" in out.splitlines()[0]
    assert "TABLE" in out
