"""The reverb's commands as people meet them: what they write, print, refuse and survive."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tonewright.audio.files import Clip, read, write
from tonewright.cli import main
from tonewright.cli.reverb import COMMANDS
from tonewright.reverb import FDNBuild, impulse_response, load_network, save_network

RATE = 8_000


def run(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    """Call a command in this process; its exit code, output and errors."""
    with pytest.raises(SystemExit) as exit_:
        main(["reverb", *map(str, arguments)])
    captured = capsys.readouterr()
    code = exit_.value.code
    return (code if isinstance(code, int) else 0), captured.out, captured.err


def one_line(error: str) -> str:
    lines = [line for line in error.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, error
    assert "Traceback" not in error
    return lines[0]


def room(path: Path, *, seed: int = 0, channels: int = 1, seconds: float = 0.8, decay_s: float = 0.4) -> Path:
    """Noise that falls by 60 dB in `decay_s`, after a little silence, as a room would answer."""
    rng = np.random.default_rng(seed)
    times = np.arange(int(seconds * RATE)) / RATE
    samples = 0.3 * rng.standard_normal((channels, times.size)) * 10 ** (-3 * times / decay_s)
    samples[:, 0] = 0.9
    write(path, Clip(np.pad(samples, ((0, 0), (80, 0))), RATE), encoding="float")
    return path


def small_network(outputs: int = 1) -> FDNBuild:
    rng = np.random.default_rng(0)
    matrix = 0.8 * np.linalg.qr(rng.standard_normal((4, 4)))[0]
    return FDNBuild(
        matrix, np.ones((4, 1)), rng.standard_normal((outputs, 4)), 0.5, [101, 149, 179, 211], RATE
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def quick_fit(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A stand-in for the fit, so that the command is tested and not the search; gives what it was asked."""
    import tonewright.reverb
    from tonewright.reverb import analyse
    from tonewright.reverb.fitting.result import Fit

    asked: list[dict[str, Any]] = []

    def fit(clip: Clip, **settings: Any) -> Fit:
        asked.append({key: value for key, value in settings.items() if key != "progress"})
        analysis = analyse(clip)
        network = small_network(clip.channels)
        response = impulse_response(network, clip.frames).reshape(clip.frames, -1).T
        made = analyse(Clip(response.astype(np.float32), RATE))
        figures = {"t30_median_percent": 3.5, "c80_median_db": float("nan")}
        return Fit(
            network, clip.samples, response, RATE, analysis, made, figures, (), ("the tail is noise",), 0.1
        )

    monkeypatch.setattr(tonewright.reverb, "fit", fit, raising=False)
    return asked


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example(command: str, capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert f"Example:\n    tonewright reverb {command}" in out


def test_a_fit_is_a_folder(here: Path, quick_fit: list, capsys: pytest.CaptureFixture) -> None:
    room(here / "hall.wav", channels=2)
    code, out, error = run(capsys, "fit", "hall.wav", "--size", "8", "--quality", "draft", "--budget", "3")
    assert (code, error) == (0, "")
    assert quick_fit == [{"size": 8, "quality": "draft", "budget_s": 3.0, "seed": 0}]
    lines = out.splitlines()
    assert lines[0] == "hall.wav: 4 delay lines, 2 out, fitted in 0.1 s"
    assert lines[1].split()[:3] == ["Hz", "decay", "s"]
    (row,) = (line.split() for line in lines if line.split()[:1] == ["1k"])
    assert float(row[1]) == pytest.approx(0.4, abs=0.05)
    assert lines[-2:] == ["note: the tail is noise", "hall-reverb"]
    assert sorted(file.name for file in (here / "hall-reverb").iterdir()) == [
        "network.json",
        "report.html",
        "response.wav",
    ]
    response = read(here / "hall-reverb" / "response.wav")
    network = load_network(here / "hall-reverb")
    assert (response.channels, response.sample_rate, network.outputs) == (2, RATE, 2)
    assert np.abs(response.samples.T - impulse_response(network, response.frames)).max() < 1e-6
    notes = json.loads((here / "hall-reverb" / "network.json").read_text())["notes"]
    assert notes["response"] == "hall.wav"
    assert notes["figures"] == {"t30_median_percent": 3.5, "c80_median_db": None}
    assert sorted(file.name for file in here.iterdir()) == ["hall-reverb", "hall.wav"]


def test_from_a_room_to_a_plug_in(here: Path, capsys: pytest.CaptureFixture) -> None:
    room(here / "hall.wav", decay_s=0.3)
    code, out, error = run(
        capsys, "fit", "hall.wav", "--size", "8", "--quality", "draft", "--no-report", "--json"
    )
    assert (code, error) == (0, "")
    (made,) = json.loads(out)["fits"]
    (band,) = (band for band in made["bands"] if band["hz"] == 1_000)
    assert band["fit_decay_s"] == pytest.approx(band["room_decay_s"], rel=0.15)
    code, out, _ = run(capsys, "analyse", "hall-reverb/response.wav", "--json")
    (found,) = json.loads(out)["responses"]
    assert found["broadband"]["decay_s"][0] == pytest.approx(0.3, rel=0.15)
    for to in ("faust", "cpp"):
        code, out, _ = run(capsys, "export", "hall-reverb", "--to", to)
        assert code == 0
        assert "8 delay lines" in Path(out.strip()).read_text()


def test_nothing_of_a_fit_is_overwritten_unless_told(
    here: Path, quick_fit: list, capsys: pytest.CaptureFixture
) -> None:
    room(here / "hall.wav")
    folder = here / "mine"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    code, _, error = run(capsys, "fit", "hall.wav", "-o", folder)
    assert code == 1
    assert "mine: exists already; choose another -o, or replace it with --force" in one_line(error)
    assert quick_fit == []
    (folder / "report.html").write_text("of an earlier fit")
    assert run(capsys, "fit", "hall.wav", "-o", folder, "--force", "--no-report")[0] == 0
    assert {file.name for file in folder.iterdir()} == {"notes.txt", "network.json", "response.wav"}
    assert (folder / "notes.txt").read_text() == "mine"
    code, _, error = run(capsys, "fit", "hall.wav", "-o", folder / "notes.txt")
    assert code == 1
    assert "is a file; a fit goes into a folder" in one_line(error)


def test_a_fit_that_fails_leaves_nothing(
    here: Path, quick_fit: list, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tonewright.cli.reverb import fit_folder

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "response.wav")

    room(here / "hall.wav")
    monkeypatch.setattr(fit_folder, "write_response", full)
    code, _, error = run(capsys, "fit", "hall.wav")
    assert code == 1
    assert "No space left" in one_line(error)
    assert [file.name for file in here.iterdir()] == ["hall.wav"]


def test_a_fit_goes_into_no_file(here: Path, quick_fit: list, capsys: pytest.CaptureFixture) -> None:
    (here / "notes.txt").write_text("mine")
    code, _, error = run(capsys, "fit", room(here / "hall.wav"), "-o", here / "notes.txt" / "hall")
    assert (code, "notes.txt is a file; choose another -o" in one_line(error)) == (1, True)
    assert not quick_fit


def test_the_network_alone(here: Path, quick_fit: list, capsys: pytest.CaptureFixture) -> None:
    room(here / "hall.wav")
    code, out, _ = run(capsys, "fit", "hall.wav", "-o", "new/hall.json", "--json")
    assert code == 0
    (made,) = json.loads(out)["fits"]
    assert (made["file"], made["output"], made["report"]) == ("hall.wav", "new/hall.json", None)
    assert made["figures"]["c80_median_db"] is None
    assert {"hz", "room_decay_s", "fit_decay_s", "room_c80_db"} <= set(made["bands"][0])
    assert [file.name for file in (here / "new").iterdir()] == ["hall.json"]
    assert run(capsys, "fit", "hall.wav", "-o", "new/hall.json")[0] == 1


def test_a_bad_response_among_several_costs_a_line(
    here: Path, quick_fit: list, capsys: pytest.CaptureFixture
) -> None:
    for name in ("a.wav", "b.wav"):
        room(here / "rooms" / "deep" / name)
    (here / "rooms" / "bad.wav").write_bytes(b"no sound")
    write(here / "rooms" / "silent.wav", Clip(np.zeros((1, 4_000), np.float32), RATE))
    room(here / "rooms" / "a.wav")
    (here / "rooms" / "notes.txt").write_text("not taken")
    code, out, error = run(capsys, "fit", "rooms", "-o", "fits", "--no-report", "--json")
    assert code == 1
    assert [line.split(":")[1].strip() for line in error.splitlines()] == [
        "rooms/bad.wav",
        "rooms/deep/a.wav",
        "rooms/silent.wav",
    ]
    assert "would go to fits/a as rooms/a.wav does" in error
    found = json.loads(out)
    assert [made["output"] for made in found["fits"]] == ["fits/a", "fits/b"]
    assert len(found["failed"]) == 3
    assert sorted(folder.name for folder in (here / "fits").iterdir()) == ["a", "b"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.write_bytes(b""), "hall.wav: is empty"),
        (lambda path: path.write_bytes(b"RIFF"), "hall.wav: is not a sound file"),
        (lambda path: write(path, Clip(np.zeros((1, 9_000), np.float32), RATE)), "silent"),
        (lambda path: path.mkdir(), "no sound file in this folder"),
    ],
)
@pytest.mark.parametrize("command", ["fit", "analyse"])
def test_what_is_no_response_is_refused_in_one_line(
    command: str,
    make: Callable[[Path], object],
    words: str,
    here: Path,
    quick_fit: list,
    capsys: pytest.CaptureFixture,
) -> None:
    make(here / "hall.wav")
    before = sorted(here.iterdir())
    code, out, error = run(capsys, command, "hall.wav")
    assert (code, out) == (1, "")
    assert "hall.wav" in one_line(error)
    assert words in error
    assert sorted(here.iterdir()) == before


