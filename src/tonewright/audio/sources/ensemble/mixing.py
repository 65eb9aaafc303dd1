"""From parts as played to stems as heard: tone, place, balance, room, limiter, 16 bits.

Everything linear is done on the spectrum of the whole song: of each part a gain over frequency and a place
between left and right, and of each stem one convolution with the room,

    Y_c = Σ_p a_p T_p (g_{p,c} X_{p,c} + s_p R_c X̄_p),

with T the tone, a the gain that brings the part to its loudness, g its place, s its share of the room R and
X̄ the mean of its channels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tonewright.audio.band.mixing import compressed, limiter_gain
from tonewright.audio.band.rooms import draw_room, reflections
from tonewright.audio.band.synthesis import SAMPLE_RATE, fast_length, irfft, pan_gains, rfft
from tonewright.audio.sources.ensemble.arrangement import Part
from tonewright.audio.sources.levelling import frame_levels_db, levelling_gain_db, loud_db
from tonewright.dsp.biquads import series_response
from tonewright.dsp.loudness import k_weighting

_DECAYS_S = (0.22, 2.4)
_ACTIVE_RANGE_DB = 25.0
_SILENCE_DB = -110.0
# Loudness of the stems against each other, in LU, and its standard deviation from song to song.
_BALANCE_DB = {"drums": 0.0, "bass": -1.5, "other": 0.0, "vocals": 2.0}
_BALANCE_SPREAD_DB = 2.0
_POINTS = 2048
_WHOLE_BAND_HZ = 15_000.0
_ENDING_SHARE = 0.05
_ECHO = 0.35
_FULL = 32768.0
_HIGH_PASS_HZ = {"drums": 25.0, "bass": 28.0, "other": 70.0, "vocals": 80.0}


@lru_cache(maxsize=8)
def room_response(seed: int, number: int, rooms: int) -> np.ndarray:
    """The answer of one of several rooms without the direct sound, (2, taps), at unit energy a channel."""
    rng = np.random.default_rng([seed, number, 1 << 23])
    low, high = np.log(_DECAYS_S)
    decay_s = float(np.exp(low + (high - low) * (number + rng.uniform(0.2, 0.8)) / rooms))
    return reflections(draw_room(decay_s, rng), rng)


class Desk:
    """Collects parts by stem and gives the stems of a song.

    Parameters
    ----------
    frames : of the song
    response : of the room, (2, taps)
    highest_hz : where everything ends; None leaves the band whole
    """

    def __init__(self, frames: int, response: np.ndarray, *, highest_hz: float | None = None) -> None:
        self.frames, self._highest_hz = frames, highest_hz
        self._length = fast_length(frames + response.shape[1])
        self._response = rfft(response, self._length)
        self._grid = np.linspace(0.0, 1.0, _POINTS) ** 3 * (SAMPLE_RATE / 2)
        self._frequencies = np.arange(self._length // 2 + 1, dtype=np.float32) * (SAMPLE_RATE / self._length)
        self._loudness = self._gain(_k_power(self._grid))
        self._dry: dict[str, np.ndarray] = {}
        self._sent: dict[str, np.ndarray] = {}

    def _gain(self, values: np.ndarray) -> np.ndarray:
        """Values on the coarse grid as gains of every bin."""
        return np.interp(self._frequencies, self._grid, values).astype(np.float32)

    def add(self, part: Part, track: np.ndarray) -> None:
        """Add a part to its stem.

        Parameters
        ----------
        part : whose level, place, tone, drive, echo and share of the room are used
        track : as played, (1 or 2, frames); silence is passed over
        """
        loud = loud_db(frame_levels_db(track, sample_rate=SAMPLE_RATE))
        if loud <= _SILENCE_DB:
            return
        track = _echoing(_driven(track, part.drive, loud), part.echo_s)
        channels = track[:1] if track.shape[0] == 1 or np.array_equal(track[0], track[1]) else track
        tone = self._gain(_tone(self._grid, part.stem, part.treble_db))
        if self._highest_hz is not None:
            tone *= _ending(self._frequencies, self._highest_hz)
        spectra = [rfft(channel, self._length) * tone for channel in narrowed(channels, part.width)]
        power = np.mean([self._power(spectrum) for spectrum in spectra]) / _active(track)
        level = np.float32(10 ** (part.level_db / 20) / np.sqrt(max(power, 1e-20)))
        places = pan_gains(part.pan) if len(spectra) == 1 else balance(part.pan)
        dry = self._dry.setdefault(part.stem, np.zeros((2, len(tone)), np.complex64))
        sent = self._sent.setdefault(part.stem, np.zeros(len(tone), np.complex64))
        share = np.float32(10 ** (part.room_db / 20))
        for channel, place in enumerate(places):
            dry[channel] += spectra[channel % len(spectra)] * (level * place)
        for spectrum in spectra:
            sent += spectrum * (level * share / np.float32(len(spectra)))

    def _power(self, spectrum: np.ndarray) -> float:
        """K-weighted mean square of a channel."""
        # Not a dot product: its sum depends on the number of threads.
        energy = np.sum(np.square(np.abs(spectrum)) * self._loudness, dtype=np.float64)
        return 2.0 * float(energy) / self._length / self.frames

    def stems(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Every stem, (2, frames) float32, balanced against the others; lets go of the spectra."""
        result = {}
        for stem in _BALANCE_DB:
            if stem not in self._dry:
                continue
            spectrum, sent = self._dry.pop(stem), self._sent.pop(stem)
            for channel in range(2):
                spectrum[channel] += sent * self._response[channel]
            sound = irfft(spectrum, self._length)[:, : self.frames]
            power = self._power(spectrum[0]) + self._power(spectrum[1])
            goal_db = _BALANCE_DB[stem] + float(rng.normal(0.0, _BALANCE_SPREAD_DB))
            sound *= np.float32(10 ** (goal_db / 20) / np.sqrt(max(power / _active(sound), 1e-20)))
            result[stem] = sound
        return result


