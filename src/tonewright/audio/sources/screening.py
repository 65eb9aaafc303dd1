"""What may enter a pool, and how: judged, trimmed, at one rate and one level.

Refused, each with its reason: sound with NaN, silence, what is too short, clipping above 1 % of the samples,
beeps, too narrow a band, an upsampled telephone, speech filed as music, and music filed as voice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tonewright.audio.bandwidth import edge_hz, mean_spectrum
from tonewright.audio.clips import resample
from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.decoding import RawSound, Refused
from tonewright.audio.sources.levelling import (
    Trim,
    active_level_db,
    frame_levels_db,
    joined,
    kept_sections,
    levelling_gain_db,
    loud_db,
)
from tonewright.audio.sources.screening_kind import speech_score
from tonewright.audio.sources.shelves import SAMPLE_RATE

FULL_SCALE = 1 - 2.0**-15
MOST_CLIPPED = 0.01
SILENCE_DB = -55.0
OFFSET = 1e-3
BEEP_SHARE, LOWEST_BEEP_HZ = 0.8, 300.0  # below, a hummed "m" is as pure as a beep
# Music whose odds of being speech are above e⁴ is speech; a voice below e⁻⁶, music. Good sound that is
# refused is lost, and a misfiled piece does little harm: the limits refuse next to none of the pool's own.
SPEECH_SCORE, MUSIC_SCORE = 4.0, -6.0
SHORTEST_JUDGED_S = 6.0
SIDE_DB, WIDE_DB = -30.0, -10.0


@dataclass(frozen=True)
class Rules:
    """What is asked of the sounds of a part.

    Parameters
    ----------
    trim : of silence
    shortest_s : what is shorter without its silence is refused
    lowest_hz, range_db : the bandwidth within that range has to reach so high
    stereo : whether two channels are kept where they differ
    """

    trim: Trim
    shortest_s: float
    lowest_hz: float = 0.0
    range_db: float = 60.0
    stereo: bool = False


RULES: Mapping[str, Rules] = {
    "voices": Rules(Trim(40.0, 0.06, 0.12, 0.4, hiss_db=6.0), 0.25, 3000.0),
    # Dark music fades towards high frequencies long before a low-pass would cut it off.
    "music": Rules(Trim(60.0, 0.05, 0.2), 4.0, 7500.0, 90.0, stereo=True),
    "instruments": Rules(Trim(60.0, 0.005, 0.05), 0.05),
}


@dataclass(frozen=True)
class Screened:
    """A sound that may enter the pool.

    Parameters
    ----------
    sounds : stem to (channels, frames), int16 at 44.1 kHz; "mixture" among them
    digest : of the samples of the mixture
    name, song, labels, file, licence, author : as its package has it
    source_rate, bandwidth_hz, level_db, gain_db, clipped : as in `Piece`
    """

    sounds: Mapping[str, np.ndarray]
    digest: str
    name: str
    song: str
    labels: tuple[str, ...]
    file: str
    licence: str
    author: str
    source_rate: int
    bandwidth_hz: float
    level_db: float
    gain_db: float
    clipped: float

    @property
    def frames(self) -> int:
        """Length in samples of one channel."""
        return self.sounds["mixture"].shape[1]


def screen(raw: RawSound, source: Source) -> Screened | Refused:
    """Judge a sound, and bring it to the pool's rate, level and channels.

    Parameters
    ----------
    raw : as decoded
    source : whose `part` says by which rules
    """
    rules, seconds, rate = RULES[source.part], raw.samples.shape[1] / raw.sample_rate, raw.sample_rate
    stems = dict(raw.stems) if raw.stems else {"mixture": raw.samples}
    if not all(np.isfinite(array).all() for array in stems.values()):
        return Refused(raw.file, "holds NaN or infinite samples", seconds)
    clipped = max(
        (clipped_share(array) for stem, array in stems.items() if _published(stem, stems)), default=0
    )
    mixture = _centred(stems["mixture"])
    sections = kept_sections(mixture, rules.trim, sample_rate=rate)
    reason = _fault(mixture, sections, clipped, rules, rate)
    if reason:
        return Refused(raw.file, reason, seconds)
    channels = _channels(mixture, rules)
    mixture = joined(_mixed(mixture, channels), sections, sample_rate=rate)
    spectrum = mean_spectrum(mixture, sample_rate=rate)
    reason = _other_fault(mixture, spectrum, source.part, rate)
    if reason:
        return Refused(raw.file, reason, seconds)
    kept = {"mixture": mixture}
    for stem in stems.keys() - kept:
        kept[stem] = joined(_mixed(_centred(stems[stem]), channels), sections, sample_rate=rate)
    level = active_level_db(mixture, sample_rate=rate)
    sounds, gain = _levelled({stem: kept[stem] for stem in stems}, sample_rate=rate)
    return Screened(
        sounds=sounds,
        digest=hashlib.blake2b(np.ascontiguousarray(sounds["mixture"]).data, digest_size=12).hexdigest(),
        name=raw.name,
        song=raw.song,
        labels=raw.labels,
        file=raw.file,
        licence=raw.licence,
        author=raw.author,
        source_rate=rate,
        bandwidth_hz=edge_hz(*spectrum, range_db=60.0),
        level_db=level,
        gain_db=gain,
        clipped=clipped,
    )


def clipped_share(samples: np.ndarray) -> float:
    """Share of samples (channels, time) at full scale or above."""
    if not samples.size:
        return 0.0
    over = sum(np.count_nonzero(channel >= FULL_SCALE) for channel in samples)
    return (over + sum(np.count_nonzero(channel <= -FULL_SCALE) for channel in samples)) / samples.size


def _published(stem: str, stems: Mapping[str, np.ndarray]) -> bool:
    """Whether a sound lies in the package as it is; a mixture beside stems is their sum."""
    return stem != "mixture" or len(stems) == 1


def _levelled(sounds: dict[str, np.ndarray], *, sample_rate: int) -> tuple[dict[str, np.ndarray], float]:
    """Sounds at the pool's rate and level as int16, and the gain; those given are used up."""
    for stem in sounds:
        sounds[stem] = resample(sounds[stem], from_rate=sample_rate, to_rate=SAMPLE_RATE)
    peak = max(max(float(array.max()), -float(array.min())) for array in sounds.values())
    gain = levelling_gain_db(sounds["mixture"], sample_rate=SAMPLE_RATE, peak=peak)
    integers = {}
    for stem in list(sounds):
        array = sounds.pop(stem)
        array *= np.float32(32768 * 10 ** (gain / 20))
        np.rint(array, out=array)
        integers[stem] = np.clip(array, -32768, 32767, out=array).astype(np.int16)
    return integers, gain


