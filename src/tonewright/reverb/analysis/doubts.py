"""What is odd about a response, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.errors import AudioError, UsageError
from tonewright.reverb.analysis.bands import FRACTIONS, bandwidth_hz
from tonewright.reverb.analysis.course import level_course
from tonewright.reverb.analysis.measure import SAFE_PRODUCT
from tonewright.reverb.analysis.result import RoomAnalysis
from tonewright.reverb.analysis.tables import band_name

# Fewer equal samples in a row at the peak may be a slow wave's crest.
_CLIPPED_RUN = 4
_OFFSET_SHARE = 1e-3
_TONAL = 0.25
_LOWEST_RATE = 22050
# A decay that is seen this far down and still has no time is too short for its band.
_SHALLOW_DB = 25.0


def prepared(clip: Clip, *, name: str) -> tuple[np.ndarray, float, list[str]]:
    """The samples as float64 without a constant offset, their noise of rounding, and what was odd about them.

    Parameters
    ----------
    clip : the response
    name : what it is called in errors

    Returns
    -------
    (channels, time), mean square of the noise of rounding, sentences

    Raises
    ------
    AudioError
        If there is nothing to measure.
    """
    _refuse(clip, name)
    samples = clip.samples.astype(np.float64)
    said: list[str] = []
    for index, channel in enumerate(samples):
        where = _of_channel(index, len(samples))
        if not channel.any():
            said.append(f"channel {index + 1} is silent throughout; it has no figures")
            continue
        if run := _longest_run(channel):
            said.append(
                f"clipped{where}: {run} samples in a row stand at the peak, so the direct sound is too low"
            )
        if offset := _offset(channel):
            channel -= offset
            said.append(f"a constant offset of {offset:.2g}{where} was taken away")
    if not samples.any():
        raise AudioError(name, "holds a constant offset and nothing else; there is no response in it")
    return samples, rounding_noise(clip.samples), said


def check_clip(clip: object, name: str) -> None:
    """Refuse what is no clip: the name of a file, or samples whose rate nobody knows."""
    if not isinstance(clip, Clip):
        raise UsageError(
            f"{name}: {type(clip).__name__} is no clip; tonewright.read(path) gives one, or "
            "tonewright.Clip(samples, sample_rate)"
        )


def _refuse(clip: Clip, name: str) -> None:
    """Raise an error where there is nothing to measure."""
    check_clip(clip, name)
    if not clip.frames:
        raise AudioError(name, "is empty; a room response holds at least its direct sound")
    broken = int(clip.samples.size - np.isfinite(clip.samples).sum())
    if broken:
        raise AudioError(name, f"holds {broken} samples that are NaN or infinite; mend or export it anew")
    if not clip.samples.any():
        raise AudioError(name, "is silent throughout; there is no response in it")


def _of_channel(index: int, channels: int) -> str:
    return f" in channel {index + 1}" if channels > 1 else ""


def _longest_run(samples: np.ndarray) -> int:
    """Length of the longest run of equal samples at the peak, 0 unless it is long enough to be clipping."""
    size = np.abs(samples)
    at_peak = np.concatenate([[False], size >= size.max() * (1 - 1e-6), [False]])
    edges = np.flatnonzero(np.diff(at_peak.astype(np.int8)))
    longest = int(np.max(edges[1::2] - edges[::2]))
    # Of a sound of few steps, or with a constant level, every crest is flat.
    coarse = size.max() < 100 * np.min(size[size > 0]) or longest > len(samples) // 4
    return longest if longest >= _CLIPPED_RUN and not coarse else 0


def _offset(samples: np.ndarray) -> float:
    """Mean of the last quarter where it is an offset, clear of its noise and not negligible; 0 otherwise."""
    part = samples[-max(1, len(samples) // 4) :]
    mean, peak = float(part.mean()), float(np.abs(samples).max())
    # The mean of low-frequency noise varies as if a hundredth of its samples were independent.
    spread = float(part.std()) * np.sqrt(100.0 / len(part))
    return mean if len(part) > 100 and abs(mean) > max(_OFFSET_SHARE * peak, 3 * spread) else 0.0


def rounding_noise(samples: np.ndarray) -> float:
    """Mean square q²/12 of the noise of rounding to 8 or 16 bits; 0 for finer samples.

    Parameters
    ----------
    samples : (channels, time)
    """
    some = samples[:, :: max(1, samples.shape[1] // 50_000)].astype(np.float64)
    for bits in (8, 16):
        scaled = some * 2.0 ** (bits - 1)
        if (scaled == np.round(scaled)).all():
            return 2.0 ** (-2 * (bits - 1)) / 12
    return 0.0


def doubts(
    analysis: RoomAnalysis, samples: np.ndarray, *, flatness: Sequence[float], bands: str
) -> list[str]:
    """Sentences on what could not be measured or should not be trusted.

    Parameters
    ----------
    analysis : the figures
    samples : (channels, time)
    flatness : of each channel's spectrum, 0 for tones and about 0.6 for rooms; NaN where unknown
    bands : "octave" or "third"
    """
    heard = [index for index, channel in enumerate(samples) if channel.any()]
    said = []
    course = level_course(
        samples, analysis.sample_rate, start=min(int(analysis.onset_samples[index]) for index in heard)
    )
    if course is not None and course.verdict:
        said.append(course.verdict)
    elif max((flatness[index] for index in heard), default=1.0) < _TONAL:
        said.append(
            "looks like a note or a chord, not a room response: its energy stands in few frequencies; "
            "the figures describe no room, or one of few and long resonances"
        )
    if analysis.sample_rate < _LOWEST_RATE:
        top = f"{band_name(analysis.bands_hz[-1])} Hz" if len(analysis.bands_hz) else "none"
        said.append(f"the sample rate is {analysis.sample_rate} Hz; the highest band that fits is: {top}")
    said += _of_bands(analysis, heard, fraction=FRACTIONS[bands])
    deaf = [index for index in heard if not np.isfinite(analysis.broadband.decay_s[index])]
    if deaf:
        where = _of_channels(deaf, analysis.channels)
        said.append(f"no decay could be measured over all frequencies{where}")
    return said


def _of_bands(analysis: RoomAnalysis, heard: Sequence[int], *, fraction: int) -> list[str]:
    """What holds for some bands, channels with the same bands in one sentence."""
    widths = np.array([bandwidth_hz(hz, fraction=fraction) for hz in analysis.bands_hz])
    decay, t20, t30 = analysis.decay_s, analysis.t20_s, analysis.t30_s
    missing = ~np.isfinite(decay)
    shallow = missing & (analysis.dynamic_range_db < _SHALLOW_DB)
    cases = [
        (shallow, "no decay time, the decay can be followed by too few dB"),
        (missing & ~shallow, "no decay time, the decay is shorter than the ringing of so narrow a band"),
        (np.isfinite(t20) & ~np.isfinite(t30), "T20 stands for T30, the dynamic range is too small"),
        (~missing & ~np.isfinite(t20), "T10 stands for T30, the dynamic range is too small"),
        (
            np.where(missing, np.inf, decay * widths) < SAFE_PRODUCT,
            "decay times may be too long by some percent, the band being so narrow",
        ),
    ]
    said = []
    for mask, words in cases:
        alike: dict[tuple[bool, ...], list[int]] = {}
        for index in heard:
            alike.setdefault(tuple(map(bool, mask[index])), []).append(index)
        for row, channels in alike.items():
            if any(row):
                names = "all bands" if all(row) else _names(analysis.bands_hz[list(row)])
                said.append(f"{names}{_of_channels(channels, analysis.channels)}: {words}")
    return said


def _of_channels(channels: Sequence[int], count: int) -> str:
    """Which channels are meant, in words; nothing where all are."""
    if len(channels) == count:
        return ""
    names = [str(index + 1) for index in channels]
    return f" of channel {names[0]}" if len(names) == 1 else f" of channels {', '.join(names)}"


def _names(bands_hz: np.ndarray) -> str:
    names = [band_name(hz) for hz in bands_hz]
    return (f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]) + " Hz"