def _active(track: np.ndarray) -> float:
    """Share of the time in which a track sounds."""
    levels = frame_levels_db(track, sample_rate=SAMPLE_RATE)
    return float(np.mean(levels >= max(loud_db(levels) - _ACTIVE_RANGE_DB, _SILENCE_DB)))


def _k_power(frequencies: np.ndarray) -> np.ndarray:
    """Squared gain of the K-weighting of ITU-R BS.1770."""
    b, a = k_weighting(SAMPLE_RATE)
    return np.abs(series_response(b, a, frequencies, sample_rate=SAMPLE_RATE)) ** 2


def _tone(frequencies: np.ndarray, stem: str, treble_db: float) -> np.ndarray:
    """A high-pass that suits the stem, and a shelf from about 2 kHz."""
    low = 1.0 / np.sqrt(1.0 + (_HIGH_PASS_HZ[stem] / np.maximum(frequencies, 1e-3)) ** 4)
    shelf = 1.0 / (1.0 + (2000.0 / np.maximum(frequencies, 1e-3)) ** 2)
    return low * 10 ** (treble_db * shelf / 20)


def _ending(frequencies: np.ndarray, highest_hz: float) -> np.ndarray:
    """A gain that falls from one to nothing over the last twentieth below a frequency; one above 15 kHz."""
    if highest_hz > _WHOLE_BAND_HZ:
        return np.ones_like(frequencies)
    place = np.clip((highest_hz - frequencies) / (_ENDING_SHARE * highest_hz), 0.0, 1.0)
    return (0.5 - 0.5 * np.cos(np.pi * place)).astype(np.float32)


def _driven(track: np.ndarray, drive: float, loud_db: float) -> np.ndarray:
    """A track through a soft limiter, tanh(g x) / g, the harder the higher its drive."""
    if drive <= 0:
        return track
    gain = np.float32(drive * 2.5 / 10 ** (loud_db / 20))
    return np.tanh(track * gain) / gain


def _echoing(track: np.ndarray, echo_s: float) -> np.ndarray:
    """A track with two echoes."""
    delay = round(echo_s * SAMPLE_RATE)
    if not delay:
        return track
    result = track.copy()
    for number in (1, 2):
        if number * delay < track.shape[1]:
            result[:, number * delay :] += np.float32(_ECHO**number) * track[:, : -number * delay]
    return result


def narrowed(track: np.ndarray, width: float) -> np.ndarray:
    """A track (1 or 2, time) with a share of the difference between its channels."""
    if track.shape[0] == 1:
        return track
    middle, side = 0.5 * (track[0] + track[1]), np.float32(0.5 * width) * (track[0] - track[1])
    return np.stack([middle + side, middle - side])


def balance(position: float) -> np.ndarray:
    """Gains of left and right for a stereo track moved to −1 … 1: the far side is turned down, (2,)."""
    gains = np.array([min(1.0, 1.0 - position), min(1.0, 1.0 + position)])
    return np.sqrt(np.clip(gains, 0.0, 1.0)).astype(np.float32)


def master(stems: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Compress, limit and level a song, and round it to 16 bits.

    One gain over time goes over all stems, so that they still add up to what is limited; the active part
    of the mixture comes to −20 dB, or its peak or a stem's to −1 dB where that is less.

    Parameters
    ----------
    stems : (2, frames) each; they are used up
    rng : of the amounts

    Returns
    -------
    int16 stems, (2, frames) each, and first of all "mixture", their sum
    """
    for name in ("drums", "bass", "vocals"):
        if name in stems and rng.random() < 0.6:
            stems[name] = compressed(stems[name], ratio=float(rng.uniform(1.5, 4.0)))
    total = _summed(stems)
    crest_db = float(rng.uniform(10.0, 18.0))
    ceiling = 10 ** (crest_db / 20) * float(np.sqrt(np.mean(np.square(total))))
    gain = (limiter_gain(total, ceiling) * _edges(total.shape[1])).astype(np.float32)
    total *= gain
    for sound in stems.values():
        sound *= gain
    peak = max(float(np.abs(sound).max()) for sound in (total, *stems.values()))
    scale = 10 ** (levelling_gain_db(total, sample_rate=SAMPLE_RATE, peak=peak) / 20)
    whole = {}
    for name in list(stems):
        whole[name] = np.rint(stems.pop(name) * np.float32(scale * _FULL)).astype(np.int16)
    return {"mixture": _summed(whole), **whole}


def _summed(stems: dict[str, np.ndarray]) -> np.ndarray:
    """The sum of all stems; of 16-bit ones, whose sum stays below full scale, exactly."""
    total = np.zeros_like(next(iter(stems.values())))
    for sound in stems.values():
        total += sound
    return total


def _edges(frames: int) -> np.ndarray:
    """A gain of one that begins within 5 ms and ends within 0.4 s."""
    gain = np.ones(frames, np.float32)
    begin, end = round(0.005 * SAMPLE_RATE), round(0.4 * SAMPLE_RATE)
    gain[:begin] = np.linspace(0.0, 1.0, begin, endpoint=False)
    gain[-end:] = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, end + 1) / end)
    return gain
