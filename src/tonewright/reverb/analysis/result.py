"""What an analysis found: figures per band and for the whole, and words about what to beware of."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from tonewright.audio.clips import Clip

_CURVES = {"echo_density_times_s", "echo_density", "curve_times_s", "curves_db", "broadband_curves_db"}


@dataclass(frozen=True, eq=False)
class DecayFigures:
    """Figures of a decay after ISO 3382-1; NaN where one could not be measured.

    Every array has one shape: (channels, bands) for bands, (channels,) for the whole.

    Attributes
    ----------
    t20_s, t30_s : decay by 60 dB, from the lines through −5 to −25 and −5 to −35 dB
    edt_s : early decay time, from the first 10 dB
    decay_s : the best of T30, T20 and T10 (−5 to −15 dB) that could be measured
    c50_db, c80_db : clarity, energy of the first 50 and 80 ms over what follows
    d50 : definition, share of the energy in the first 50 ms
    centre_time_s : centre of gravity of the squared response
    level_db : energy of the decay, 10 lg Σ h²
    dynamic_range_db : by how much the decay curve falls until the decay ends in noise
    noise_floor_db : mean square of the noise in dB re full scale; −inf where no floor was found
    truncation_s : when the decay ends in noise, or the sound ends, from the onset on
    """

    t20_s: np.ndarray
    t30_s: np.ndarray
    edt_s: np.ndarray
    decay_s: np.ndarray
    c50_db: np.ndarray
    c80_db: np.ndarray
    d50: np.ndarray
    centre_time_s: np.ndarray
    level_db: np.ndarray
    dynamic_range_db: np.ndarray
    noise_floor_db: np.ndarray
    truncation_s: np.ndarray


@dataclass(frozen=True, eq=False)
class RoomAnalysis(DecayFigures):
    """A measured room response in figures; those of `DecayFigures` are (channels, bands).

    Attributes
    ----------
    clip : the response that was analysed
    bands_hz : (bands,) centres of the bands
    broadband : figures over all frequencies from 45 Hz on, arrays of (channels,)
    onset_samples : (channels,) first sample within 20 dB of the peak
    direct_level_db : (channels,) energy 10 lg Σ h² of the direct sound, until 2.5 ms after the onset
    direct_to_reverberant_db : (channels,) that over the energy of all that follows
    mixing_time_s : (channels,) when the echo density first reaches that of noise
    echo_density_times_s : (frames,) from the onset on
    echo_density : (channels, frames)
    thirds_hz : (thirds,) centres of third octaves
    spectrum_db : (channels, thirds) energy of the decay without its noise, 10 lg Σ h²
    curve_times_s : (points,) from the onset on
    curves_db : (channels, bands, points) energy decay curves; NaN behind the end of the decay
    broadband_curves_db : (channels, points)
    warnings : sentences on what is odd, what was assumed, and what could not be measured
    """

    clip: Clip = field(repr=False)
    bands_hz: np.ndarray
    broadband: DecayFigures
    onset_samples: np.ndarray
    direct_level_db: np.ndarray
    direct_to_reverberant_db: np.ndarray
    mixing_time_s: np.ndarray
    echo_density_times_s: np.ndarray
    echo_density: np.ndarray
    thirds_hz: np.ndarray
    spectrum_db: np.ndarray
    curve_times_s: np.ndarray
    curves_db: np.ndarray
    broadband_curves_db: np.ndarray
    warnings: tuple[str, ...] = ()

    @property
    def sample_rate(self) -> int:
        """Of the response, in Hz."""
        return self.clip.sample_rate

    @property
    def channels(self) -> int:
        """Of the response."""
        return self.clip.channels

    @property
    def onset_s(self) -> np.ndarray:
        """(channels,) the onset in seconds."""
        return self.onset_samples / self.sample_rate

    def to_dict(self, *, curves: bool = False) -> dict[str, Any]:
        """All figures as plain numbers and lists, ready for JSON; NaN and infinity become None.

        Parameters
        ----------
        curves : add the decay curves and the echo density over time
        """
        result: dict[str, Any] = {
            "format": 1,
            "sample_rate": self.sample_rate,
            "channels": self.channels,
            "seconds": self.clip.seconds,
        }
        left_out = {"clip", "broadband"} | (set() if curves else _CURVES)
        result |= {
            item.name: plain(getattr(self, item.name)) for item in fields(self) if item.name not in left_out
        }
        result["broadband"] = {
            item.name: plain(getattr(self.broadband, item.name)) for item in fields(DecayFigures)
        }
        return result

    def table(self, *, channel: int = 0) -> str:
        """The figures of a channel as a table of plain text, one row a band and one for the whole."""
        from tonewright.reverb.analysis.tables import analysis_table

        return analysis_table(self, channel=channel)


def plain(value: Any) -> Any:
    """An array, number or tuple as lists of plain numbers; what is not finite becomes None."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
