"""Windows, frames, short-time spectra and back, mel bands, log magnitude."""

from __future__ import annotations

import math
from functools import lru_cache

import array_api_compat as compat
import numpy as np

from tonewright.dsp.array import (
    Array,
    as_like,
    frames,
    namespace,
    overlap_add,
    pad_last,
    squared_magnitude,
)
from tonewright.dsp.hearing import a_weighting_db, hz_from_mel, mel_filterbank, mel_from_hz
from tonewright.errors import UsageError, nearest

__all__ = [
    "a_weighting_db",
    "frame_count",
    "frames",
    "hz_from_mel",
    "istft",
    "log_magnitude",
    "mel_filterbank",
    "mel_from_hz",
    "mel_spectrogram",
    "overlap_add",
    "stft",
    "window",
]

# Weights of 1, −cos θ, cos 2θ, −cos 3θ.
_COSINE_SUMS = {
    "boxcar": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
}
_WINDOWS = (*_COSINE_SUMS, "cosine")
# As many samples as stay in the processor's cache while frames are windowed and transformed.
_SAMPLES_PER_PIECE = 1 << 17


def window(name: str, length: int, *, periodic: bool = True, like: Array | None = None) -> Array:
    """Window of a short-time spectrum.

    Sums of cosines of θ = 2πn/N, hann being ½ − ½ cos θ; "cosine" is sin(π(n + ½)/N). N is the length,
    or one less in the symmetric form (for "cosine": one more in the periodic form).

    Parameters
    ----------
    name : boxcar, hann, hamming, blackman, blackmanharris or cosine
    length : in samples
    periodic : for spectra; False for the symmetric form, for filter design
    like : array whose framework, device and precision to follow; NumPy's float64 by default

    Returns
    -------
    (length,)
    """
    values = _window(name, length, periodic)
    return values.copy() if like is None else as_like(values, like)


@lru_cache(maxsize=64)
def _window(name: str, length: int, periodic: bool) -> np.ndarray:
    if name not in _WINDOWS:
        raise UsageError(f"window {name!r}: not known; {nearest(name, _WINDOWS)}")
    if length < 1:
        raise UsageError(f"window of {length} samples: must have at least 1")
    if length == 1:
        return np.ones(1)
    position = np.arange(length)
    if name == "cosine":
        return np.sin(np.pi * (position + 0.5) / (length + periodic))
    angle = 2 * np.pi * position / (length if periodic else length - 1)
    terms = ((-1) ** k * weight * np.cos(k * angle) for k, weight in enumerate(_COSINE_SUMS[name]))
    return np.sum(list(terms), axis=0)


@lru_cache(maxsize=64)
def _centered_window(name: str, length: int | None, n_fft: int) -> np.ndarray:
    """Window of `length` in the middle of `n_fft` samples."""
    length = n_fft if length is None else length
    if not 1 <= length <= n_fft:
        raise UsageError(f"window_length {length}: must lie between 1 and n_fft, {n_fft}")
    before = (n_fft - length) // 2
    return np.concatenate([np.zeros(before), _window(name, length, True), np.zeros(n_fft - length - before)])


