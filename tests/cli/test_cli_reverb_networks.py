"""Networks drawn, played through and exported on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tonewright.audio.files import Clip, probe, write
from tonewright.cli import main
from tonewright.reverb import FDNBuild, load_network, save_network

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


def sound(path: Path, channels: int = 1, *, rate: int = RATE) -> None:
    samples = np.random.default_rng(1).uniform(-0.1, 0.1, (channels, 3_000)).astype(np.float32)
    write(path, Clip(samples, rate))


def test_a_colourless_room_from_nothing(here: Path, capsys: pytest.CaptureFixture) -> None:
    arguments = ("--size", 3, "--rt", 0.5, "--rt-nyquist", 0.25, "--rate", RATE, "--quality", "draft")
    code, out, _ = run(capsys, "colorless", "-o", "plate.json", *arguments)
    assert (code, out.strip()) == (0, "plate.json")
    network = load_network(here / "plate.json")
    assert (network.lines, network.fs, network.filters is None) == (3, RATE, False)
    code, _, error = run(capsys, "colorless", "-o", "plate.json", *arguments)
    assert code == 1
    assert "plate.json: exists already" in one_line(error)
    arguments = (
        "--delays",
        "101, 211",
        "--rate",
        RATE,
        "--quality",
        "draft",
        "--channels",
        2,
        "--force",
        "--json",
    )
    code, out, _ = run(capsys, "colorless", "-o", "plate.json", *arguments)
    assert code == 0
    made = json.loads(out)
    assert made["loss"] <= made["loss_at_first"]
    network = load_network(here / "plate.json")
    assert (network.delays.tolist(), network.outputs) == ([101, 211], 2)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_sound_through_a_network(channels: int, here: Path, capsys: pytest.CaptureFixture) -> None:
    save_network(here / "hall-reverb" / "network.json", small_network())
    sound(here / "dry.wav", channels, rate=16_000)
    code, out, _ = run(capsys, "render", "hall-reverb", "dry.wav", "-o", "wet.wav", "--mix", "0.3")
    assert (code, out) == (0, "wet.wav\n")
    wet = probe(here / "wet.wav")
    assert (wet.channels, wet.sample_rate) == (channels, 16_000)
    assert wet.frames > 3_000
    code, _, error = run(capsys, "render", "hall-reverb", "dry.wav", "-o", "wet.wav")
    assert code == 1
    assert "exists already" in one_line(error)
    code, out, _ = run(
        capsys, "render", "hall-reverb", "dry.wav", "-o", "wet.wav", "--no-tail", "--force", "--json"
    )
    assert code == 0
    assert json.loads(out) == {
        "output": "wet.wav",
        "seconds": 3_000 / 16_000,
        "sample_rate": 16_000,
        "channels": channels,
    }


def test_an_input_is_never_the_output(here: Path, capsys: pytest.CaptureFixture) -> None:
    save_network(here / "net.json", small_network())
    sound(here / "dry.wav")
    before = (here / "dry.wav").read_bytes()
    code, _, error = run(capsys, "render", "net.json", "dry.wav", "-o", "dry.wav", "--force")
    assert code == 1
    assert "is the input itself" in one_line(error)
    assert (here / "dry.wav").read_bytes() == before


@pytest.mark.parametrize("to", ["faust", "cpp", "json", "wav", "matlab"])
def test_an_export_is_named_for_its_network(to: str, here: Path, capsys: pytest.CaptureFixture) -> None:
    save_network(here / "2 halls" / "network.json", small_network())
    code, out, _ = run(capsys, "export", "2 halls", "--to", to)
    assert code == 0
    path = here / out.strip()
    assert path.stem == ("reverb_2_halls" if to == "matlab" else "2 halls")
    code, _, error = run(capsys, "export", "2 halls", "--to", to)
    assert code == 1
    assert "exists already" in one_line(error)
    code, out, _ = run(capsys, "export", "2 halls", "-o", path, "--force", "--json")
    assert code == 0
    assert json.loads(out) == {"output": str(path), "bytes": path.stat().st_size}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("colorless",), 2, "--output"),
        (("colorless", "-o", "x.txt"), 2, "name a file that ends in .json"),
        (("colorless", "-o", "x.json", "--rt", "0"), 2, "--rt"),
        (("colorless", "-o", "x.json", "--delays", "1,b"), 2, "give whole samples with commas"),
        (("colorless", "-o", "x.json", "--delays", ","), 2, "give whole samples with commas"),
        (("colorless", "-o", "x.json", "--delays", "0,5"), 2, "delays"),
        (("colorless", "-o", "x.json", "--size", "2", "--channels", "3"), 2, "as many delay lines"),
        (("render", "none.json", "hall.wav", "-o", "x.wav"), 1, "none.json: there is no such file"),
        (("render", "hall.wav", "hall.wav", "-o", "x.wav"), 1, "hall.wav: is not JSON"),
        (("render", "net.json", "none.wav", "-o", "x.wav"), 1, "none.wav"),
        (("render", "net.json", "hall.wav", "-o", "x.txt"), 2, "x.txt"),
        (("render", "net.json", "hall.wav", "-o", "x.wav", "--mix", "2"), 2, "--mix"),
        (("export", "net.json"), 2, "say what to write"),
        (("export", "net.json", "--to", "vst"), 2, "--to"),
        (("export", "net.json", "-o", "x.txt"), 2, "the ending says no format"),
        (("export", "net.json", "--to", "cpp", "-o", "x.dsp"), 2, "an export to cpp ends in .hpp"),
        (("export", "net.json", "-o", "1.m"), 2, "by its file's name"),
        (("export", ".", "--to", "cpp"), 1, "folder without a network.json"),
        (("export", "bad.json", "--to", "cpp"), 1, "bad.json: 'feedback' is missing"),
    ],
)
def test_wrong_use_is_one_line(
    arguments: tuple, code: int, words: str, here: Path, capsys: pytest.CaptureFixture
) -> None:
    sound(here / "hall.wav")
    save_network(here / "net.json", small_network())
    bad = json.loads((here / "net.json").read_text())
    del bad["feedback"]
    (here / "bad.json").write_text(json.dumps(bad))
    before = sorted(here.iterdir())
    found, out, error = run(capsys, *arguments)
    assert (found, out) == (code, "")
    assert words in one_line(error)
    assert sorted(here.iterdir()) == before
