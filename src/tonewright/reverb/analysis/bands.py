"""Octave and third-octave bands without delay, by multiplication with real spectra."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.fft

from tonewright.errors import UsageError

FRACTIONS = {"octave": 1, "third": 3}
LOWEST_HZ = {"octave": 63.0, "third": 50.0}
HIGHEST_HZ = {"octave": 16000.0, "third": 20000.0}
# At f₀ (1 + 5/b) a band's response has fallen below −110 dB.
_REACH = 5.0
_ORDER = 3
# A band that Nyquist cuts by less than this keeps its name.
_CUT = 1.05


def band_centers_hz(sample_rate: float, *, bands: str = "octave") -> np.ndarray:
    """Exact centres 1000 · 2^(k/b) of the bands that fit below half the sample rate (IEC 61260, base 2).

    Parameters
    ----------
    sample_rate : in Hz
    bands : "octave" (63 Hz to 16 kHz) or "third" (50 Hz to 20 kHz)

    Returns
    -------
    (bands,)
    """
    if bands not in FRACTIONS:
        raise UsageError(f"bands {bands!r}: not known; choose octave or third")
    fraction = FRACTIONS[bands]
    low, high = (round(fraction * np.log2(table[bands] / 1000)) for table in (LOWEST_HZ, HIGHEST_HZ))
    centers = 1000.0 * 2.0 ** (np.arange(low, high + 1) / fraction)
    return centers[centers * 2 ** (0.5 / fraction) <= _CUT * sample_rate / 2]


def band_weights(frequencies_hz: np.ndarray, center_hz: float, *, fraction: int = 1) -> np.ndarray:
    """Real response of a band, that of a sixth-order Butterworth band-pass run forwards and backwards.

    W(f) = 1 / (1 + x⁶) with x = (f/f₀ − f₀/f) / (2^(1/2b) − 2^(−1/2b)): −6 dB at the edges, −39 dB at the
    centres of the neighbouring octaves, no delay, and a ringing that is the same before as after.

    Parameters
    ----------
    frequencies_hz : (bins,)
    center_hz : centre f₀
    fraction : bands an octave, b

    Returns
    -------
    (bins,)
    """
    half = 0.5 / fraction
    with np.errstate(divide="ignore"):
        x = (frequencies_hz / center_hz - center_hz / frequencies_hz) / (2**half - 2**-half)
    return 1.0 / (1.0 + x ** (2 * _ORDER))


def bandwidth_hz(center_hz: float, *, fraction: int = 1) -> float:
    """Nominal width of a band."""
    return center_hz * (2 ** (0.5 / fraction) - 2 ** (-0.5 / fraction))


def fast_length(length: int) -> int:
    """The next length that transforms quickly."""
    return int(scipy.fft.next_fast_len(length, real=True) or length)


def octave_bands(samples: np.ndarray, sample_rate: float, *, bands: str = "octave") -> np.ndarray:
    """Split a sound into bands, without delay and without changing its length.

    Parameters
    ----------
    samples : (…, time)
    sample_rate : in Hz
    bands : "octave" or "third"

    Returns
    -------
    (bands, …, time), in the order of `band_centers_hz`
    """
    samples = np.asarray(samples, dtype=np.float64)
    length = fast_length(samples.shape[-1] + round(0.3 * sample_rate))
    spectrum = np.fft.rfft(samples, length)
    frequencies = np.arange(spectrum.shape[-1]) * (sample_rate / length)
    found = [
        np.fft.irfft(spectrum * band_weights(frequencies, center, fraction=FRACTIONS[bands]), length)
        for center in band_centers_hz(sample_rate, bands=bands)
    ]
    return np.stack(found)[..., : samples.shape[-1]]


def band_signals(
    spectrum: np.ndarray, length: int, sample_rate: float, centers_hz: np.ndarray, *, fraction: int
) -> Iterator[tuple[np.ndarray, float]]:
    """Give each band of a sound at a rate just high enough for it, and that rate.

    The spectrum is cut where the band has faded and transformed back with fewer points, which is
    band-limited resampling; Σ x² / rate stays what it was.

    Parameters
    ----------
    spectrum : (length//2 + 1,) of the padded sound
    length : samples of the padded sound
    sample_rate : in Hz
    centers_hz : (bands,)
    fraction : bands an octave
    """
    step = sample_rate / length
    for center in centers_hz:
        top = min(len(spectrum) - 1, int(np.ceil(center * (1 + _REACH / fraction) / step)))
        points = fast_length(2 * (top + 1)) if top < len(spectrum) - 1 else length
        part = spectrum[: top + 1] * band_weights(np.arange(top + 1) * step, center, fraction=fraction)
        yield np.fft.irfft(part, points) * (points / length), points * step
