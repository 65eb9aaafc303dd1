"""What the eye gets from a sound, as numbers: log-frequency levels, envelopes, and small pictures."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from tonewright.audio.files import Clip
from tonewright.dsp.spectra import stft

FLOOR_DB = -120.0
RANGE_DB = 80.0
LOWEST_HZ = 30.0
FREQUENCY_TICKS_HZ = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000)


@dataclass(frozen=True)
class LogSpectrogram:
    """Levels on a logarithmic frequency axis.

    Parameters
    ----------
    levels_db : (rows, columns) in dB re a full-scale sine; row 0 is the lowest band
    edges_hz : (rows + 1,) the borders of the bands
    seconds : how much time the columns cover
    """

    levels_db: np.ndarray
    edges_hz: np.ndarray
    seconds: float

    @property
    def centres_hz(self) -> np.ndarray:
        """Geometric centre of each band, (rows,)."""
        return np.sqrt(self.edges_hz[:-1] * self.edges_hz[1:])


def finite(samples: np.ndarray) -> np.ndarray:
    """Return `samples` (channels, time) with every NaN and infinity replaced by zero."""
    return np.nan_to_num(np.asarray(samples, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)


def top_hz(*clips: Clip) -> float:
    """Return the highest frequency that any of the clips can hold."""
    return max((clip.sample_rate / 2 for clip in clips), default=22050.0)


def log_spectrogram(
    clip: Clip, *, rows: int = 160, columns: int = 640, high_hz: float | None = None
) -> LogSpectrogram:
    """Mean power of each logarithmic band and moment, averaged over channels.

    With S the spectrum of Hann frames scaled by 2 / Σ w, so that a full-scale sine reads 0 dB,
    a band is the mean of |S|² over its width, or over one bin's width around its centre where bins are wider.

    Parameters
    ----------
    clip : samples (channels, time)
    rows, columns : bands, and the most moments there may be
    high_hz : top of the axis; half the sample rate unless given
    """
    n_fft = 2 ** max(5, round(np.log2(0.046 * clip.sample_rate)))
    samples = finite(clip.samples)
    frames = samples.shape[-1]
    hop_samples = max(n_fft // 4, -(-frames // (4 * columns)))
    short = max(0, n_fft - frames)
    padded = np.pad(samples, ((0, 0), (0, short)))
    spectrum = np.asarray(stft(padded, n_fft=n_fft, hop_samples=hop_samples, window_name="hann"))
    power = np.mean(np.square(np.abs(spectrum), dtype=np.float64), axis=0) * (4.0 / n_fft) ** 2
    power = power[:, : max(1, -(-frames // hop_samples))]
    edges_hz = np.geomspace(LOWEST_HZ, high_hz or clip.sample_rate / 2, rows + 1)
    banded = _band_weights(edges_hz, n_fft=n_fft, sample_rate=clip.sample_rate) @ power
    levels_db = 10 * np.log10(np.maximum(_pooled(banded, columns), 10 ** (FLOOR_DB / 10)))
    return LogSpectrogram(levels_db, edges_hz, frames / clip.sample_rate)


def _band_weights(edges_hz: np.ndarray, *, n_fft: int, sample_rate: int) -> np.ndarray:
    """How much of each band each bin covers, (rows, bins); a row sums to one inside the spectrum."""
    width_hz = sample_rate / n_fft
    bins_hz = np.arange(n_fft // 2 + 1) * width_hz
    middle = (edges_hz[1:, None] + edges_hz[:-1, None]) / 2
    half = np.maximum(np.diff(edges_hz)[:, None], width_hz) / 2
    low = np.maximum(middle - half, bins_hz - width_hz / 2)
    high = np.minimum(middle + half, bins_hz + width_hz / 2)
    return np.maximum(high - low, 0.0) / (2 * half)


def _pooled(values: np.ndarray, columns: int) -> np.ndarray:
    """Average neighbouring columns until there are at most `columns`."""
    if values.shape[1] <= columns:
        return values
    starts = np.linspace(0, values.shape[1], columns, endpoint=False).astype(int)
    return np.add.reduceat(values, starts, axis=1) / np.diff(np.append(starts, values.shape[1]))


def long_term_db(clip: Clip, *, rows: int = 120, high_hz: float | None = None) -> LogSpectrogram:
    """Long-term average spectrum: the power of `log_spectrogram` averaged over time, (rows, 1)."""
    picture = log_spectrogram(clip, rows=rows, high_hz=high_hz)
    mean = np.mean(10 ** (picture.levels_db / 10), axis=1, keepdims=True)
    return LogSpectrogram(10 * np.log10(mean), picture.edges_hz, picture.seconds)


def envelope(samples: np.ndarray, *, columns: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest sample of each stretch over all channels, two arrays of (columns,) or fewer.

    Parameters
    ----------
    samples : (channels, time)
    columns : the most stretches there may be
    """
    samples = finite(samples)
    if samples.shape[-1] == 0:
        return np.zeros(0), np.zeros(0)
    starts = np.unique(np.linspace(0, samples.shape[-1], columns, endpoint=False).astype(int))
    low = np.minimum.reduceat(samples.min(axis=0), starts)
    high = np.maximum.reduceat(samples.max(axis=0), starts)
    return low, high


def palette_png(indices: np.ndarray, palette: np.ndarray) -> bytes:
    """Encode a picture of at most 256 colours as PNG (ISO/IEC 15948, colour type 3).

    Parameters
    ----------
    indices : (height, width) uint8, row 0 at the top
    palette : (colours, 3) uint8
    """
    height, width = indices.shape
    rows = np.zeros((height, width + 1), np.uint8)  # the leading zero of each row: no filter
    rows[:, 1:] = indices

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", palette.tobytes()), (b"IDAT", zlib.compress(rows.tobytes(), 9)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts) + chunk(b"IEND", b"")


def ceiling_db(*pictures: LogSpectrogram) -> float:
    """Top of a colour scale that the pictures share: their loudest level, rounded up to 10 dB."""
    loudest = max((float(picture.levels_db.max()) for picture in pictures), default=0.0)
    return float(np.clip(10 * np.ceil(loudest / 10), FLOOR_DB + RANGE_DB, 20.0))


def heat_palette(*, colours: int = 96) -> np.ndarray:
    """Perceptually even dark-to-light colours (matplotlib's magma), (colours, 3) uint8."""
    from matplotlib import colormaps

    return (
        np.asarray(colormaps["magma"](np.linspace(0.0, 1.0, colours))[:, :3] * 255).round().astype(np.uint8)
    )


def heat_png(picture: LogSpectrogram, *, top_db: float) -> bytes:
    """Draw the levels from `top_db` down to 80 dB below it, high frequencies at the top."""
    palette = heat_palette()
    unit = np.clip((picture.levels_db - top_db) / RANGE_DB + 1.0, 0.0, 1.0)
    return palette_png((unit[::-1] * (len(palette) - 1)).round().astype(np.uint8), palette)
