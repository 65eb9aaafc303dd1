"""How far a fitted response is from the measured one, both analysed in the same way over the same range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.dsp.spectra import mel_spectrogram
from tonewright.errors import UsageError
from tonewright.reverb.analysis.result import RoomAnalysis, plain
from tonewright.reverb.analysis.rooms import Truncation, analyse
from tonewright.reverb.analysis.tables import comparison_table

MEL_BANDS = 64
_FRAME_S = 0.0213
_ABOVE_NOISE_DB = 3.0


@dataclass(frozen=True, eq=False)
class RoomDifference:
    """A fitted response against a measured one: differences are fit minus room.

    Arrays are (channels, bands) unless said otherwise, NaN where either could not be measured.

    Attributes
    ----------
    bands_hz : (bands,) octaves
    decay_error : (T_fit − T_room) / T_room, of T30 where both have one, else of T20
    edt_error : (EDT_fit − EDT_room) / EDT_room
    c50_db, c80_db : of clarity
    thirds_hz : (thirds,)
    spectrum_db : (channels, thirds) of the energy in third octaves, no level removed
    gain_db : (channels,) median of `spectrum_db`, the difference in level alone
    mel_db : (channels,) distance of the mel spectrograms, see `mel_distance_db`
    measured, fitted : the two analyses
    """

    bands_hz: np.ndarray
    decay_error: np.ndarray
    edt_error: np.ndarray
    c50_db: np.ndarray
    c80_db: np.ndarray
    thirds_hz: np.ndarray
    spectrum_db: np.ndarray
    gain_db: np.ndarray
    mel_db: np.ndarray
    measured: RoomAnalysis
    fitted: RoomAnalysis

    @property
    def coloration_db(self) -> np.ndarray:
        """(channels, thirds) `spectrum_db` with the difference in level taken away."""
        return self.spectrum_db - self.gain_db[:, None]

    def figures(self, *, low_hz: float = 100.0, high_hz: float = 10000.0) -> dict[str, float]:
        """Medians and 90th percentiles of the sizes of all differences, over channels and bands.

        Parameters
        ----------
        low_hz, high_hz : the centres of the bands that count
        """
        octaves = (self.bands_hz >= low_hz) & (self.bands_hz <= high_hz)
        thirds = (self.thirds_hz >= low_hz) & (self.thirds_hz <= high_hz)
        found: dict[str, float] = {}
        for name, values in (
            ("decay_error", self.decay_error[:, octaves]),
            ("edt_error", self.edt_error[:, octaves]),
            ("c50_db", self.c50_db[:, octaves]),
            ("c80_db", self.c80_db[:, octaves]),
            ("spectrum_db", self.spectrum_db[:, thirds]),
            ("coloration_db", self.coloration_db[:, thirds]),
            ("mel_db", self.mel_db),
        ):
            size = np.abs(values[np.isfinite(values)])
            found[name] = _median(size)
            found[f"{name}_90"] = float(np.percentile(size, 90)) if size.size else np.nan
        return found

    def to_dict(self) -> dict[str, Any]:
        """All differences as plain numbers and lists, ready for JSON; what is not finite becomes None."""
        names = ("bands_hz", "decay_error", "edt_error", "c50_db", "c80_db", "thirds_hz", "spectrum_db")
        result = {name: plain(getattr(self, name)) for name in (*names, "gain_db", "mel_db")}
        return {"format": 1, **result, "figures": {name: plain(v) for name, v in self.figures().items()}}

    def table(self, *, channel: int = 0) -> str:
        """The differences of a channel as a table of plain text, one row a band."""
        return comparison_table(self, channel=channel)


def compare(
    measured: Clip | RoomAnalysis, fitted: Clip | RoomAnalysis, *, range_db: float = 60.0
) -> RoomDifference:
    """Differences of a fitted response from the measured one.

    A fitted response has no noise, so its decays are cut where those of the room end in noise; what an
    unlimited decay would have held beyond is added to both, at the rate each has there.

    Parameters
    ----------
    measured : the room, or its analysis
    fitted : the response of the network, at the same rate and with the same channels; an analysis of it is
        made anew over the room's range
    range_db : how far below the loudest cell the mel spectrograms are compared

    Raises
    ------
    UsageError
        If rates or channels differ.
    """
    room = measured if isinstance(measured, RoomAnalysis) else analyse(measured, name="the measured response")
    clip = fitted.clip if isinstance(fitted, RoomAnalysis) else fitted
    _refuse_unlike(room, clip)
    bands = "octave" if len(room.bands_hz) < 2 or room.bands_hz[1] > 1.5 * room.bands_hz[0] else "third"
    other = analyse(clip, bands=bands, truncation=Truncation.of(room), name="the fitted response")
    spectrum = _difference(other.spectrum_db, room.spectrum_db)
    both = np.isfinite(other.t30_s) & np.isfinite(room.t30_s)
    decay = np.where(both, other.t30_s / room.t30_s, other.t20_s / room.t20_s) - 1.0
    return RoomDifference(
        bands_hz=room.bands_hz,
        decay_error=decay,
        edt_error=other.edt_s / room.edt_s - 1.0,
        c50_db=_difference(other.c50_db, room.c50_db),
        c80_db=_difference(other.c80_db, room.c80_db),
        thirds_hz=room.thirds_hz,
        spectrum_db=spectrum,
        gain_db=np.array(
            [np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in spectrum]
        ),
        mel_db=np.array(
            [mel_distance_db(room, other, channel=c, range_db=range_db) for c in range(room.channels)]
        ),
        measured=room,
        fitted=other,
    )


def _refuse_unlike(room: RoomAnalysis, clip: Clip) -> None:
    if (clip.sample_rate, clip.channels) != (room.sample_rate, room.channels):
        raise UsageError(
            f"the fitted response has {clip.channels} channels at {clip.sample_rate} Hz, the measured one "
            f"{room.channels} at {room.sample_rate} Hz; give both the same"
        )


def _difference(fitted: np.ndarray, measured: np.ndarray) -> np.ndarray:
    both = np.isfinite(fitted) & np.isfinite(measured)
    return np.where(both, np.where(both, fitted, 0.0) - np.where(both, measured, 0.0), np.nan)


def _median(values: np.ndarray) -> float:
    """Median of what is finite, NaN where nothing is."""
    good = values[np.isfinite(values)]
    return float(np.median(good)) if good.size else np.nan


def mel_distance_db(
    room: RoomAnalysis, fitted: RoomAnalysis, *, channel: int = 0, range_db: float = 60.0
) -> float:
    """Mean distance of two mel spectrograms in dB, from the onset until the room's decay ends in noise.

    With L the levels of 64 mel bands in frames of about 21 ms, a quarter of that apart, both sounds aligned
    at their onsets, no level removed, and F the floor of a band, max(P − range, noise + 3 dB) for P the
    room's loudest cell and the noise that of the band behind the room's end:

    mean |max(L_fit, F) − max(L_room, F)| over the cells where one of the two is above the floor.

    Parameters
    ----------
    room, fitted : analyses, the room's noise and truncation being those that count
    channel : which one
    range_db : how far below P the floor lies at least
    """
    end_s = float(room.broadband.truncation_s[channel])
    if not np.isfinite(end_s):
        return np.nan
    ours, hop_s = _mel_levels(room, channel)
    theirs, _ = _mel_levels(fitted, channel)
    frames = max(1, min(ours.shape[1], round(end_s / hop_s)))
    theirs = np.pad(theirs, ((0, 0), (0, max(0, frames - theirs.shape[1]))), constant_values=-300.0)
    floor = np.full((MEL_BANDS, 1), ours[:, :frames].max() - range_db)
    behind = ours[:, frames + 4 :]
    if np.isfinite(room.broadband.noise_floor_db[channel]) and behind.shape[1] >= 8:
        noise = 10 * np.log10(np.mean(10 ** (behind / 10), axis=1, keepdims=True))
        floor = np.maximum(floor, noise + _ABOVE_NOISE_DB)
    ours, theirs = ours[:, :frames], theirs[:, :frames]
    counted = (ours > floor) | (theirs > floor)
    gap = np.abs(np.maximum(theirs, floor) - np.maximum(ours, floor))
    return float(gap[counted].mean()) if counted.any() else np.nan


def _mel_levels(analysis: RoomAnalysis, channel: int) -> tuple[np.ndarray, float]:
    """Mel levels in dB from the onset on, (bands, frames), and the time between frames."""
    rate = analysis.sample_rate
    sound = analysis.clip.samples[channel, int(analysis.onset_samples[channel]) :].astype(np.float64)
    size = 2 ** max(6, round(np.log2(_FRAME_S * rate)))
    energy = mel_spectrogram(
        sound, power=2, sample_rate=rate, n_mels=MEL_BANDS, n_fft=size, hop_samples=size // 4
    )
    return 10 * np.log10(np.maximum(np.asarray(energy), 1e-30)), size / 4 / rate
