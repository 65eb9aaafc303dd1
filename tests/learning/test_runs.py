from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch

from tonewright.errors import OutputError, RunError
from tonewright.learning import runs
from tonewright.learning.compose import compose_config
from tonewright.learning.runs import create_run, flat, latest_run, open_run


def settings(output: Path, *more: str):
    return compose_config("codec", [f"output={output}", "run_name=a", "data.root=x", *more])


def test_weights_come_back_to_the_bit(tmp_path: Path) -> None:
    run = create_run(settings(tmp_path))
    state = {"a": torch.randn(3, 4), "b": torch.arange(5), "c": torch.tensor(1.5)}
    run.save_weights(state, steps=7)
    loaded = open_run(run.folder).load_weights()
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[key], state[key]) for key in state)


def test_a_run_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    run = create_run(settings(tmp_path))
    (run.folder / "audio" / "mine.wav").write_bytes(b"x")
    with pytest.raises(OutputError, match="--force"):
        create_run(settings(tmp_path))
    assert (run.folder / "audio" / "mine.wav").exists()
    create_run(settings(tmp_path, "force=true"))
    assert not (run.folder / "audio" / "mine.wav").exists()


def test_force_never_removes_what_is_no_run(tmp_path: Path) -> None:
    folder = tmp_path / "codec" / "a"
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("years")
    with pytest.raises(OutputError, match="not a run"):
        create_run(settings(tmp_path, "force=true"))
    assert (folder / "thesis.txt").read_text() == "years"


@pytest.mark.parametrize("content", [b"", b"\x08\x00\x00\x00\x00\x00\x00\x00garbage!", b"x" * 200])
def test_damaged_weights_are_refused_by_name(content: bytes, tmp_path: Path) -> None:
    run = create_run(settings(tmp_path))
    (run.folder / "model.safetensors").write_bytes(content)
    with pytest.raises(RunError, match=r"model\.safetensors"):
        run.load_weights()


def test_unfinished_and_foreign_folders(tmp_path: Path) -> None:
    run = create_run(settings(tmp_path))
    with pytest.raises(RunError, match="did not finish"):
        run.load_weights()
    with pytest.raises(RunError, match="no such run folder"):
        open_run(tmp_path / "nowhere")
    with pytest.raises(RunError, match="not a run folder"):
        open_run(tmp_path)
    with pytest.raises(RunError, match="there is none"):
        run.checkpoint("last")


def test_latest_run_is_the_one_written_last(tmp_path: Path) -> None:
    import os

    for number, name in enumerate(("b", "a", "c")):
        run = create_run(settings(tmp_path, f"run_name={name}"))
        for path in [run.folder, *run.folder.rglob("*")]:
            os.utime(path, (1000 * number, 1000 * number))
    assert latest_run(tmp_path, "codec").name == "c"
    os.utime(tmp_path / "codec/a/config.yaml")
    assert latest_run(tmp_path, "codec").name == "a"


def test_a_full_disk_leaves_no_half_written_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = create_run(settings(tmp_path))
    run.save_weights({"a": torch.ones(3)})

    def full(self: Path, content: bytes) -> None:
        with self.open("wb") as file:
            file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="disk is full"):
        run.save_weights({"a": torch.zeros(3)})
    assert torch.equal(run.load_weights()["a"], torch.ones(3))
    assert [path.name for path in run.folder.glob("*model*")] == ["model.safetensors"]


def test_environment_names_versions() -> None:
    text = runs.environment()
    assert "python 3" in text
    assert f"torch=={torch.__version__}" in text or "torch==" in text


def test_flat_settings_have_dotted_keys(tmp_path: Path) -> None:
    found = flat(settings(tmp_path))
    assert found["data.batch_size"] == 8
    assert found["system.weights.mel"] > 0
    assert not any(isinstance(value, dict) for value in found.values())
