"""The filters' commands that need no model: what they write, print, refuse and survive."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import sosfilt

from tonewright.audio.files import Clip, read, write
from tonewright.cli import main
from tonewright.cli.filters import COMMANDS
from tonewright.filters.bank import Bank
from tonewright.filters.bank_files import load_bank, save_bank
from tonewright.filters.morphing import morph_banks

RATE = 22_050


def run(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    """Call a command in this process; its exit code, output and errors."""
    with pytest.raises(SystemExit) as exit_:
        main(["filters", *map(str, arguments)])
    captured = capsys.readouterr()
    code = exit_.value.code
    return (code if isinstance(code, int) else 0), captured.out, captured.err


def one_line(error: str) -> str:
    lines = [line for line in error.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, error
    assert "Traceback" not in error
    return lines[0]


def noise(path: Path, *, seed: int = 0, channels: int = 1, rate: int = RATE, seconds: float = 0.5) -> Path:
    rng = np.random.default_rng(seed)
    samples = 0.1 * rng.standard_normal((channels, max(1, int(seconds * rate))))
    write(path, Clip(samples, rate), encoding="float")
    return path


def parallel(level_db: float = -3.0) -> Bank:
    return Bank([200.0, 1_000.0, 4_000.0], [1.0, 3.0, 0.7], [0.8, -0.5, 1.2], level_db=level_db)


def series() -> Bank:
    shapes = ("low_shelf", "peaking", "high_shelf")
    return Bank([150.0, 900.0, 6_000.0], [0.7, 2.0, 0.7], [4.0, -6.0, 3.0], "series", shapes, level_db=-1.0)


def through(bank: Bank, clip: Clip) -> np.ndarray:
    """What SciPy makes of a sound, (channels, time)."""
    sections, samples = bank.to_sos(sample_rate=clip.sample_rate), clip.samples.astype(float)
    if bank.kind == "series":
        return sosfilt(sections, samples)
    return sum(sosfilt(section[None], samples) for section in sections)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with two banks and a sound."""
    monkeypatch.chdir(tmp_path)
    save_bank("wide.json", parallel())
    save_bank("eq.json", series())
    noise(Path("in.wav"), channels=2)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example(command: str, capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert f"Example:\n    tonewright filters {command}" in out


# Sound through a bank


@pytest.mark.parametrize("bank", [parallel(), series()])
@pytest.mark.parametrize(("rate", "channels", "mix"), [(8_000, 1, 1.0), (44_100, 2, 0.5), (192_000, 1, 0.3)])
def test_apply_equals_scipy(
    here: Path, bank: Bank, rate: int, channels: int, mix: float, capsys: pytest.CaptureFixture
) -> None:
    save_bank("bank.json", bank)
    clip = read(noise(here / "some.wav", rate=rate, channels=channels, seconds=0.2))
    code, out, _ = run(capsys, "apply", "bank.json", "some.wav", "-o", "out.wav", "--mix", mix)
    assert (code, out) == (0, "out.wav\n")
    made = read("out.wav")
    assert (made.sample_rate, made.samples.shape) == (rate, clip.samples.shape)
    wanted = (1 - mix) * clip.samples + mix * through(bank, clip)
    assert np.abs(made.samples - wanted).max() < 1e-6


def test_apply_keeps_the_loudness(here: Path, capsys: pytest.CaptureFixture) -> None:
    save_bank("quiet.json", parallel(level_db=-60.0))
    code, out, _ = run(capsys, "apply", "quiet.json", "in.wav", "-o", "out.wav", "--level", "keep", "--json")
    (row,) = json.loads(out)["sounds"]
    assert (code, row["channels"], row["sample_rate"], row["seconds"]) == (0, 2, RATE, pytest.approx(0.5))
    dry, wet = read("in.wav").samples, read("out.wav").samples
    assert 0.3 < np.std(wet) / np.std(dry) < 3.0
    shape = parallel(level_db=row["level_db"])
    assert np.abs(wet - through(shape, read("in.wav"))).max() < 1e-6


def test_a_folder_of_sounds_keeps_its_order(here: Path, capsys: pytest.CaptureFixture) -> None:
    for name in ("a.wav", "deep/b.flac"):
        (here / "sounds" / name).parent.mkdir(parents=True, exist_ok=True)
        write(here / "sounds" / name, read("in.wav"))
    write(here / "sounds" / "c.ogg", read("in.wav"))
    (here / "sounds" / "bad.wav").write_bytes(b"no sound")
    (here / "sounds" / "empty.wav").write_bytes(b"")
    (here / "sounds" / "notes.txt").write_text("not taken")
    code, out, error = run(capsys, "apply", "eq.json", "sounds", "-o", "made")
    assert code == 1
    assert out.split() == ["made/a.wav", "made/c.ogg", "made/deep/b.flac"]
    assert [line.split(":")[1].strip() for line in error.splitlines()] == [
        "sounds/bad.wav",
        "sounds/empty.wav",
    ]
    assert read("made/deep/b.flac").samples.shape == read("in.wav").samples.shape
    code, _, error = run(capsys, "apply", "eq.json", "sounds/a.wav", "sounds/c.ogg", "-o", "made")
    assert code == 1
    assert error.count("exists already; choose another name, or replace it with --force") == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("wide.json", "in.wav", "-o", "in.wav", "--force"), 1, "is the input itself"),
        (("wide.json", "in.wav", "-o", ".", "--force"), 2, "is one of the sounds"),
        (("wide.json", "in.wav", "-o", "there.wav"), 1, "there.wav: exists already"),
        (("wide.json", "in.wav", "-o", "out.mp3"), 2, "name a sound file that ends in .wav, .flac, .ogg"),
        (("wide.json", "in.wav", "there.wav", "-o", "out.wav"), 2, "2 sounds do not go into one file"),
        (("wide.json", "in.wav", "there.wav", "-o", "notes"), 1, "is a file; name a folder"),
        (("wide.json", "in.wav", "-o", "x.wav", "--mix", "2"), 2, "--mix"),
        (("none.json", "in.wav", "-o", "x.wav"), 1, "none.json: there is no such file"),
        (("in.wav", "in.wav", "-o", "x.wav"), 1, "in.wav: is not JSON"),
        (("wide.json", "none.wav", "-o", "x.wav"), 1, "none.wav"),
        (("wide.json", "empty", "-o", "x"), 1, "empty: there is no sound file in this folder"),
        (("0.5,x,0,1", "in.wav", "-o", "x.wav"), 2, "'x' is no number"),
        (("-1,0,0,1", "in.wav", "-o", "x.wav"), 1, "train one with: tonewright train filters"),
    ],
)
def test_apply_refuses_in_a_line(
    here: Path, arguments: tuple, code: int, words: str, capsys: pytest.CaptureFixture
) -> None:
    noise(here / "there.wav")
    (here / "notes").write_text("mine")
    (here / "empty").mkdir()
    before = (here / "in.wav").read_bytes()
    found, _, error = run(capsys, "apply", *arguments)
    assert (found, words in one_line(error)) == (code, True), error
    assert (here / "in.wav").read_bytes() == before
    assert not (here / "x.wav").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"q": 0.0}, "q"),
        ({"q": -1.0}, "q"),
        ({"frequency_hz": 1e9}, "frequency"),
        ({"gain": 1e30}, "gain"),
        ({"q": float("nan")}, "finite"),
        ({"gain": "loud"}, "gain"),
        ({"__class__": "os.system"}, "__class__"),
    ],
)
def test_an_absurd_bank_is_refused(
    here: Path, change: dict, words: str, capsys: pytest.CaptureFixture
) -> None:
    data = parallel().as_dict()
    data["filters"][1] |= change
    (here / "absurd.json").write_text(json.dumps(data))
    for command in (
        ("apply", "absurd.json", "in.wav", "-o", "x.wav"),
        ("export", "absurd.json", "--to", "sos"),
    ):
        code, _, error = run(capsys, *command)
        assert code == 1
        assert "absurd.json: " in one_line(error)
        assert words in error


