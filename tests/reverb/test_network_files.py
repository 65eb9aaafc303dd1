"""Networks as JSON: every number comes back, and what is no network is refused in one line."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tonewright.errors import NetworkError, OutputError
from tonewright.reverb import FDNBuild, Taps, load_network, save_network
from tonewright.reverb.file_checks import MOST_BYTES, NetworkFileError
from tonewright.reverb.files import network_data, network_path, network_text

ARRAYS = ("A", "B", "C", "D", "delays", "filters", "post_eq")


def small_network(**changes: Any) -> FDNBuild:
    values: dict[str, Any] = {
        "A": 0.5 * np.array([[0.6, 0.8], [-0.8, 0.6]]),
        "B": [[1.0], [0.1]],
        "C": [[1 / 3, -1e-17], [2.0, 5.0]],
        "D": [[0.25], [0.0]],
        "delays": [5, 7],
        "fs": 44_100.0,
    }
    return FDNBuild(**values | changes)


def same(first: FDNBuild, second: FDNBuild) -> None:
    for name in ARRAYS:
        one, other = getattr(first, name), getattr(second, name)
        assert (one is None) == (other is None), name
        if one is not None:
            assert one.shape == other.shape
            assert one.dtype == other.dtype
            assert one.tobytes() == other.tobytes(), name
    assert (first.fs, first.pre_delay) == (second.fs, second.pre_delay)
    assert (first.early is None) == (second.early is None)
    if first.early is not None and second.early is not None:
        assert np.array_equal(first.early.positions, second.early.positions)
        assert first.early.gains.tobytes() == second.early.gains.tobytes()


finite = st.floats(allow_nan=False, allow_infinity=False, width=64)


@st.composite
def networks(draw: st.DrawFn) -> FDNBuild:
    """Any network whose loop cannot grow."""
    lines, inputs, outputs = (draw(st.integers(1, 4)) for _ in range(3))

    def numbers(*shape: int) -> np.ndarray:
        count = int(np.prod(shape))
        return np.array(draw(st.lists(finite, min_size=count, max_size=count))).reshape(shape)

    def sections(count: int) -> np.ndarray | None:
        if draw(st.booleans()):
            return None
        found = numbers(draw(st.integers(0, 2)), 6, count)
        found[:, 3:] = np.array([1.0, -0.4, 0.1])[None, :, None]
        return found

    filters = sections(lines)
    if filters is not None:
        filters[:, :3] = np.clip(filters[:, :3], -0.1, 0.1)
    loop = numbers(lines, lines)
    early = None
    if draw(st.booleans()):
        positions = np.array(sorted(draw(st.sets(st.integers(0, 10_000), max_size=5))), np.int64)
        early = Taps(positions, numbers(outputs, inputs, positions.size))
    return FDNBuild(
        A=np.clip(np.where(np.abs(loop) < 1e-100, 0.0, loop), -0.2, 0.2),
        B=numbers(lines, inputs),
        C=numbers(outputs, lines),
        D=numbers(outputs, inputs),
        delays=np.array(draw(st.lists(st.integers(1, 50), min_size=lines, max_size=lines))),
        fs=draw(st.sampled_from([8_000.0, 44_100.0, 48_000.0, 22_050.5])),
        filters=filters,
        post_eq=sections(outputs),
        early=early,
        pre_delay=draw(st.integers(0, 1_000)),
    )


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(network=networks())
def test_every_number_comes_back(network: FDNBuild, tmp_path: Path) -> None:
    path = save_network(tmp_path / "network.json", network, overwrite=True)
    found = load_network(path)
    expected = network.changed(
        **{
            name: None
            for name in ("filters", "post_eq")
            if (value := getattr(network, name)) is not None and not value.size
        }
    )
    same(found, expected)
    assert network_text(found) == path.read_text()


def test_the_file_is_for_people(tmp_path: Path) -> None:
    sections = np.zeros((1, 6, 2))
    sections[0, 0], sections[0, 3] = 0.5, 1.0
    network = small_network(
        A=np.array([[0.6, 0.8], [-0.8, 0.6]]),
        filters=sections,
        early=Taps(np.array([3]), np.ones((2, 1, 1))),
        pre_delay=9,
    )
    notes = {
        "room": "Säule\udce9",
        "figures": {"t30": np.float64("nan"), "n": np.int64(3)},
        "of": Path("a.wav"),
    }
    path = save_network(tmp_path / "hall.json", network, notes=notes)
    data = json.loads(path.read_text(encoding="utf-8"))
    assert (data["format"], data["kind"]) == (1, "tonewright reverb network")
    assert data["notes"] == {"room": "Säule\udce9", "figures": {"t30": None, "n": 3}, "of": "a.wav"}
    assert data["delays_samples"] == [5, 7]
    assert (data["sample_rate"], data["pre_delay_samples"]) == (44_100, 9)
    assert data["absorption_sections"][1] == [[0.5, 0, 0, 1, 0, 0]]
    assert data["early"] == {"positions_samples": [3], "gains": [[[1.0]], [[1.0]]]}
    assert '"feedback": [\n    [0.6, 0.8],\n    [-0.8, 0.6]\n  ]' in path.read_text(encoding="utf-8")


def test_nothing_is_overwritten_unless_told(tmp_path: Path) -> None:
    path = save_network(tmp_path / "new" / "network.json", small_network())
    before = path.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        save_network(path, small_network(fs=8_000.0))
    assert path.read_bytes() == before
    save_network(path, small_network(fs=8_000.0), overwrite=True)
    assert load_network(path).fs == 8_000
    assert [file.name for file in path.parent.iterdir()] == ["network.json"]


def test_what_a_path_means(tmp_path: Path) -> None:
    fit, run = tmp_path / "hall-reverb", tmp_path / "run"
    file = save_network(fit / "network.json", small_network())
    assert network_path(fit) == network_path(file) == file
    same(load_network(fit), load_network(file))
    first = save_network(run / "networks" / "a.json", small_network())
    assert network_path(run) == first
    save_network(run / "networks" / "b.json", small_network())
    with pytest.raises(NetworkFileError, match=r"holds 2 networks; name one, such as .*a\.json"):
        load_network(run)
    with pytest.raises(NetworkFileError, match=r"folder without a network\.json"):
        load_network(tmp_path)
    with pytest.raises(NetworkFileError, match=r"none\.json: there is no such file"):
        load_network(tmp_path / "none.json")


def changed(path: tuple[str | int, ...], value: Any) -> Callable[[dict], None]:
    def change(data: dict) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return change


def without(key: str) -> Callable[[dict], None]:
    return lambda data: data.pop(key)


SECTION = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed(("format",), 2), "is of format 2; this version reads format 1"),
        (changed(("format",), True), "is of format true"),
        (without("format"), "is of format null"),
        (changed(("kind",), "preset"), "no network"),
        (without("feedback"), "'feedback' is missing"),
        (changed(("feedbak",), 1), "'feedbak' is no key of a network; did you mean feedback?"),
        (changed(("feedback",), [[1.0, 0.0]]), r"feedback has the shape \(1, 2\); it must be \(2, 2\)"),
        (changed(("feedback", 0), [1.0]), "feedback has rows of different lengths"),
        (changed(("feedback", 0, 0), "0.5"), "feedback holds something that is not a number"),
        (changed(("feedback", 0, 0), None), "feedback holds something that is not a number"),
        (changed(("feedback", 0, 0), 10**400), "feedback holds something that is not a number"),
        (changed(("feedback",), [[0.6, 0.9], [-0.9, 0.6]]), "unstable"),
        (changed(("delays_samples", 0), 1.5), "delays_samples must be whole samples from 1"),
        (changed(("delays_samples", 0), 0), "delays_samples must be whole samples from 1"),
        (changed(("delays_samples", 0), 10**12), "delays_samples must be whole samples"),
        (changed(("delays_samples",), [1 << 24, 1]), "delays_samples come to more than"),
        (changed(("delays_samples",), []), "delays_samples has 0 delays"),
        (changed(("delays_samples",), {}), "delays_samples"),
        (changed(("pre_delay_samples",), -1), "pre_delay_samples"),
        (changed(("sample_rate",), 0), "sample_rate is 0"),
        (changed(("sample_rate",), "48k"), "sample_rate holds something that is not a number"),
        (changed(("input_gains",), []), "input_gains must be a list of rows"),
        (changed(("input_gains",), [[], []]), "input_gains must be a list of rows"),
        (changed(("output_gains",), 3), "output_gains must be a list of rows"),
        (changed(("output_gains",), [[1.0]]), r"output_gains has the shape \(1, 1\)"),
        (changed(("direct",), [[1.0]]), r"direct has the shape \(1, 1\); it must be \(2, 1\)"),
        (changed(("absorption_sections",), [[SECTION]]), "absorption_sections has the shape"),
        (
            changed(("absorption_sections",), [[[1, 0, 0, 1, -2.1, 1.1]]] * 2),
            "absorption_sections has an unstable",
        ),
        (
            changed(("absorption_sections",), [[[1, 0, 0, 0, 0, 0]]] * 2),
            "absorption_sections has a section whose a0",
        ),
        (changed(("tone_sections",), [[[1, 0, 0, 1, 0, 1.0]]] * 2), "tone_sections has an unstable section"),
        (changed(("early",), []), "early must hold positions_samples and gains"),
        (changed(("early",), {"positions_samples": [1]}), "'gains' is missing"),
        (changed(("early",), {"positions_samples": [2, 1], "gains": [[[1, 1]], [[1, 1]]]}), "ascend"),
        (
            changed(("early",), {"positions_samples": [2, 3], "gains": [[[1, 1]]]}),
            "early gains has the shape",
        ),
    ],
)
def test_a_wrong_network_is_refused_in_one_line(
    change: Callable[[dict], None], words: str, tmp_path: Path
) -> None:
    data = network_data(small_network())
    change(data)
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(data))
    with pytest.raises(NetworkFileError, match=words) as caught:
        load_network(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert "filters" not in message


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is not JSON"),
        (b"RIFF\x00\x00\x00\x00WAVE\xff\xfe", "is not JSON"),
        (b'{"format": 1,', r"is not JSON \(line 1\)"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1, 2]", "no network"),
        (b"3", "no network"),
        (b'{"format": 1, "format": 1}', "'format' stands there twice"),
        (b'{"sample_rate": NaN}', "holds NaN; every number must be finite"),
        (b'{"x": [1e999]}', "no network"),
        (b" " * (MOST_BYTES + 1), "is larger than 16 MB"),
    ],
)
def test_a_file_that_is_something_else_is_refused(raw: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "else.json"
    path.write_bytes(raw)
    with pytest.raises(NetworkFileError, match=words):
        load_network(path)


def test_an_overflow_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    path.write_text(network_text(small_network()).replace("0.25", "1e999"))
    with pytest.raises(NetworkFileError, match="direct holds a number that is not finite"):
        load_network(path)


def test_the_error_is_a_network_error_that_crosses_processes() -> None:
    error = pickle.loads(pickle.dumps(NetworkFileError("a.json", "is empty")))
    assert isinstance(error, NetworkError)
    assert isinstance(error, NetworkFileError)
    assert (str(error), error.exit_code, error.path) == ("a.json: is empty", 1, Path("a.json"))


def test_a_network_without_loss_is_loaded_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    network = small_network(A=np.array([[0.6, 0.8], [-0.8, 0.6]]))
    path = save_network(tmp_path / "lossless.json", network)
    same(load_network(path), network)
    assert "lossless.json: the network never decays" in caplog.text


def test_a_byte_order_mark_is_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "windows.json"
    path.write_text(network_text(small_network()).replace("\n", "\r\n"), encoding="utf-8-sig")
    same(load_network(path), small_network())
