"""Direct fits: known banks found again, invariance, sounds matched to sounds, and what cannot be fitted."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from tonewright.audio.files import Clip, write
from tonewright.dsp.biquads import is_stable
from tonewright.errors import AudioError, TonewrightError, UsageError
from tonewright.filters.bank import Bank
from tonewright.filters.config import Config
from tonewright.filters.fitting import Fit, fit
from tonewright.filters.spectra import log_spectral_distance, sound_spectrum

RATE = 44100
DENSE_HZ = np.geomspace(21.0, 19_500.0, 700)


def bank_of(frequencies: list[float], q: list[float], gain: list[float], **given: Any) -> Bank:
    """A bank of plain lists."""
    return Bank(np.array(frequencies), np.array(q), np.array(gain), **given)


PARALLEL = bank_of([70.0, 420.0, 1800.0, 7000.0], [1.1, 3.0, 5.0, 1.4], [0.8, -0.3, 1.0, 0.25])
ROWS = bank_of([90.0, 900.0, 6000.0], [0.9, 2.0, 1.2], [1.0, -0.5, 0.7], order=2, level_db=-7.0)
SERIES = bank_of(
    [120.0, 500.0, 1500.0, 4000.0, 9000.0],
    [0.7, 1.5, 4.0, 2.0, 0.7],
    [6.0, -5.0, 9.0, -3.0, -8.0],
    kind="series",
    shapes=("low_shelf", "peaking", "peaking", "peaking", "high_shelf"),
    level_db=3.0,
)


def noise(seconds: float = 1.0, *, seed: int = 0, rate: int = RATE, channels: int = 1) -> Clip:
    """White noise."""
    samples = 0.1 * np.random.default_rng(seed).standard_normal((channels, round(seconds * rate)))
    return Clip(samples, rate)


def coloured(*, seed: int = 0) -> Clip:
    """Noise in a few bands of different width and level, over a quiet floor."""
    white = noise(seed=seed).samples.astype(np.float64)
    made = 0.02 * white
    for low, high, level in ((60, 90, 3.0), (300, 900, 1.0), (1500, 1700, 2.0), (5000, 9000, 0.3)):
        made = made + level * np.asarray(
            sosfilt(butter(2, (low, high), "bandpass", fs=RATE, output="sos"), white)
        )
    return Clip(made, RATE)


@pytest.mark.parametrize("bank", [PARALLEL, ROWS, SERIES], ids=["parallel", "in rows", "series"])
def test_a_known_bank_is_found_again(bank: Bank) -> None:
    curve = DENSE_HZ, bank.magnitude_db(DENSE_HZ)
    found = fit(curve, filters=bank.filters, kind=bank.kind, order=bank.order)
    apart = found.bank.magnitude_db(DENSE_HZ) - bank.magnitude_db(DENSE_HZ)
    assert np.abs(apart).max() < 0.1
    assert found.bank.shapes == bank.shapes
    assert found.error_db < 0.02


def test_a_known_impulse_response_is_found_again_with_its_phase() -> None:
    bank = bank_of([200.0, 900.0, 2500.0, 9000.0], [0.8, 1.0, 1.5, 1.0], [1.0, -0.7, 0.5, 0.9])
    impulse = np.zeros((1, 8192))
    impulse[0, 300] = 1.0
    found = fit(bank.apply(Clip(impulse, RATE)), filters=4, phase=True)
    wanted = bank.response(DENSE_HZ)
    # The target is averaged over bands of the ear, which these filters are wider than.
    assert np.abs(found.bank.response(DENSE_HZ) - wanted).max() < 0.06 * np.abs(wanted).max()
    assert found.phase_error_degrees is not None
    assert found.phase_error_degrees < 2
    assert "sample 300" in " ".join(found.assumptions)
    assert found.target_response is not None
    np.testing.assert_allclose(20 * np.log10(np.abs(found.target_response)), found.target_db, atol=1e-3)


def test_phase_says_when_a_sound_is_no_impulse_response() -> None:
    decay = np.exp(-np.arange(RATE) / 2000)
    room = Clip(noise(seed=3).samples * decay, RATE)
    assert "does not look like" not in " ".join(fit(room, filters=4, phase=True).assumptions)
    assert "does not look like" in " ".join(fit(noise(), filters=4, phase=True).assumptions)


@pytest.mark.parametrize("kind", ["parallel", "series"])
def test_more_filters_come_nearer(kind: str) -> None:
    errors = [fit(coloured(), filters=count, kind=kind).error_db for count in (1, 2, 4, 8, 16)]
    assert all(more < 0.9 * fewer for fewer, more in pairwise(errors))
    assert errors[-1] < 0.6


@pytest.mark.parametrize("kind", ["parallel", "series"])
def test_gain_of_the_sound_changes_the_level_alone(kind: str) -> None:
    sound = coloured()
    plain = fit(sound, filters=6, kind=kind)
    louder = fit(Clip(sound.samples * 4.0, RATE), filters=6, kind=kind)
    np.testing.assert_array_equal(plain.bank.frequency_hz, louder.bank.frequency_hz)
    np.testing.assert_array_equal(plain.bank.q, louder.bank.q)
    np.testing.assert_array_equal(plain.bank.gain, louder.bank.gain)
    assert louder.bank.level_db - plain.bank.level_db == pytest.approx(20 * np.log10(4), abs=1e-4)


def test_level_and_error_are_what_they_say() -> None:
    found = fit(coloured(), filters=8)
    spectrum = sound_spectrum(coloured(), config=Config(points=found.frequencies_hz.size))
    np.testing.assert_allclose(found.frequencies_hz, spectrum.frequencies_hz)
    np.testing.assert_allclose(found.target_db, spectrum.magnitude_db + spectrum.level_db, atol=1e-3)
    np.testing.assert_allclose(
        found.achieved_db,
        np.maximum(found.bank.magnitude_db(found.frequencies_hz), found.target_db.max() - 60),
        atol=1e-3,
    )
    distance = log_spectral_distance(found.achieved_db, found.target_db, weights=found.weights)
    assert found.error_db == pytest.approx(float(distance))
    assert found.weights.sum() == pytest.approx(1.0)


def test_the_same_arguments_give_the_same_bank() -> None:
    first, second = (fit(coloured(), filters=6, seed=5).bank for _ in range(2))
    for name in ("frequency_hz", "q", "gain"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.level_db == second.level_db


@pytest.mark.parametrize("kind", ["parallel", "series"])
def test_fitted_banks_are_stable_at_every_rate(kind: str) -> None:
    bank = fit(coloured(), filters=8, kind=kind).bank
    for rate in (8000, 22050, 44100, 96000, 192000):
        assert is_stable(bank.to_sos(sample_rate=rate)[:, 3:]).all()


def test_a_file_gives_what_its_clip_gives(tmp_path: Path) -> None:
    sound = coloured()
    write(tmp_path / "sound.wav", sound, encoding="float")
    from_file, from_clip = fit(tmp_path / "sound.wav", filters=4), fit(sound, filters=4)
    np.testing.assert_array_equal(from_file.bank.frequency_hz, from_clip.bank.frequency_hz)
    assert from_file.error_db == pytest.approx(from_clip.error_db, abs=1e-6)


def test_tables_progress_and_plain_numbers() -> None:
    told: list[tuple[int, int]] = []
    found = fit(coloured(), filters=5, kind="series", progress=lambda done, total: told.append((done, total)))
    rows = found.table()
    assert [row["filter"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["shape"] for row in rows] == ["low_shelf", *["peaking"] * 3, "high_shelf"]
    np.testing.assert_array_equal([row["gain_db"] for row in rows], found.bank.gain)
    assert set(fit(coloured(), filters=2).table()[0]) == {"filter", "shape", "frequency_hz", "q", "gain"}
    assert told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_reference_gives_its_tone_to_a_sound() -> None:
    sound = noise(2.0)
    reference = SERIES.apply(noise(2.0, seed=9))
    found = fit(sound, reference=reference, filters=8)
    assert found.bank.kind == "series"
    inner = DENSE_HZ[(DENSE_HZ > 40) & (DENSE_HZ < 15_000)]
    apart = found.bank.magnitude_db(inner) - SERIES.magnitude_db(inner)
    assert np.abs(apart - apart.mean()).max() < 2.5
    config = Config()
    before = sound_spectrum(sound, config=config).magnitude_db
    after = sound_spectrum(found.bank.apply(sound), config=config).magnitude_db
    wanted = sound_spectrum(reference, config=config).magnitude_db
    assert log_spectral_distance(after, wanted) < 0.25 * log_spectral_distance(before, wanted)


def test_nothing_is_boosted_where_the_sound_has_nothing() -> None:
    sections = butter(8, 2000, fs=RATE, output="sos")
    dull = Clip(np.asarray(sosfilt(sections, noise().samples.astype(np.float64))), RATE)
    found = fit(dull, reference=noise(seed=1))
    silent = np.array([9000.0, 12_000.0, 16_000.0])
    assert (found.bank.magnitude_db(silent) < 6).all()
    assert found.bank.magnitude_db(np.array([3000.0]))[0] > 12


def test_differences_beyond_24_db_are_not_followed() -> None:
    quiet = butter(4, (300, 3000), "bandpass", fs=RATE, output="sos")
    band = np.asarray(sosfilt(quiet, noise().samples.astype(np.float64)))
    found = fit(noise(), reference=Clip(band, RATE))
    assert np.ptp(found.target_db) <= 48
    assert np.abs(found.bank.gain).max() <= 24


def test_a_sound_at_8_khz_is_fitted_below_4_khz() -> None:
    found = fit(noise(rate=8000), filters=6)
    assert found.sample_rate == 8000
    assert found.frequencies_hz[-1] <= 4000
    assert found.bank.usable(8000).all()
    assert fit(noise(rate=8000), filters=6, sample_rate=RATE).frequencies_hz[-1] <= 4000
    assert fit(noise(), filters=6, sample_rate=8000).bank.usable(8000).all()


def test_curves_in_any_order_at_the_rate_that_holds_them() -> None:
    frequencies, levels = np.array([5000.0, 100.0, 0.0, 20_000.0]), np.array([3.0, -3.0, 50.0, -9.0])
    found = fit((frequencies, levels), filters=6)
    assert (found.frequencies_hz[0], found.sample_rate) == (100.0, 44100)
    np.testing.assert_allclose(found.achieved_db[[0, -1]], [-3.0, -9.0], atol=0.6)
    assert fit((frequencies * 2, levels), filters=2).sample_rate == 88200


@pytest.mark.parametrize("kind", ["parallel", "series"])
@pytest.mark.parametrize("filters", [1, 2, 64])
def test_few_and_many_filters(kind: str, filters: int) -> None:
    found = fit(coloured(), filters=filters, kind=kind)
    assert isinstance(found, Fit)
    assert found.bank.filters == filters
    assert np.isfinite(found.error_db)


def test_a_single_sample_has_a_flat_spectrum() -> None:
    click = Clip(np.ones((1, 1)), RATE)
    choices: tuple[dict[str, Any], ...] = ({}, {"phase": True}, {"kind": "series"})
    for given in choices:
        found = fit(click, **given)
        assert found.error_db < 0.1
        assert np.ptp(found.target_db) < 0.1


@pytest.mark.parametrize("samples", [np.zeros((1, 500)), np.zeros((1, 0)), np.full((2, 5000), 0.5)])
@pytest.mark.parametrize("given", [{}, {"phase": True}, {"reference": noise()}])
def test_silence_and_constants_are_refused(samples: np.ndarray, given: dict[str, Any]) -> None:
    with pytest.raises(AudioError):
        fit(Clip(samples, RATE), **given)


def test_what_is_not_a_number_is_refused() -> None:
    broken = noise().samples.copy()
    broken[0, 7] = np.nan
    with pytest.raises(AudioError, match="NaN"):
        fit(Clip(broken, RATE))
    with pytest.raises(AudioError, match=r"the reference: .*NaN"):
        fit(noise(), reference=Clip(broken, RATE))
    with pytest.raises(AudioError, match=r"the reference: .*silent"):
        fit(noise(), reference=Clip(np.zeros((1, 500)), RATE))


CURVE = np.array([100.0, 1000.0]), np.array([0.0, 6.0])


@pytest.mark.parametrize(
    ("sound", "given", "said"),
    [
        (CURVE, {"filters": 0}, "filters is 0"),
        (CURVE, {"filters": 1000}, "filters is 1000"),
        (CURVE, {"filters": 2.5}, "filters is 2.5"),
        (CURVE, {"kind": "both"}, "kind is 'both'"),
        (CURVE, {"order": 0}, "order is 0"),
        (CURVE, {"order": 2, "kind": "series"}, "order 1"),
        (CURVE, {"phase": True}, "impulse response"),
        (CURVE, {"reference": noise()}, "a curve needs none"),
        (CURVE, {"sample_rate": 12.5}, "sample_rate is 12.5"),
        (CURVE, {"sample_rate": 200}, "raise sample_rate"),
        (noise(), {"phase": True, "kind": "series"}, "kind='parallel'"),
        (noise(), {"reference": CURVE}, "a reference is"),
        (noise(rate=100), {}, "sample_rate is 100"),
        (None, {}, "NoneType"),
        ((CURVE[0], CURVE[1][:1]), {}, "as many frequencies"),
        ((CURVE[0], np.array([0.0, np.nan])), {}, "finite"),
        ((CURVE[0], np.array([0.0, 900.0])), {}, "200 dB"),
        ((np.array([50.0, 50.0]), CURVE[1]), {}, "differ"),
        (("a", "b"), {}, "pair of arrays"),
    ],
)
def test_wrong_use_is_told_in_one_line(sound: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        fit(sound, **given)
    assert "\n" not in str(caught.value)


def test_missing_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(TonewrightError, match="no such file"):
        fit(tmp_path / "nothing.wav")
    with pytest.raises(TonewrightError, match="no such file"):
        fit(noise(), reference=tmp_path / "nothing.wav")


def test_importing_fits_compiles_nothing() -> None:
    script = (
        "import sys, tonewright.filters.fitting as f; "
        "print([m for m in ('numba', 'jax', 'torch', 'scipy.signal', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