def frame_count(
    length: int, *, n_fft: int, hop_samples: int, centered: bool = True, complete: bool = True
) -> int:
    """Number of frames that `stft` gives for `length` samples.

    1 + ⌈length/hop⌉ by default, 1 + ⌊length/hop⌋ with ``complete=False`` (for even n_fft).
    """
    beyond = (
        length if centered and complete else length + 2 * (n_fft // 2) - n_fft if centered else length - n_fft
    )
    return 1 + (-(-max(beyond, 0) // hop_samples) if complete else beyond // hop_samples)


def stft(
    samples: Array,
    *,
    n_fft: int,
    hop_samples: int,
    window_name: str = "hann",
    window_length: int | None = None,
    centered: bool = True,
    padding: str = "constant",
    complete: bool = True,
) -> Array:
    """Short-time Fourier transform, X[k, m] = Σₙ w[n] x[n + m·hop − n_fft/2] e^{−j2πkn/n_fft}.

    Parameters
    ----------
    samples : (…, time), of any length
    n_fft : samples a frame
    hop_samples : samples from one frame to the next
    window_name, window_length : window, placed in the middle of the frame; as long as the frame by default
    centered : frame m is centred on sample m·hop; otherwise it begins there
    padding : what lies before and after the sound, "constant" for silence or "reflect"
    complete : frames go on until they cover the last sample as well as all others, so that `istft` loses
        nothing whatever the length. Without it frames stop as in librosa and torch, one sooner where the
        hop does not divide the length.

    Returns
    -------
    (…, n_fft//2 + 1, frames), complex
    """
    length = samples.shape[-1]
    count = frame_count(length, n_fft=n_fft, hop_samples=hop_samples, centered=centered, complete=complete)
    before = n_fft // 2 if centered else 0
    after = (count - 1) * hop_samples + n_fft - before - length
    padded = pad_last(samples, before, max(after, 0), mode=padding)
    framed = frames(padded, frame_length=n_fft, hop_samples=hop_samples)
    spectrum = _windowed_spectra(
        framed, as_like(_centered_window(window_name, window_length, n_fft), samples)
    )
    return namespace(samples).matrix_transpose(spectrum)


def _windowed_spectra(framed: Array, weights: Array) -> Array:
    """Spectrum of each frame: (…, frames, n_fft) -> (…, frames, bins)."""
    xp = namespace(framed)
    if not compat.is_numpy_array(framed):
        return xp.fft.rfft(framed * weights)
    *lead, count, n_fft = framed.shape
    spectra = np.empty((*lead, count, n_fft // 2 + 1), dtype=np.result_type(framed, np.complex64))
    step = max(_SAMPLES_PER_PIECE // (n_fft * max(math.prod(lead), 1)), 1)
    for start in range(0, count, step):
        piece = slice(start, start + step)
        spectra[..., piece, :] = np.fft.rfft(framed[..., piece, :] * weights)
    return spectra


def istft(
    spectrum: Array,
    *,
    n_fft: int,
    hop_samples: int,
    length: int | None = None,
    window_name: str = "hann",
    window_length: int | None = None,
    centered: bool = True,
) -> Array:
    """Sound whose short-time spectrum is nearest to the one given, and the inverse of `stft`.

    x[t] = Σₘ w[t − m·hop] y_m[t − m·hop] / Σₘ w²[t − m·hop], with y_m the inverse transform of frame m
    (D. Griffin and J. Lim, IEEE Trans. ASSP 32, 1984). Samples that no window reaches, such as the first
    of a hann window that is not centred, are zero.

    Parameters
    ----------
    spectrum : (…, n_fft//2 + 1, frames), complex
    n_fft, hop_samples, window_name, window_length, centered : as they were given to `stft`
    length : samples to give, the length of the original sound; by default to the last frame's centre, or
        its end when frames are not centred

    Returns
    -------
    (…, length)
    """
    xp = namespace(spectrum)
    if spectrum.shape[-2] != n_fft // 2 + 1:
        raise UsageError(f"istft: {spectrum.shape[-2]} bins, but n_fft={n_fft} has {n_fft // 2 + 1}")
    count = spectrum.shape[-1]
    weights = _centered_window(window_name, window_length, n_fft)
    pieces = xp.fft.irfft(xp.matrix_transpose(spectrum), n=n_fft) * as_like(weights, spectrum)
    total = overlap_add(pieces, hop_samples=hop_samples)
    inverse = _inverse_envelope(window_name, window_length, n_fft, count, hop_samples)
    before = n_fft // 2 if centered else 0
    wanted = (count - 1) * hop_samples + (0 if centered else n_fft) if length is None else length
    end = min(before + wanted, total.shape[-1])
    sound = total[..., before:end] * as_like(inverse[before:end], spectrum)
    return pad_last(sound, 0, wanted - sound.shape[-1])


def _inverse_envelope(
    window_name: str, window_length: int | None, n_fft: int, count: int, hop_samples: int
) -> np.ndarray:
    """1/Σ w² over `count` frames, and 0 where that sum vanishes."""
    # Frames in the middle all meet the same neighbours: a short sum has every value there is.
    overlap = -(-n_fft // hop_samples)
    short = min(count, 2 * overlap)
    inverse = _short_inverse_envelope(window_name, window_length, n_fft, short, hop_samples)
    cut = overlap * hop_samples
    middle = np.tile(inverse[cut : cut + hop_samples], count - short)
    return np.concatenate([inverse[:cut], middle, inverse[cut:]])


@lru_cache(maxsize=64)
def _short_inverse_envelope(
    window_name: str, window_length: int | None, n_fft: int, count: int, hop_samples: int
) -> np.ndarray:
    squared = _centered_window(window_name, window_length, n_fft) ** 2
    filled = np.concatenate([squared, np.zeros(-n_fft % hop_samples)])
    steady = np.sum(np.reshape(filled, (-1, hop_samples)), axis=0)
    if steady.min() < 1e-10 * steady.max():
        raise UsageError(f"istft: hop_samples={hop_samples} leaves samples that no window covers; halve it")
    envelope = overlap_add(np.tile(squared, (count, 1)), hop_samples=hop_samples)
    reached = envelope > 1e-12 * steady.max()
    return np.where(reached, 1 / np.where(reached, envelope, 1), 0)


def log_magnitude(x: Array, *, epsilon: float = 1e-5) -> Array:
    """Natural logarithm of the magnitude, log(|x| + ε), with no infinity in value or gradient.

    Parameters
    ----------
    x : (…), real or complex
    epsilon : magnitude that is added; silence becomes log ε

    Returns
    -------
    (…) real
    """
    xp = namespace(x)
    return xp.log(xp.abs(x) + epsilon)


def mel_spectrogram(
    samples: Array,
    *,
    sample_rate: float,
    n_fft: int,
    hop_samples: int,
    n_mels: int,
    low_hz: float = 0.0,
    high_hz: float | None = None,
    scale: str = "slaney",
    normalised: bool = True,
    power: int = 1,
    window_name: str = "hann",
    complete: bool = True,
) -> Array:
    """Magnitude of the short-time spectrum, or its square, summed into mel bands.

    Parameters
    ----------
    samples : (…, time)
    power : 1 for magnitude, 2 for energy
    sample_rate, n_mels, low_hz, high_hz, scale, normalised : as for `mel_filterbank`
    n_fft, hop_samples, window_name, complete : as for `stft`

    Returns
    -------
    (…, n_mels, frames)
    """
    if power not in (1, 2):
        raise UsageError(f"mel spectrogram: power {power}; choose 1 for magnitude or 2 for energy")
    xp = namespace(samples)
    spectrum = stft(samples, n_fft=n_fft, hop_samples=hop_samples, window_name=window_name, complete=complete)
    bands = mel_filterbank(
        sample_rate=sample_rate,
        n_fft=n_fft,
        n_mels=n_mels,
        low_hz=low_hz,
        high_hz=high_hz,
        scale=scale,
        normalised=normalised,
        like=samples,
    )
    return xp.matmul(bands, xp.abs(spectrum) if power == 1 else squared_magnitude(spectrum))
