"""Exported files, read back: each holds the bank."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.errors import OutputError, UsageError
from tonewright.filters.bank import Bank
from tonewright.filters.bank_files import load_bank
from tonewright.filters.exports import FORMATS, SUFFIXES, export

RATE = 44100
FREQUENCIES = np.geomspace(20, 20000, 200)


def parallel(**changes) -> Bank:
    values: dict = {
        "frequency_hz": [60.0, 440.25, 3000.0, 1 / 3 * 1e5],
        "q": [0.7, 2.5, 1 / 3, 1.0],
        "gain": [1.0, -0.5, 0.25, 0.1],
        "level_db": -3.1,
    }
    return Bank(**values | changes)


def series(**changes) -> Bank:
    values: dict = {
        "frequency_hz": [105.0, 1234.567, 123.4567, 8000.125],
        "q": [0.7, 1.41421356, 12.3456, 0.5],
        "gain": [6.4, -12.3456, 3.0, -2.1],
        "kind": "series",
        "shapes": ("low_shelf", "peaking", "peaking", "high_shelf"),
        "level_db": -6.25,
    }
    return Bank(**values | changes)


def suited(name: str) -> Bank:
    return series() if name == "apo" else parallel()


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_follows_from_the_ending(name: str, tmp_path: Path) -> None:
    for ending in SUFFIXES[name]:
        path = tmp_path / f"warm{ending}"
        assert export(suited(name), path) == path
        before = path.read_bytes()
        with pytest.raises(OutputError, match="exists already"):
            export(suited(name), path, format=name)
        export(suited(name), path, format=name, overwrite=True)
        assert path.read_bytes() == before
        path.unlink()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "format", "words"),
    [
        ("warm.wav", None, "the ending says no format; end it in one of .dsp, .json, .csv, .sos, .hpp, .txt"),
        ("warm", None, "the ending says no format"),
        ("warm.dsp", "fuast", "did you mean faust?"),
        ("warm.dsp", "cpp", "an export to cpp ends in .hpp"),
        ("warm.txt", None, "--kind series"),
    ],
)
def test_what_cannot_be_is_refused(name: str, format: str | None, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        export(parallel(), tmp_path / name, format=format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("rate", [0, -1.0, float("nan"), float("inf")])
def test_no_rate_is_refused(name: str, rate: float, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="sample rate"):
        export(suited(name), tmp_path / f"warm{SUFFIXES[name][0]}", sample_rate=rate)


@pytest.mark.parametrize("bank", [parallel(), parallel(order=3), series()])
def test_json_is_the_bank(bank: Bank, tmp_path: Path) -> None:
    found = load_bank(export(bank, tmp_path / "warm.json"))
    for name in ("frequency_hz", "q", "gain"):
        np.testing.assert_array_equal(getattr(found, name), getattr(bank, name))
    assert (found.kind, found.shapes, found.order) == (bank.kind, bank.shapes, bank.order)
    assert found.level_db == bank.level_db


banks = st.builds(
    lambda rows, order, level: Bank(*np.array(rows).T, order=order, level_db=level),
    st.lists(st.tuples(st.floats(25, 18000), st.floats(0.3, 8), st.floats(-2, 2)), min_size=1, max_size=6),
    st.integers(1, 3),
    st.floats(-20, 20),
)
equalisers = st.builds(
    lambda rows, level: Bank(
        *np.array([row[:3] for row in rows]).T,
        kind="series",
        shapes=tuple(row[3] for row in rows),
        level_db=level,
    ),
    st.lists(
        st.tuples(
            st.floats(25, 18000),
            st.floats(0.3, 8),
            st.floats(-24, 24),
            st.sampled_from(["peaking", "low_shelf", "high_shelf"]),
        ),
        min_size=1,
        max_size=6,
    ),
    st.floats(-20, 20),
)


@settings(deadline=None, max_examples=25)
@given(bank=st.one_of(banks, equalisers))
def test_a_table_holds_settings_and_coefficients(bank: Bank, tmp_path_factory) -> None:
    path = export(bank, tmp_path_factory.mktemp("csv") / "bank.csv", sample_rate=48000)
    with path.open(newline="", encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["filter"]) for row in rows] == list(range(1, bank.filters + 1))
    gain = "gain_db" if bank.kind == "series" else "gain_factor"
    for column, values in (("frequency_hz", bank.frequency_hz), ("q", bank.q), (gain, bank.gain)):
        assert [float(row[column]) for row in rows] == list(values)
    responses = []
    for row in rows:
        b, a = ([float(row[f"{side}{power}"]) for power in range(3)] for side in "ba")
        responses.append(scipy.signal.freqz(b, a, worN=FREQUENCIES, fs=float(row["sample_rate_hz"]))[1])
    level = 10 ** (float(rows[0]["level_db"]) / 20)
    if bank.kind == "series":
        found = level * np.prod(responses, axis=0)
    else:
        factors = [float(row["gain_factor"]) for row in rows]
        found = level * sum(g * h ** int(rows[0]["order"]) for g, h in zip(factors, responses, strict=True))
    expected = bank.response(FREQUENCIES, sample_rate=48000)
    assert np.abs(found - expected).max() < 1e-7 * np.abs(expected).max() + 1e-9


@settings(deadline=None, max_examples=15)
@given(bank=st.one_of(banks, equalisers))
def test_the_way_to_use_sections_that_the_file_tells_gives_the_response(bank, tmp_path_factory) -> None:
    path = export(bank, tmp_path_factory.mktemp("sos") / "bank.sos", sample_rate=RATE)
    text = path.read_text("ascii")
    assert f"# combine: {'cascade' if bank.kind == 'series' else 'sum'}\n" in text
    advice = next(line[2:] for line in text.splitlines() if line.startswith("# sections = "))
    impulse = np.eye(1, 1 << 16)[0]
    names = {"numpy": np, "scipy": scipy, "file": path, "x": impulse}
    exec(advice, names)
    frequencies = np.fft.rfftfreq(len(impulse), 1 / RATE)[20:30000:97]
    found = np.fft.rfft(names["y"])[20:30000:97]
    expected = bank.response(frequencies, sample_rate=RATE)
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max() + 1e-9


def test_what_cannot_be_made_at_a_rate_has_no_coefficients(tmp_path: Path) -> None:
    bank = parallel()
    text = export(bank, tmp_path / "bank.sos").read_text("ascii")
    assert "1 filter cannot be made at this rate and is left out" in text
    assert np.loadtxt(tmp_path / "bank.sos", delimiter=",").shape == (3, 6)
    last = export(bank, tmp_path / "bank.csv").read_text("ascii").splitlines()[-1]
    assert last.startswith("4,parallel,band_pass,33333.33")
    assert last.endswith("44100.0,,,,,,")
    # Nothing is left: silence, and what passes everything.
    for given_bank, expected in ((bank, 0.0), (series(), 10 ** (-6.25 / 20))):
        path = export(given_bank, tmp_path / "none.sos", sample_rate=64, overwrite=True)
        sections = np.loadtxt(path, delimiter=",", ndmin=2)
        assert np.allclose(scipy.signal.sosfilt(sections, np.eye(1, 5)[0]), expected * np.eye(1, 5)[0])


def equalizer_apo(text: str) -> tuple[float, list[tuple[str, float, float, float]]]:
    """Preamp and filters as Equalizer APO reads them: with its expressions, and its way with thousands."""
    preamp, filters = 0.0, []
    for line in text.splitlines():
        command, _, rest = line.partition(":")
        if command == "Preamp":
            preamp += float(re.match(r"\s*(\S+) dB", rest)[1])
        elif command.startswith("Filter"):
            kind = re.match(r"\s*ON\s+([A-Za-z]+)", rest)[1]
            words = [
                re.search(rf"\s+{name}\s*([-+0-9.eE]+){unit}", rest)[1]
                for name, unit in (("Fc", r"\s*Hz"), ("Gain", r"\s*dB"), ("Q", ""))
            ]
            thousands = len(words[0]) >= 5 and words[0][-4] == "."
            frequency = float(words[0]) * (1000 if thousands else 1)
            filters.append((kind, frequency, float(words[1]), float(words[2])))
        else:
            assert not line or line.startswith("#")
    return preamp, filters


def cookbook_db(kind: str, frequency: float, gain: float, q: float, rate: float) -> np.ndarray:
    """R. Bristow-Johnson's formulas as they stand in his text."""
    a, w0 = 10 ** (gain / 40), 2 * np.pi * frequency / rate
    cos, alpha = np.cos(w0), np.sin(w0) / (2 * q)
    beta = 2 * np.sqrt(a) * alpha
    if kind == "PK":
        numerator = [1 + alpha * a, -2 * cos, 1 - alpha * a]
        denominator = [1 + alpha / a, -2 * cos, 1 - alpha / a]
    else:
        sign = {"LSC": 1, "HSC": -1}[kind]
        numerator = [
            a * ((a + 1) - sign * (a - 1) * cos + beta),
            sign * 2 * a * ((a - 1) - sign * (a + 1) * cos),
            a * ((a + 1) - sign * (a - 1) * cos - beta),
        ]
        denominator = [
            (a + 1) + sign * (a - 1) * cos + beta,
            -sign * 2 * ((a - 1) + sign * (a + 1) * cos),
            (a + 1) + sign * (a - 1) * cos - beta,
        ]
    h = scipy.signal.freqz(numerator, denominator, worN=FREQUENCIES, fs=rate)[1]
    return 20 * np.log10(np.abs(h))