def test_of_an_hour_two_minutes_are_taken(
    here: Path, quick_fit: list, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tonewright.cli.reverb import responses

    monkeypatch.setattr(responses, "MOST_SECONDS", 0.5)
    room(here / "long.wav")
    code, out, _ = run(capsys, "fit", "long.wav", "--no-report")
    assert code == 0
    assert "note: of 0.81 s the first 0.5 s were taken" in out
    assert read(here / "long-reverb" / "response.wav").frames == RATE // 2


def test_figures_of_one_response(here: Path, capsys: pytest.CaptureFixture) -> None:
    room(here / "hall.wav", channels=2)
    code, out, _ = run(capsys, "analyse", "hall.wav")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "hall.wav: 0.81 s at 8000 Hz"
    assert [line for line in lines if line.startswith("channel")] == ["channel 1", "channel 2"]
    assert sum(line.startswith("onset 10.0 ms") for line in lines) == 2
    code, out, _ = run(capsys, "analyse", "hall.wav", "--bands", "third", "--json")
    (found,) = json.loads(out)["responses"]
    assert (code, found["file"], found["channels"]) == (0, "hall.wav", 2)
    assert len(found["bands_hz"]) > 10
    assert found["broadband"]["t20_s"][0] == pytest.approx(0.4, abs=0.05)


def test_figures_of_a_folder(here: Path, capsys: pytest.CaptureFixture) -> None:
    room(here / "rooms" / "a.wav")
    room(here / "rooms" / "b.WAV".lower(), decay_s=0.2)
    (here / "rooms" / "c.wav").write_bytes(b"no sound")
    (here / "rooms" / ".hidden.wav").write_bytes(b"no sound")
    code, out, error = run(capsys, "analyse", "rooms")
    assert code == 1
    assert "rooms/c.wav" in one_line(error)
    rows = {line.split()[0]: line.split()[1] for line in out.splitlines() if line.startswith("rooms/")}
    assert float(rows["rooms/a.wav"]) == pytest.approx(0.4, abs=0.05)
    assert float(rows["rooms/b.wav"]) == pytest.approx(0.2, abs=0.05)
    code, out, error = run(capsys, "analyse", "rooms/a.wav", "rooms", "--json")
    found = json.loads(out)
    assert [item["file"] for item in found["responses"]] == ["rooms/a.wav", "rooms/b.wav"]
    assert [item["file"] for item in found["failed"]] == ["rooms/c.wav"]


def test_pictures(here: Path, capsys: pytest.CaptureFixture) -> None:
    room(here / "rooms" / "a$b.wav")
    room(here / "rooms" / "c.wav")
    code, out, _ = run(capsys, "analyse", "rooms/a$b.wav", "--figure", "new/x.svg")
    assert (code, out.splitlines()[-1]) == (0, "new/x.svg")
    assert (here / "new" / "x.svg").read_bytes().startswith(b"<?xml")
    code, _, error = run(capsys, "analyse", "rooms/a$b.wav", "--figure", "new/x.svg")
    assert code == 1
    assert "exists already" in one_line(error)
    code, out, _ = run(capsys, "analyse", "rooms", "--figure", "pictures")
    assert code == 0
    assert out.splitlines()[-2:] == ["pictures/a$b.png", "pictures/c.png"]
    assert (here / "pictures" / "c.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("fit",), 2, "RESPONSES"),
        (("fit", "hall.wav", "--size", "5"), 2, "--size"),
        (("fit", "hall.wav", "--quality", "fine"), 2, "--quality"),
        (("fit", "hall.wav", "--budget", "0"), 2, "--budget"),
        (("fit", "hall.wav", "net.json", "-o", "x.json"), 2, "do not go into one file"),
        (("fit", "hall.wav", "-o", "hall.dsp"), 2, "tonewright reverb export makes the rest"),
        (("analyse", "hall.wav", "--figure", "x.txt"), 2, "--figure"),
        (("analyse", "hall.wav", "hall2.wav", "--figure", "x.png"), 2, "name a folder"),
        (("analyse", "hall.wav", "--bands", "half"), 2, "--bands"),
        (("analise", "hall.wav"), 2, "did you mean analyse"),
    ],
)
def test_wrong_use_is_one_line(
    arguments: tuple, code: int, words: str, here: Path, capsys: pytest.CaptureFixture
) -> None:
    room(here / "hall.wav")
    save_network(here / "net.json", small_network())
    before = sorted(here.iterdir())
    found, out, error = run(capsys, *arguments)
    assert (found, out) == (code, "")
    assert words in one_line(error)
    assert sorted(here.iterdir()) == before


def test_commands_load_no_framework_before_they_run() -> None:
    import subprocess
    import sys

    script = (
        "import sys\nfrom tonewright.cli import main\n"
        "try:\n    main(['reverb', 'fit', '--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'torch', 'numba', 'matplotlib', 'scipy', 'jax'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