def test_short_silent_and_constant_sounds_pass(here: Path, capsys: pytest.CaptureFixture) -> None:
    for name, samples in (
        ("one", np.full((1, 1), 0.5)),
        ("silent", np.zeros((1, 400))),
        ("constant", np.full((1, 400), 0.25)),
    ):
        clip = Clip(samples, 44_100)
        write(f"{name}.wav", clip, encoding="float")
        for level in ("bank", "keep"):
            code, _, error = run(
                capsys, "apply", "wide.json", f"{name}.wav", "-o", "o.wav", "--level", level, "--force"
            )
            assert (code, error) == (0, "")
        assert read("o.wav").frames == clip.frames
    assert not read("silent.wav").samples.any()


def test_filters_above_the_rate_are_left_out_with_a_word(here: Path, capsys: pytest.CaptureFixture) -> None:
    noise(here / "low.wav", rate=4_000)
    process = subprocess.run(
        [sys.executable, "-m", "tonewright", "filters", "apply", "wide.json", "low.wav", "-o", "out.wav"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout == "out.wav\n"
    assert "low.wav: at its sample rate of 4000 Hz, 1 of 3 filters cannot be made" in process.stderr


# Exports


def test_export_by_ending_and_by_name(here: Path, capsys: pytest.CaptureFixture) -> None:
    for to, name in (
        ("faust", "eq.dsp"),
        ("cpp", "eq.hpp"),
        ("apo", "eq.txt"),
        ("csv", "eq.csv"),
        ("sos", "eq.sos"),
    ):
        code, out, _ = run(capsys, "export", "eq.json", "--to", to)
        assert (code, out) == (0, f"{name}\n")
        assert run(capsys, "export", "eq.json", "--to", to)[0] == 1
    assert np.loadtxt(
        "eq.sos", delimiter=None if "," not in Path("eq.sos").read_text() else ","
    ) == pytest.approx(series().to_sos())
    assert "Filter 2: ON PK Fc 900.00 Hz Gain -6.000 dB" in Path("eq.txt").read_text()
    code, out, _ = run(capsys, "export", "eq.json", "-o", "copy.json", "--json")
    assert json.loads(out)["output"] == "copy.json"
    assert load_bank("copy.json").as_dict() == series().as_dict()
    code, out, _ = run(capsys, "export", "eq.json", "-o", "high.sos", "--rate", "96000")
    assert code == 0
    assert Path("high.sos").read_text() != Path("eq.sos").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("wide.json",), 2, "say what to write"),
        (("wide.json", "--to", "apo"), 2, "fit FILE --kind series"),
        (("wide.json", "--to", "vst"), 2, "--to"),
        (("wide.json", "-o", "out.xyz"), 2, "the ending says no format"),
        (("wide.json", "-o", "wide.json", "--force"), 2, "is the bank itself"),
        (("wide.json", "--to", "sos", "--rate", "0"), 2, "--rate"),
    ],
)
def test_export_refuses_in_a_line(
    here: Path, arguments: tuple, code: int, words: str, capsys: pytest.CaptureFixture
) -> None:
    found, _, error = run(capsys, "export", *arguments)
    assert (found, words in one_line(error)) == (code, True), error


