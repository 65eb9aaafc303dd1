"""What is said where every file meets the same fault, and where a module is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tonewright.audio.files import Clip, write
from tonewright.cli import main
from tonewright.timbre import description


@pytest.fixture(autouse=True)
def sounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        write(f"{number}.wav", Clip(np.full((1, 100), 0.1 * (number + 1)), 8000))


def raising(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def describe_file(path: str, **options: Any) -> None:
        raise error

    monkeypatch.setattr(description, "describe_file", describe_file)


def errors(capsys: pytest.CaptureFixture, *arguments: str) -> tuple[object, list[str]]:
    with pytest.raises(SystemExit) as exit_:
        main([*arguments])
    captured = capsys.readouterr()
    assert captured.out == ""
    return exit_.value.code, captured.err.splitlines()


@pytest.mark.parametrize("output", [(), ("-o", "out.csv", "--json")])
def test_a_fault_that_every_file_meets_is_told_once(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, output: tuple[str, ...]
) -> None:
    raising(monkeypatch, RuntimeError("the compiler is broken"))
    with pytest.raises(SystemExit) as exit_:
        main(["timbre", ".", "--jobs", "1", *output])
    assert exit_.value.code == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: none of 3 files could be described, all for the same reason: RuntimeError: the compiler is"
        " broken (a fault of Tonewright's)"
    ]


def test_reasons_that_name_their_file_are_the_same(capsys: pytest.CaptureFixture) -> None:
    names = ["x.wav", "y.wav"]
    code, lines = errors(capsys, "timbre", *names, "--jobs", "1")
    assert code == 1
    assert lines[0].startswith("error: none of 2 files could be described, all for the same reason: there is")


def test_a_full_memory_is_no_fault(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, MemoryError("3 GiB"))
    assert errors(capsys, "timbre", "0.wav", "--jobs", "1") == (1, ["error: 0.wav: MemoryError: 3 GiB"])


def test_a_missing_compiler_comes_with_the_extra_of_timbre(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(monkeypatch, ModuleNotFoundError("No module named 'numba'", name="numba"))
    code, lines = errors(capsys, "timbre", ".", "--jobs", "1")
    assert code == 1
    assert lines == ["error: numba is not installed; it comes with: pip install 'tonewright[timbre]'"]


def test_an_empty_name_is_not_this_folder(capsys: pytest.CaptureFixture) -> None:
    code, lines = errors(capsys, "timbre", "", "--jobs", "1")
    assert code == 2
    assert lines == ["error: an empty name is no file and no folder; is a variable not set?"]