def _fault(
    mixture: np.ndarray, sections: list[tuple[int, int]], clipped: float, rules: Rules, sample_rate: int
) -> str:
    """Why a sound is refused before anything is made of it; nothing where it is not."""
    level = loud_db(frame_levels_db(mixture, sample_rate=sample_rate))
    if not sections or level < SILENCE_DB:
        return f"is silent ({level:.0f} dB)" if mixture.any() else "is silent"
    if clipped > MOST_CLIPPED:
        return f"is clipped ({100 * clipped:.1f} % of its samples)"
    length = sum(end - start for start, end in sections) / sample_rate
    if length < rules.shortest_s:
        return f"is too short ({length:.2f} s without its silence)"
    return ""


def _other_fault(
    mixture: np.ndarray, spectrum: tuple[np.ndarray, np.ndarray], part: str, sample_rate: int
) -> str:
    """Why a trimmed sound is refused; nothing where it is not."""
    rules = RULES[part]
    if part == "instruments":
        return ""
    steady, frequency = steady_tone(mixture, sample_rate=sample_rate)
    if steady > BEEP_SHARE and frequency >= LOWEST_BEEP_HZ:
        return f"is a beep ({frequency:.0f} Hz for {100 * steady:.0f} % of its length)"
    reach = edge_hz(*spectrum, range_db=rules.range_db)
    if reach < rules.lowest_hz:
        return f"is of too narrow a band (nothing above {reach / 1000:.1f} kHz)"
    widest = edge_hz(*spectrum, range_db=90.0)
    if sample_rate >= 16_000 and widest < 4300:
        return f"states a rate that it was not made at ({sample_rate} Hz, nothing above {widest:.0f} Hz)"
    if mixture.shape[1] < SHORTEST_JUDGED_S * sample_rate:
        return ""
    score = speech_score(mixture, sample_rate=sample_rate)
    if score is None:
        return ""
    if part == "music" and score > SPEECH_SCORE:
        return f"is speech filed as music (odds e^{score:.1f})"
    if part == "voices" and score < MUSIC_SCORE:
        return f"is music filed as voice (odds e^{-score:.1f})"
    return ""


def steady_tone(samples: np.ndarray, *, sample_rate: int) -> tuple[float, float]:
    """Share of a sound's active frames that hold one and the same sine and little else.

    A frame of 1/20 s counts where nine tenths of its power lie within three bins of the line that is
    strongest in the mean of all.

    Parameters
    ----------
    samples : (channels, time)
    sample_rate : Hz

    Returns
    -------
    the share, and the frequency in Hz
    """
    from scipy import fft

    size = 2 * round(sample_rate / 40)
    if samples.shape[1] < size:
        return 0.0, 0.0
    mono = samples.mean(axis=0)
    step = max(size // 2, (len(mono) - size) // 400)
    frames = np.lib.stride_tricks.sliding_window_view(mono, size)[::step] * np.hanning(size).astype("f4")
    power = np.abs(np.asarray(fft.rfft(frames, axis=1))) ** 2
    power[:, 0] = 0
    energy = power.sum(axis=1)
    active = energy > 1e-3 * energy.max()
    line = int(power[active].sum(axis=0).argmax())
    near = power[active, max(0, line - 3) : line + 4].sum(axis=1)
    return float(np.mean(near > 0.9 * energy[active])), line * sample_rate / size


def _centred(samples: np.ndarray) -> np.ndarray:
    """Without the constant offset of each channel, where there is one worth the name."""
    if not samples.size:
        return samples
    means = samples.mean(axis=1, keepdims=True, dtype=np.float64)
    return samples - means.astype(np.float32) if np.abs(means).max() > OFFSET else samples


def _channels(samples: np.ndarray, rules: Rules) -> tuple[int, ...]:
    """Which channels to keep: both, one, or none for their mean."""
    if samples.shape[0] < 2:
        return (0,)
    left, right = _product(samples[0], samples[0]), _product(samples[1], samples[1])
    both = 2 * _product(samples[0], samples[1])
    sides, middle = left + right - both, left + right + both
    if rules.stereo and sides > middle * 10 ** (SIDE_DB / 10):
        return (0, 1)
    if sides > middle * 10 ** (WIDE_DB / 10):  # the mean of channels so different would be a comb filter
        return (int(right > left),)
    return ()


def _product(one: np.ndarray, other: np.ndarray) -> float:
    """Inner product in double precision, without a copy of either."""
    return float(np.einsum("t,t->", one, other, dtype=np.float64))


def _mixed(samples: np.ndarray, channels: tuple[int, ...]) -> np.ndarray:
    if not channels:
        return samples.mean(axis=0, keepdims=True, dtype=samples.dtype)
    return samples[list(channels)] if samples.shape[0] > len(channels) else samples
