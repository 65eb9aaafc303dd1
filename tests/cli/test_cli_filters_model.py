"""The filters' commands over a model: numbers and back, sounds through them, the page of a run."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import sosfilt

from tonewright.audio.files import Clip, read, write
from tonewright.cli import main
from tonewright.filters import load, load_bank
from tonewright.filters.checkpoints import save_model
from tonewright.filters.knobs import KNOBS_FILE, Knob, save_knobs
from tonewright.filters.network import expected
from tonewright.learning.compose import compose_config
from tonewright.learning.metrics_file import MetricsTable
from tonewright.learning.runs import create_run

MINE = "runs/filters/mine"
KNOBS = (
    Knob("brightness", share=0.6, correlations={"brightness": 0.9, "warmth": -0.4}),
    Knob("warmth", share=0.2, correlations={"brightness": 0.1, "warmth": 0.5}),
    Knob("width", share=0.15, correlations={"brightness": 0.0, "warmth": 0.2}),
    Knob("shape", share=0.05, correlations={"brightness": 0.0, "warmth": 0.1}),
)


def run(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    """Call a command in this process; its exit code, output and errors."""
    with pytest.raises(SystemExit) as exit_:
        main([*map(str, arguments)])
    captured = capsys.readouterr()
    code = exit_.value.code
    return (code if isinstance(code, int) else 0), captured.out, captured.err


def one_line(error: str) -> str:
    lines = [line for line in error.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, error
    assert "Traceback" not in error
    return lines[0]


def write_run(root: Path, name: str, *, seed: int = 0) -> Path:
    """A run folder as a training leaves it, with random networks."""
    rng = np.random.default_rng(seed)

    def filled(tree: dict) -> dict:
        return {
            name: filled(part)
            if isinstance(part, dict)
            else 0.2 * rng.standard_normal(part.shape).astype("f4")
            for name, part in tree.items()
        }

    config = compose_config(
        "filters", ["experiment=tiny", f"output={root}", f"run_name={name}", "data.root=none"]
    )
    made = create_run(config)
    save_model(made.folder / "model.msgpack", filled(expected(config.system)))
    save_knobs(made.folder / KNOBS_FILE, KNOBS)
    table = MetricsTable(made.metrics_file)
    for step in (1, 2, 3):
        table.add({"step": step, "epoch": 0, "train/loss": 1 / step, "validation/loss": 2 / step})
    return made.folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs"), "mine")


@pytest.fixture
def here(tmp_path: Path, finished: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a run and three sounds."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "filters").mkdir(parents=True)
    (tmp_path / "runs" / "filters" / "mine").symlink_to(finished)
    white = 0.02 * np.random.default_rng(0).standard_normal((1, 8_000))
    write("sounds/a.wav", Clip(white, 22_050))
    write("sounds/b.wav", Clip(sosfilt([[0.1, 0, 0, 1, -0.9, 0]], np.repeat(white, 2, axis=0)), 8_000))
    write("sounds/c.wav", Clip(sosfilt([[1, -0.8, 0, 1, 0, 0]], white), 192_000))
    return tmp_path


def test_encode_says_what_the_model_hears(here: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, error = run(capsys, "filters", "encode", "sounds", "--json")
    assert (code, error) == (0, "")
    found, model = json.loads(out), load(MINE)
    assert found["knobs"] == [knob.name for knob in KNOBS]
    assert [row["file"] for row in found["sounds"]] == ["sounds/a.wav", "sounds/b.wav", "sounds/c.wav"]
    for row in found["sounds"]:
        encoding = model.encode(read(row["file"]))
        assert row["z"] == pytest.approx(encoding.z, abs=1e-4)
        assert row["level_db"] == pytest.approx(encoding.level_db, abs=1e-3)
        assert row["bank"] == model.bank(row["z"]).as_dict()
        difference = model.decode(row["z"]).magnitude_db - encoding.spectrum.magnitude_db
        assert row["distance_db"] == pytest.approx(np.std(difference), abs=0.05)


def test_encodings_as_tables_and_as_a_picture(here: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(
        capsys,
        "filters",
        "encode",
        "sounds",
        "-o",
        "all.csv",
        "--picture",
        "all.png",
        "--run",
        MINE,
    )
    assert (code, out.split()) == (0, ["all.csv", "all.png"])
    assert Path("all.png").read_bytes().startswith(b"\x89PNG")
    assert run(capsys, "filters", "encode", "sounds", "-o", "all.json")[0] == 0
    rows = list(csv.DictReader(Path("all.csv").read_text().splitlines()))
    found = json.loads(Path("all.json").read_text())
    assert (found["format"], found["kind"]) == (1, "tonewright filter encodings")
    for row, sound in zip(rows, found["sounds"], strict=True):
        assert row["file"] == sound["file"]
        z = [float(row[f"z{number}_{knob.name}"]) for number, knob in enumerate(KNOBS, 1)]
        assert z == pytest.approx(sound["z"])
        last = sound["bank"]["filters"][-1]
        assert float(row["filter_16_gain"]) == pytest.approx(last["gain"])
        assert float(row["filter_16_hz"]) == pytest.approx(last["frequency_hz"])
    code, _, error = run(capsys, "filters", "encode", "sounds", "-o", "all.csv")
    assert (code, "all.csv: exists already" in one_line(error)) == (1, True)
    Path("one.json").write_text(json.dumps(found["sounds"][0]["bank"]))
    assert load_bank("one.json").filters == 16


def test_a_bad_sound_among_several_costs_a_line(here: Path, capsys: pytest.CaptureFixture) -> None:
    write("sounds/silent.wav", Clip(np.zeros((1, 4_000)), 22_050))
    write("sounds/constant.wav", Clip(np.full((1, 4_000), 0.5), 22_050))
    write("sounds/one.wav", Clip(np.full((1, 1), 0.5), 44_100))
    Path("sounds/empty.wav").touch()
    Path("sounds/broken.wav").write_bytes(Path("sounds/a.wav").read_bytes()[:30])
    code, out, error = run(capsys, "filters", "encode", "sounds")
    assert code == 1
    lines = out.splitlines()
    assert " ".join(lines[0].split()) == "file 1 brightness 2 warmth 3 width 4 shape level dB off by dB"
    assert [line.split()[0] for line in lines[1:]] == [
        f"sounds/{name}.wav" for name in ("a", "b", "c", "one")
    ]
    bad = [line.split(": ")[1] for line in error.splitlines()]
    assert bad == [f"sounds/{name}.wav" for name in ("broken", "constant", "empty", "silent")]
    code, _, error = run(capsys, "filters", "encode", "sounds/silent.wav")
    assert code == 1
    assert one_line(error) == "error: sounds/silent.wav: is silent, and silence has no spectrum"


def test_decode_gives_the_bank_of_the_flax_model(here: Path, capsys: pytest.CaptureFixture) -> None:
    serialization = pytest.importorskip("flax.serialization")
    from tonewright.filters.model import ParametricVAE
    from tonewright.learning.runs import open_run

    code, out, error = run(
        capsys, "filters", "decode", "--z", "0.5,-1,0,1.2", "-o", "bank.json", "--picture", "bank.svg"
    )
    assert (code, out.split(), error) == (0, ["bank.json", "bank.svg"], "")
    config = open_run(MINE).config.system
    parameters = serialization.msgpack_restore(Path(MINE, "model.msgpack").read_bytes())
    z = np.array([[0.5, -1.0, 0.0, 1.2]], np.float32)
    flax = ParametricVAE(config).apply(parameters, z, method="decode")
    bank = load_bank("bank.json")
    for made, wanted in zip((bank.frequency_hz, bank.q, bank.gain), flax, strict=True):
        assert made == pytest.approx(np.asarray(wanted)[0], rel=1e-3, abs=1e-5)
    assert "<svg" in Path("bank.svg").read_text()


def test_numbers_beyond_what_was_learned_are_warned_of(here: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, error = run(capsys, "filters", "decode", "--z", "-3.5,0,2,0", "--json", "--level", "6")
    found = json.loads(out)
    assert code == 0
    assert found["knobs"] == {"1 brightness": -3.5, "2 warmth": 0.0, "3 width": 2.0, "4 shape": 0.0}
    assert error.startswith("note: knob 1 brightness is -3.5, beyond the -2 to 2 that the model learned")
    assert len(error.splitlines()) == len(found["warnings"]) == 1
    plain = load(MINE).bank([-3.5, 0, 2, 0], level_db=6.0)
    assert found["bank"] == plain.as_dict()


@pytest.mark.parametrize(
    ("z", "words"),
    [
        ("1,1,1", "3 numbers for 4 knobs: 1 brightness, 2 warmth, 3 width, 4 shape"),
        ("1", "1 number for 4 knobs"),
        ("0,0,0,0,0", "5 numbers for 4 knobs"),
        ("0,0,0,x", "'x' is no number"),
        ("0,0,0,", "'' is no number"),
        ("0,0,0,nan", "nan is no place on a knob"),
        ("0,0,0,1e400", "1e400 is no place on a knob"),
        ("0,0,0,1e9", "finite"),
    ],
)
def test_wrong_numbers_are_refused(here: Path, z: str, words: str, capsys: pytest.CaptureFixture) -> None:
    code, out, error = run(capsys, "filters", "decode", "--z", z)
    assert (code, out) == (2, "")
    assert words in one_line(error)


def test_the_newest_finished_run_is_taken(here: Path, capsys: pytest.CaptureFixture) -> None:
    newer = write_run(here / "runs", "newer", seed=1)
    write_run(here / "runs", "unfinished")
    (here / "runs/filters/unfinished/model.msgpack").unlink()
    os.utime(newer / "model.msgpack", (2e9, 2e9))
    _, out, _ = run(capsys, "filters", "decode", "--z", "0,0,0,0", "--json")
    assert json.loads(out)["bank"] == load(newer).bank([0, 0, 0, 0]).as_dict()
    _, out, _ = run(capsys, "filters", "decode", "--z", "0,0,0,0", "--json", "--run", MINE)
    assert json.loads(out)["bank"] == load(MINE).bank([0, 0, 0, 0]).as_dict()
    code, _, error = run(capsys, "filters", "decode", "--z", "0,0,0,0", "--run", "runs/filters/unfinished")
    assert (code, "model.msgpack: missing" in one_line(error)) == (1, True)


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04\x95cos\nsystem\n(S'false'\ntR.", b"\x81\xa1a\x01", b"\xc1" * 99]
)
def test_a_model_from_elsewhere_is_refused(here: Path, content: bytes, capsys: pytest.CaptureFixture) -> None:
    folder = write_run(here / "runs", "foreign")
    (folder / "model.msgpack").write_bytes(content)
    code, _, error = run(capsys, "filters", "decode", "--z", "0,0,0,0", "--run", folder)
    assert (code, "model.msgpack" in one_line(error)) == (1, True)


def test_sound_through_numbers(here: Path, capsys: pytest.CaptureFixture) -> None:
    code, _, error = run(capsys, "filters", "apply", "-1,0,0,1", "sounds/a.wav", "-o", "out.wav")
    assert (code, error) == (0, "")
    bank = load(MINE).bank([-1, 0, 0, 1])
    made, wanted = read("out.wav").samples, bank.apply(read("sounds/a.wav")).samples
    assert np.abs(made - np.clip(wanted, -1, 1)).max() < 2e-4
    code, out, _ = run(capsys, "filters", "export", "-1,0,0,1", "--to", "json")
    assert (code, out) == (0, "bank.json\n")
    assert load_bank("bank.json").as_dict() == bank.as_dict()


def test_a_morph_through_the_model(here: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, error = run(
        capsys, "filters", "morph", "sounds/a.wav", "-1,0,1,0", "--steps", "3", "-o", "way", "--json"
    )
    assert (code, error) == (0, "")
    steps, model = json.loads(out)["steps"], load(MINE)
    first = model.encode(read("sounds/a.wav")).z
    for step, share in zip(steps, (0.0, 0.5, 1.0), strict=True):
        assert step["position"] == share
        assert step["z"] == pytest.approx((1 - share) * first + share * np.array([-1, 0, 1, 0]), abs=1e-6)
        assert load_bank(step["bank"]).as_dict() == model.bank(step["z"]).as_dict()
        assert read(step["sound"]).seconds == pytest.approx(2.0)
    loudness = [np.std(read(step["sound"]).samples) for step in steps]
    assert max(loudness) < 30 * min(loudness)
    code, _, error = run(capsys, "filters", "morph", "sounds/a.wav", "1,2", "-o", "other")
    assert (code, "B 1,2: 2 numbers for 4 knobs" in one_line(error)) == (2, True)
    assert not Path("other").exists()


def test_fit_then_export_then_apply(here: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(
        capsys, "filters", "fit", "sounds/a.wav", "--reference", "sounds/b.wav", "--kind", "series",
        "--filters", "6", "-o", "match.json", "--picture", "match.png",
    )  # fmt: skip
    assert code == 0
    assert out.splitlines()[0].startswith("6 filters one after another, ")
    assert out.splitlines()[-2:] == ["match.json", "match.png"]
    assert run(capsys, "filters", "export", "match.json", "--to", "apo")[1] == "match.txt\n"
    lines = Path("match.txt").read_text().splitlines()
    assert lines[0].startswith("Preamp: ")
    assert sum(line.startswith("Filter ") for line in lines) == 6
    assert run(capsys, "filters", "apply", "match.json", "sounds/a.wav", "-o", "matched.wav")[0] == 0
    model = load(MINE)
    spectra = {
        name: model.encode(read(name)).spectrum.magnitude_db
        for name in ("sounds/a.wav", "sounds/b.wav", "matched.wav")
    }
    heard = model.grid.frequencies_hz < 3_500  # the reference has a rate of 8 kHz
    before = np.std((spectra["sounds/a.wav"] - spectra["sounds/b.wav"])[heard])
    after = np.std((spectra["matched.wav"] - spectra["sounds/b.wav"])[heard])
    assert after < 0.4 * before


def test_a_fit_comes_near_and_is_named_for_its_sound(here: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(capsys, "filters", "fit", "sounds/a.wav", "--filters", "8", "--json")
    found = json.loads(out)
    assert (code, found["output"]) == (0, "a-bank.json")
    assert found["error_db"] < 3.0
    assert load_bank("a-bank.json").as_dict() == found["bank"]
    assert json.loads(Path("a-bank.json").read_text())["notes"]["sound"] == "a.wav"
    code, _, error = run(capsys, "filters", "fit", "sounds/a.wav", "--filters", "8")
    assert (code, "a-bank.json: exists already" in one_line(error)) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("none.wav",), 1, "none.wav"),
        (("sounds/a.wav", "--reference", "none.wav"), 1, "none.wav"),
        (("sounds/a.wav", "--filters", "0"), 2, "--filters"),
        (("sounds/a.wav", "-o", "bank.txt"), 2, "name a file that ends in .json"),
        (("sounds/a.wav", "--picture", "bank.jpg"), 2, "--picture bank.jpg"),
        (("sounds/a.wav", "--phase", "--kind", "series"), 2, "phase is fitted by a parallel bank only"),
        (("silent.wav",), 1, "is silent"),
        (("one.txt",), 1, "one.txt"),
    ],
)
def test_fit_refuses_in_a_line(
    here: Path, arguments: tuple, code: int, words: str, capsys: pytest.CaptureFixture
) -> None:
    write("silent.wav", Clip(np.zeros((1, 4_000)), 22_050))
    Path("one.txt").write_text("no sound")
    found, _, error = run(capsys, "filters", "fit", *arguments)
    assert (found, words in one_line(error)) == (code, True), error
    assert not list(here.glob("*.json"))


def test_a_run_as_a_page(here: Path, capsys: pytest.CaptureFixture) -> None:
    pytest.importorskip("matplotlib")
    code, out, _ = run(capsys, "report", MINE, "-o", "page.html")
    assert (code, out) == (0, "page.html\n")
    page = Path("page.html").read_text()
    assert page.count("<audio") == 3 * len(KNOBS)
    for words in (
        "The knobs",
        "brightness at −2",
        "Up means more brightness and less warmth",
        "Loss against step",
    ):
        assert words in page


def test_use_of_a_model_loads_no_framework(here: Path) -> None:
    code = (
        "import sys; from tonewright.cli import main\n"
        "try: main(['filters', 'encode', 'sounds', '--json'])\n"
        "except SystemExit as exit_: assert not exit_.code\n"
        "heavy = {'jax', 'flax', 'torch', 'matplotlib'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
