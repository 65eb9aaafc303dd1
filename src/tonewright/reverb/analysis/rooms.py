"""A measured room response in figures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.errors import UsageError
from tonewright.reverb.analysis.bands import band_centers_hz
from tonewright.reverb.analysis.channel import Channel, measured_channel
from tonewright.reverb.analysis.density import mixing_time_s
from tonewright.reverb.analysis.doubts import doubts, prepared
from tonewright.reverb.analysis.measure import Measured
from tonewright.reverb.analysis.result import DecayFigures, RoomAnalysis

CURVE_POINTS = 400
_FIGURES = tuple(DecayFigures.__dataclass_fields__)


@dataclass(frozen=True)
class Truncation:
    """Where the decays of another response end, for an analysis over the same range.

    Attributes
    ----------
    bands_s : (channels, bands) seconds after the onset; NaN to find it here
    broadband_s : (channels,)
    """

    bands_s: np.ndarray
    broadband_s: np.ndarray

    @classmethod
    def of(cls, analysis: RoomAnalysis) -> Truncation:
        """Those of an analysis."""
        return cls(analysis.truncation_s, analysis.broadband.truncation_s)


def analyse(
    clip: Clip, *, bands: str = "octave", truncation: Truncation | None = None, name: str = "the response"
) -> RoomAnalysis:
    """Measure a room response: decay times, clarity, noise, echo density, direct sound, per band and channel.

    Parameters
    ----------
    clip : the response; anything may lie before its onset
    bands : "octave" or "third"
    truncation : where the decays end, taken from a measurement, for responses without noise of their
        own; found in the response unless given
    name : what the response is called in errors

    Raises
    ------
    AudioError
        If the response is empty, silent, or holds numbers that are not finite.
    """
    samples, rounding, odd = prepared(clip, name=name)
    centers = band_centers_hz(clip.sample_rate, bands=bands)
    shape = (clip.channels, len(centers))
    if truncation is None:
        truncation = Truncation(np.full(shape, np.nan), np.full(shape[0], np.nan))
    if truncation.bands_s.shape != shape or truncation.broadband_s.shape != shape[:1]:
        raise UsageError(
            f"{name}: has {shape[0]} channels and {shape[1]} bands, the truncation is for "
            f"{truncation.bands_s.shape}; take it from a response of the same channels and sample rate"
        )
    found = [
        measured_channel(
            channel, clip.sample_rate, bands=bands, ends_s=ends_s, whole_end_s=float(end_s), rounding=rounding
        )
        for channel, ends_s, end_s in zip(samples, truncation.bands_s, truncation.broadband_s, strict=True)
    ]
    analysis = _collected(clip, centers, found)
    flatness = [channel.flatness for channel in found]
    said = doubts(analysis, samples, flatness=flatness, bands=bands)
    return replace(analysis, warnings=(*odd, *said))


def _collected(clip: Clip, centers_hz: np.ndarray, found: list[Channel]) -> RoomAnalysis:
    per_band: dict[str, Any] = {
        name: np.array([[band.figures[name] for band in channel.bands] for channel in found])
        for name in _FIGURES
    }
    whole = {name: np.array([channel.whole.figures[name] for channel in found]) for name in _FIGURES}
    longest = max(len(part.levels_db) * part.step_s for channel in found for part in channel.all)
    times = np.linspace(0.0, longest, CURVE_POINTS)
    density_times, densities = _densities(found)
    return RoomAnalysis(
        **per_band,
        clip=clip,
        bands_hz=centers_hz,
        broadband=DecayFigures(**whole),
        onset_samples=np.array([channel.onset for channel in found]),
        direct_level_db=np.array([channel.direct_db for channel in found]),
        direct_to_reverberant_db=np.array([channel.direct_to_reverberant_db for channel in found]),
        mixing_time_s=np.array([mixing_time_s(*channel.density) for channel in found]),
        echo_density_times_s=density_times,
        echo_density=densities,
        thirds_hz=band_centers_hz(clip.sample_rate, bands="third"),
        spectrum_db=np.stack([channel.spectrum_db for channel in found]),
        curve_times_s=times,
        curves_db=np.array([[_curve(band, times) for band in channel.bands] for channel in found]),
        broadband_curves_db=np.array([_curve(channel.whole, times) for channel in found]),
    )


def _densities(found: list[Channel]) -> tuple[np.ndarray, np.ndarray]:
    """Echo densities of all channels on the longest one's times; NaN behind the end of a channel."""
    times = max((channel.density[0] for channel in found), key=len)
    rows = [
        np.interp(times, *channel.density, right=np.nan)
        if len(channel.density[0])
        else np.full(len(times), np.nan)
        for channel in found
    ]
    return times, np.array(rows)


def _curve(measured: Measured, times_s: np.ndarray) -> np.ndarray:
    if not measured.levels_db.size:
        return np.full(len(times_s), np.nan)
    own = np.arange(len(measured.levels_db)) * measured.step_s
    return np.interp(times_s, own, measured.levels_db, right=np.nan)
