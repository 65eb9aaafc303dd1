"""Exports as files: names, endings, safety, the impulse response as sound."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tonewright.audio.exporting import class_name, number, numbers, plain_name
from tonewright.errors import NetworkError, OutputError, UsageError
from tonewright.reverb import FDNBuild, export, impulse_response, load_network
from tonewright.reverb.exports import FORMATS, SUFFIXES
from tonewright.reverb.exports.words import Knobs

ROTATION = np.array([[0.6, 0.8], [-0.8, 0.6]])


def network(**changes: Any) -> FDNBuild:
    values: dict = {
        "A": 0.9 * ROTATION,
        "B": [[1.0, 0.5], [0.0, 1.0]],
        "C": [[1.0, 0.0], [0.5, 1.0], [0.2, -0.3]],
        "D": np.arange(6.0).reshape(3, 2) / 10,
        "delays": [3, 5],
        "fs": 8_000.0,
    }
    return FDNBuild(**values | changes)


@pytest.mark.parametrize("to", FORMATS)
def test_a_format_follows_from_the_ending(to: str, tmp_path: Path) -> None:
    path = tmp_path / f"room{SUFFIXES[to][0]}"
    assert export(network(), path) == path
    before = path.read_bytes()
    assert before
    with pytest.raises(OutputError, match="exists already"):
        export(network(), path, to=to)
    assert path.read_bytes() == before
    export(network(), path, to=to, overwrite=True)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("name", "to", "words"),
    [
        ("room.txt", None, "the ending says no format; end it in one of .dsp, .hpp"),
        ("room", None, "the ending says no format"),
        ("room.txt", "faust", "an export to faust ends in .dsp"),
        ("room.dsp", "cpp", "an export to cpp ends in .hpp"),
        ("room.dsp", "fasut", "did you mean faust?"),
        ("2 rooms.m", "matlab", "choose one of letters, digits and underscores"),
        ("zeros.m", None, "is no word of theirs"),
    ],
)
def test_a_wrong_name_is_refused(name: str, to: str | None, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        export(network(), tmp_path / name, to=to)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("to", FORMATS)
def test_what_would_blow_up_is_not_exported(to: str, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="unstable"):
        export(network(A=1.1 * ROTATION), tmp_path / f"room{SUFFIXES[to][0]}")
    assert list(tmp_path.iterdir()) == []


def test_the_response_is_the_response(tmp_path: Path) -> None:
    path = export(network(), tmp_path / "room.wav")
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    expected = impulse_response(network())
    assert rate == 8_000
    assert soundfile.info(path).subtype == "FLOAT"
    assert np.array_equal(samples[:, 1], expected[:, 1, 0].astype(np.float32))
    assert np.array_equal(samples[:, 3], expected[:, 0, 1].astype(np.float32))
    with pytest.raises(NetworkError, match="whole sample rate"):
        export(network(fs=8_000.5), tmp_path / "odd.wav")


def test_json_is_what_is_loaded(tmp_path: Path) -> None:
    found = load_network(export(network(), tmp_path / "room.json"))
    assert np.array_equal(found.A, network().A)


@pytest.mark.parametrize(
    "stem", ['a"; import("x")', "a\nb */ // {", "Halle für 2 + 1", "..", "%s \\ `", "x" * 200]
)
@pytest.mark.parametrize("to", ["faust", "cpp"])
def test_no_name_gets_out_of_its_comment(stem: str, to: str, tmp_path: Path) -> None:
    path = tmp_path / f"{stem[:100]}{SUFFIXES[to][0]}"
    text = export(network(), path).read_text("ascii")
    name = plain_name(path, otherwise="reverb")
    assert re.fullmatch(r"[A-Za-z0-9 ._+-]{1,64}", name)
    assert name in text
    assert re.fullmatch(r"[A-Z][A-Za-z0-9]{0,70}", class_name(path, otherwise="reverb"))
    if to == "faust":
        assert text.splitlines()[0] == f'declare name "{name}";'
    else:
        assert text.splitlines()[0] == f"// {name}"
        assert f"class {class_name(path, otherwise='reverb')} {{" in text


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-300, 1e22, 0.1 + 0.2, 1 / 3, -123456789.125, 5e-324])
def test_numbers_read_back_to_the_bit(value: float) -> None:
    text = number(value)
    assert float(text) == value
    assert re.search(r"[.e]", text)


def test_rows_of_numbers_are_whole() -> None:
    values = np.random.default_rng(0).standard_normal(50)
    rows = numbers(values, width=60, indent="").splitlines()
    assert max(map(len, rows)) < 90
    assert [float(word) for word in " ".join(rows).split(",")] == list(values)


def test_the_decay_is_only_lengthened_where_that_is_known_to_be_stable() -> None:
    knobs = Knobs.of(network())
    assert (knobs.most_decay, knobs.decays) == (2.0, True)
    assert knobs.radius == pytest.approx(0.9 ** (1 / 5))
    skewed = np.diag([1.0, 10.0]) @ (0.9 * ROTATION) @ np.diag([1.0, 0.1])
    assert Knobs.of(network(A=skewed)).most_decay == 1.0
    lossless = Knobs.of(network(A=ROTATION))
    assert not lossless.decays