@settings(deadline=None, max_examples=40)
@given(bank=equalisers)
def test_equalizer_apo_makes_the_same_response(bank: Bank, tmp_path_factory) -> None:
    path = export(bank, tmp_path_factory.mktemp("apo") / "bank.txt")
    preamp, filters = equalizer_apo(path.read_text("ascii"))
    found = preamp + sum(cookbook_db(*one, rate=RATE) for one in filters)
    expected = bank.magnitude_db(FREQUENCIES, sample_rate=RATE)
    assert np.abs(found - expected).max() < 0.02 * bank.filters


def test_the_text_for_equalizer_apo_is_what_people_know(tmp_path: Path) -> None:
    lines = export(series(), tmp_path / "eq.txt").read_text("ascii").splitlines()
    assert lines[:5] == [
        "Preamp: -6.250 dB",
        "Filter 1: ON LSC Fc 105.00 Hz Gain 6.400 dB Q 0.7000",
        "Filter 2: ON PK Fc 1234.57 Hz Gain -12.35 dB Q 1.4142",
        "Filter 3: ON PK Fc 123.46 Hz Gain 3.000 dB Q 12.346",
        "Filter 4: ON HSC Fc 8000.12 Hz Gain -2.100 dB Q 0.5000",
    ]
    assert all(line.startswith("#") for line in lines[5:])
    # The widths that PipeWire reads, and a comment cannot take the preamp's place.
    reads = re.compile(r"\S+ \d+: ON \S{2,3} Fc \S{1,8} Hz Gain \S{1,6} dB Q \S{1,6}")
    assert all(reads.fullmatch(line) for line in lines[1:5])


