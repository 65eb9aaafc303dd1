from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.dsp.hearing import a_weighting_db, hz_from_mel, mel_filterbank, mel_from_hz
from tonewright.errors import UsageError

FREQUENCIES = np.array([0.0, 20.0, 440.0, 999.9, 1000.0, 1000.1, 6400.0, 20_000.0])


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_mel_is_librosas(scale: str) -> None:
    librosa = pytest.importorskip("librosa")
    mel = mel_from_hz(FREQUENCIES, scale=scale)
    np.testing.assert_allclose(mel, librosa.hz_to_mel(FREQUENCIES, htk=scale == "htk"), rtol=1e-9)
    np.testing.assert_allclose(
        hz_from_mel(mel, scale=scale), librosa.mel_to_hz(mel, htk=scale == "htk"), rtol=1e-9
    )


@settings(deadline=None)
@given(st.floats(0, 50_000), st.sampled_from(["slaney", "htk"]))
def test_mel_and_back(frequency_hz: float, scale: str) -> None:
    pitch = mel_from_hz(frequency_hz, scale=scale)
    assert hz_from_mel(pitch, scale=scale) == pytest.approx(frequency_hz, rel=1e-9, abs=1e-9)


def test_anchors_of_the_scales() -> None:
    assert mel_from_hz(1000.0) == pytest.approx(15.0)
    assert mel_from_hz(6400.0) == pytest.approx(42.0)
    assert mel_from_hz(1000.0, scale="htk") == pytest.approx(1000.0, abs=0.02)
    for convert in (mel_from_hz, hz_from_mel):
        with pytest.raises(UsageError, match="bark"):
            convert(1.0, scale="bark")


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize(("low_hz", "high_hz"), [(0.0, None), (50.0, 14_000.0)])
def test_bands_are_librosas(scale: str, normalised: bool, low_hz: float, high_hz: float | None) -> None:
    librosa = pytest.importorskip("librosa")
    expected = librosa.filters.mel(
        sr=44_100,
        n_fft=2048,
        n_mels=64,
        fmin=low_hz,
        fmax=high_hz,
        htk=scale == "htk",
        norm="slaney" if normalised else None,
        dtype=np.float64,
    )
    kind = {"low_hz": low_hz, "high_hz": high_hz, "scale": scale, "normalised": normalised}
    bands = mel_filterbank(sample_rate=44_100, n_fft=2048, n_mels=64, **kind)
    np.testing.assert_allclose(bands, expected, rtol=1e-9, atol=1e-12)


def test_normalised_bands_have_area_one() -> None:
    bands = mel_filterbank(sample_rate=16_000, n_fft=65_536, n_mels=20)
    np.testing.assert_allclose(bands.sum(axis=1) * 16_000 / 65_536, 1.0, rtol=1e-3)
    bands[:] = 0
    assert mel_filterbank(sample_rate=16_000, n_fft=65_536, n_mels=20).any()


def test_bands_need_a_span() -> None:
    with pytest.raises(UsageError, match="mel bands"):
        mel_filterbank(sample_rate=8000, n_fft=64, n_mels=4, low_hz=5000)


def test_a_weighting_is_librosas() -> None:
    librosa = pytest.importorskip("librosa")
    np.testing.assert_allclose(
        a_weighting_db(FREQUENCIES), librosa.A_weighting(np.maximum(FREQUENCIES, 1e-3)), rtol=1e-9, atol=1e-9
    )


def test_a_weighting_of_the_standard() -> None:
    # IEC 61672-1:2013, table 3, rounded there to a tenth of a dB.
    frequencies = np.array([31.5, 63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0])
    # The table's nominal frequencies stand for exact powers of ten.
    exact = 1000 * 10 ** (np.round(10 * np.log10(frequencies / 1000)) / 10)
    expected = [-39.4, -26.2, -16.1, -8.6, -3.2, 0.0, 1.2, 1.0, -1.1, -6.6]
    np.testing.assert_allclose(a_weighting_db(exact), expected, atol=0.051)
    assert a_weighting_db(0.0) == -80.0
    assert a_weighting_db(0.0, floor_db=-100.0) == -100.0