# From one bank to another


def test_a_morph_of_two_banks_needs_no_model(here: Path, capsys: pytest.CaptureFixture) -> None:
    save_bank("other.json", Bank([300.0, 2_000.0], [2.0, 1.0], [1.0, 0.5]))
    code, out, error = run(
        capsys, "morph", "wide.json", "other.json", "--steps", 3, "--through", "in.wav", "-o", "way"
    )
    assert (code, out, error) == (0, "way\n", "")
    names = [f"step-0{number}.{ending}" for number in (1, 2, 3) for ending in ("json", "wav")]
    assert sorted(path.name for path in Path("way").iterdir()) == ["morph.png", *names]
    made = [load_bank(f"way/step-0{number}.json") for number in (1, 2, 3)]
    wanted = morph_banks(load_bank("wide.json"), load_bank("other.json"), steps=3)
    assert [bank.as_dict() for bank in made] == [bank.as_dict() for bank in wanted]
    dry = read("in.wav")
    for number, bank in enumerate(made, 1):
        heard, plain = read(f"way/step-0{number}.wav").samples, through(bank, dry)
        share = np.vdot(heard, plain) / np.vdot(plain, plain)  # another level, the same sound
        assert np.abs(heard - share * plain).max() < 1e-4
        assert np.abs(heard).max() <= 1.0
    assert not [path for path in here.iterdir() if path.name.startswith(".")]


