"""The command line as people meet it: help, one-line errors, exit codes, JSON."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tonewright.audio.files import Clip, read, write
from tonewright.cli import main
from tonewright.cli.main import COMMANDS

SMALL = (
    "experiment=tiny",
    "logger=csv",
    "trainer=cpu",
    "trainer.threads=1",
    "trainer.max_steps=2",
    "data.workers=0",
    "data.seconds=0.3",
    "data.batch_size=2",
    "data.windows_per_epoch=4",
    "data.validation_windows=2",
    "callbacks.examples=1",
    "system.width=16",
    "system.prepare_windows=8",
)


def run(capsys: pytest.CaptureFixture, *arguments: str) -> tuple[int, str, str]:
    """Call the command line in this process; its exit code, output and errors."""
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    code = exit_.value.code
    return (code if isinstance(code, int) else 0), captured.out, captured.err


def one_line(error: str) -> str:
    lines = [line for line in error.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, error
    assert "Traceback" not in error
    return lines[0]


@pytest.fixture(scope="module")
def codec_run(band: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("cli-runs")
    with pytest.raises(SystemExit) as exit_:
        main(["train", "codec", *SMALL, f"data.root={band}", f"output={output}", "run_name=a"])
    assert exit_.value.code == 0
    return output / "codec" / "a"


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_every_help_has_an_example(command: list[str], capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(capsys, *command, "--help")
    assert code == 0
    assert "Example" in out
    assert "tonewright" in out


@pytest.mark.parametrize(
    "command",
    [("data", "demo"), ("data", "index"), ("data", "check"), ("codec", "reconstruct"), ("train", "codec")],
)
def test_every_leaf_has_help_with_an_example(command: tuple, capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(capsys, *command, "--help")
    assert code == 0
    assert "Example" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("trian", "codec"), "did you mean train"),
        (("train", "codek"), "did you mean codec"),
        (("train", "codec", "trainer.max_epoch=1"), "did you mean trainer.max_epochs"),
        (("train", "codec", "trainer.max_epochs=x"), "trainer.max_epochs"),
        (("train", "codec", "seed=1,2"), "-m"),
        (("train", "codec", "--fast"), "--fast"),
        (("train", "codec", "trainer.precision=17"), "trainer.precision"),
        (("data", "demo", "x", "--songs", "0"), "--songs"),
        (("data", "check", "x", "--jobs", "0"), "--jobs"),
        (("train", "codec", "run_name=../up"), "run_name"),
        (("train", "codec", "data.seconds=nan"), "data.seconds"),
        (("train", "codec", "-m", "seed=1,x"), "seed"),
        (("train", "codec", "--cfg", "jobb"), "--cfg"),
        (("report", "x", "-o", "mine.wav"), ".html"),
        (("codec", "reconstruct", "x.wav"), "--run"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    arguments: tuple, words: str, capsys: pytest.CaptureFixture
) -> None:
    code, _, error = run(capsys, *arguments)
    assert code == 2
    assert words in one_line(error)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("data", "index", "/no/such/folder"), "/no/such/folder"),
        (("data", "check", "/no/such/folder"), "/no/such/folder"),
        (("codec", "reconstruct", "missing.wav", "--run", "x", "-o", "y.wav"), "missing.wav"),
        (("report", "/no/run"), "/no/run"),
        (("train", "codec", "logger=csv", "data=folder", "data.root=/no/such/folder"), "/no/such/folder"),
        (("train", "codec", "run_name=none", "ckpt_path=last"), "no run to resume"),
    ],
)
def test_failure_is_one_line_and_exit_code_1(
    arguments: tuple,
    words: str,
    capsys: pytest.CaptureFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, error = run(capsys, *arguments)
    assert words in one_line(error)
    assert code in (1, 2)
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_a_line_says_how_to_install_it(tmp_path: Path) -> None:
    arguments = ["train", "codec", "run_name=a", f"data.root={tmp_path}", f"output={tmp_path}"]
    code = f"import sys; sys.modules['torch'] = None; from tonewright.cli import main; main({arguments!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "tonewright[codec]" in one_line(done.stderr)


def test_no_argument_shows_the_help(capsys: pytest.CaptureFixture) -> None:
    code, out, error = run(capsys)
    assert code == 0
    assert "Commands:" in out + error


def test_training_leaves_a_whole_run_folder(codec_run: Path) -> None:
    names = {path.name for path in codec_run.iterdir()}
    expected = {
        "config.yaml",
        "metrics.csv",
        "checkpoints",
        "model.safetensors",
        "figures",
        "audio",
        "environment.txt",
    }
    assert expected <= names
    assert {"best.ckpt", "last.ckpt"} <= {path.name for path in (codec_run / "checkpoints").iterdir()}
    assert {path.suffix for path in (codec_run / "audio").iterdir()} == {".wav"}


def test_a_run_of_the_same_name_is_safe(codec_run: Path, band: Path, capsys: pytest.CaptureFixture) -> None:
    again = ("train", "codec", *SMALL, f"data.root={band}", f"output={codec_run.parents[1]}", "run_name=a")
    before = (codec_run / "model.safetensors").read_bytes()
    code, _, error = run(capsys, *again)
    assert code == 1
    assert "--force" in one_line(error)
    assert (codec_run / "model.safetensors").read_bytes() == before


def test_reconstruct_keeps_the_shape_of_the_file(
    codec_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, (1, 22051)).astype(np.float32)
    source, target = tmp_path / "--a säng.wav", tmp_path / "out dir" / "made.flac"
    write(source, Clip(samples, 22050))
    arguments = ("codec", "reconstruct", "--run", codec_run, "-o", target, "--json", "--", source)
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert json.loads(out)["output"] == str(target)
    made = read(target)
    assert (made.sample_rate, made.samples.shape) == (22050, samples.shape)
    code, _, error = run(capsys, *arguments)
    assert code == 1
    assert "--force" in one_line(error) or "exists" in one_line(error)
    assert run(capsys, *arguments[:2], "--force", *arguments[2:])[0] == 0


def test_a_corrupt_model_and_checkpoint_are_named(
    codec_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    import shutil

    broken = tmp_path / "codec" / "a"
    shutil.copytree(codec_run, broken)
    (broken / "model.safetensors").write_bytes(b"no tensors here")
    source = tmp_path / "in.wav"
    write(source, Clip(np.zeros((1, 100), np.float32), 44100))
    code, _, error = run(capsys, "codec", "reconstruct", source, "--run", broken, "-o", tmp_path / "o.wav")
    assert code == 1
    assert "model.safetensors" in one_line(error)
    for content in (b"", b"garbage", (broken / "checkpoints/last.ckpt").read_bytes()[:5000]):
        (broken / "checkpoints" / "last.ckpt").write_bytes(content)
        code, _, error = run(
            capsys,
            "train",
            "codec",
            f"output={tmp_path}",
            "run_name=a",
            "ckpt_path=last",
            "trainer.max_steps=4",
        )
        assert code == 1
        assert "last.ckpt" in one_line(error)


def test_a_checkpoint_that_would_run_code_is_refused(
    codec_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    import shutil

    import torch

    class Trap:
        def __reduce__(self) -> tuple:
            return (open, (str(tmp_path / "sprung"), "w"))

    broken = tmp_path / "codec" / "a"
    shutil.copytree(codec_run, broken)
    torch.save({"state_dict": Trap()}, broken / "checkpoints" / "last.ckpt")
    code, _, error = run(
        capsys, "train", "codec", f"output={tmp_path}", "run_name=a", "ckpt_path=last", "trainer.max_steps=4"
    )
    assert code == 1
    assert "last.ckpt" in one_line(error)
    assert not (tmp_path / "sprung").exists()


def test_resuming_trains_on(codec_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    import shutil

    shutil.copytree(codec_run, tmp_path / "codec" / "a")
    more = (
        "train",
        "codec",
        f"output={tmp_path}",
        "run_name=a",
        "ckpt_path=last",
        "trainer.max_steps=4",
        "--json",
    )
    code, out, _ = run(capsys, *more)
    assert code == 0
    assert json.loads(out)["metrics"]["validation/loss"] > 0
    steps = [line.split(",")[0] for line in (tmp_path / "codec/a/metrics.csv").read_text().splitlines()[1:]]
    assert steps[-1] == "4"


def test_a_sweep_makes_a_run_for_each_value(
    band: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    common = [*SMALL, f"data.root={band}", f"output={tmp_path}", "run_name=s"]
    code, _, _ = run(capsys, "train", "codec", *common, "-m", "seed=1,2", "--force")
    assert code == 0
    folders = sorted(path for path in (tmp_path / "codec").iterdir() if path.is_dir())
    assert [folder.name for folder in folders] == ["s-seed=1", "s-seed=2"]
    assert [
        f"seed: {seed}" in (folder / "config.yaml").read_text() for seed, folder in enumerate(folders, 1)
    ] == [True] * 2


def test_cfg_shows_the_settings_and_trains_nothing(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tonewright",
        "train",
        "codec",
        "experiment=tiny",
        "seed=5",
        "--cfg",
        "job",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True, timeout=60)
    assert "seed: 5" in done.stdout
    assert "latent_dims" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_index_and_check_speak_json_and_tables(band: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(capsys, "data", "index", band, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["layout"] == "musdb18hq"
    assert len(found["tracks"]) == 5
    assert set(found["tracks"][0]["stems"]) == {"mixture", "drums", "bass", "other", "vocals"}
    code, out, _ = run(capsys, "data", "index", band)
    assert code == 0
    assert "musdb18hq" in out
    code, out, _ = run(capsys, "data", "check", band / "one-shots", "--json")
    assert code == 0
    assert json.loads(out)["files"]


def test_the_demo_band_is_not_overwritten(band: Path, capsys: pytest.CaptureFixture) -> None:
    code, _, error = run(capsys, "data", "demo", band, "--songs", "2", "--seconds", "3")
    assert code == 1
    assert "--force" in one_line(error)


@pytest.mark.parametrize(
    "folder",
    [
        *("songs", "/a/b-c_d.e", "a b", "née [x] {y}, =$z", "it's", 'so "called"', "back\\slash", "end\\"),
        *('end\\"', "${x}", "$${x}", "1e5", "null", "a:b", "~/x", "日本", "1", ".", "a\nb"),
    ],
)
def test_an_override_that_is_printed_can_be_used(folder: str) -> None:
    from tonewright.cli.show import override_word
    from tonewright.learning.compose import compose_config

    (word,) = shlex.split(override_word("data.root", folder))
    assert compose_config("codec", ["data=folder", word]).data.root == folder