def test_loud_equalisers_and_lost_filters_are_told(tmp_path: Path) -> None:
    text = export(series(level_db=0.0), tmp_path / "eq.txt", sample_rate=16000).read_text("ascii")
    assert "# They raise some frequencies by up to 6." in text
    assert "# Left out: 1 filter that cannot be made at 16000 Hz." in text
    assert "HSC" not in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"q": [0.001, 1.0, 1.0, 1.0]}, None),
        ({"q": [0.00134, 1.0, 1.0, 1.0]}, "a Q of 0.00134"),
        ({"frequency_hz": [0.115, 1.0, 1.0, 1.0]}, "a frequency of 0.115"),
        ({"gain": [-119.99, 1.0, 1.0, 1.0]}, None),
    ],
)
def test_a_number_without_room_is_refused(changes: dict, words: str | None, tmp_path: Path) -> None:
    if words is None:
        export(series(**changes), tmp_path / "eq.txt")
        return
    with pytest.raises(UsageError, match=f"{words} cannot be written"):
        export(series(**changes), tmp_path / "eq.txt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stem", ['a"; import("x")', "a\nb */ // {", "Bässe für 2", "..", "x" * 150])
@pytest.mark.parametrize("name", ["faust", "cpp"])
def test_no_name_gets_out_of_its_comment(stem: str, name: str, tmp_path: Path) -> None:
    first = export(parallel(), tmp_path / f"{stem}{SUFFIXES[name][0]}").read_text("ascii").splitlines()[0]
    assert re.fullmatch(r'declare name "[A-Za-z0-9 ._+-]{1,64}";|// [A-Za-z0-9 ._+-]{1,64}', first)