def test_a_shorter_morph_leaves_no_steps_of_a_longer_one(here: Path, capsys: pytest.CaptureFixture) -> None:
    save_bank("other.json", parallel(level_db=2.0))
    assert run(capsys, "morph", "wide.json", "other.json", "--steps", 4, "-o", "way")[0] == 0
    (here / "way" / "mine.txt").write_text("mine")
    code, _, error = run(capsys, "morph", "wide.json", "other.json", "--steps", 2, "-o", "way")
    assert (code, "exists already; choose another -o" in one_line(error)) == (1, True)
    assert run(capsys, "morph", "wide.json", "other.json", "--steps", 2, "-o", "way", "--force")[0] == 0
    assert sorted(path.name for path in Path("way").iterdir()) == [
        "mine.txt",
        "morph.png",
        *(f"step-0{number}.{ending}" for number in (1, 2) for ending in ("json", "wav")),
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("wide.json", "eq.json", "-o", "way"), 2, "does not turn into a series one"),
        (("wide.json", "none.json", "-o", "way"), 1, "none.json: there is no such file"),
        (("wide.json", "wide.json", "-o", "in.wav"), 1, "in.wav: is a file; name a folder"),
        (("wide.json", "wide.json", "-o", "way.wav"), 2, "name a folder"),
        (("wide.json", "wide.json", "-o", "way", "--steps", "1"), 2, "--steps"),
        (("wide.json", "wide.json", "-o", "way", "--through", "none.wav"), 1, "none.wav"),
        (("wide.json", "in.wav", "-o", "way"), 1, "tonewright train filters"),
        (("wide.json", "wide.json", "-o", "way", "--run", "none"), 1, "none"),
    ],
)
def test_morph_refuses_in_a_line(
    here: Path, arguments: tuple, code: int, words: str, capsys: pytest.CaptureFixture
) -> None:
    found, _, error = run(capsys, "morph", *arguments)
    assert (found, words in one_line(error)) == (code, True), error
    assert not (here / "way").exists()


def test_a_morph_does_not_overwrite_what_it_reads(here: Path, capsys: pytest.CaptureFixture) -> None:
    Path("way").mkdir()
    save_bank("way/step-01.json", parallel())
    code, _, error = run(capsys, "morph", "way/step-01.json", "wide.json", "-o", "way", "--force")
    assert (code, "would be overwritten" in one_line(error)) == (2, True)


# Models that are not there


@pytest.mark.parametrize("command", [("encode", "in.wav"), ("decode", "--z", "0,0,0,0")])
def test_without_a_model_it_is_said_how_to_train_one(
    here: Path, command: tuple, capsys: pytest.CaptureFixture
) -> None:
    code, _, error = run(capsys, *command)
    assert code == 1
    assert (
        "runs/filters: there is no trained model here; train one with: tonewright train filters"
        in one_line(error)
    )
    (here / "runs" / "filters" / "half").mkdir(parents=True)
    assert "holds no finished run" in one_line(run(capsys, *command)[2])
