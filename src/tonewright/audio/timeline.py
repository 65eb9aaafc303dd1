"""The tracks of a corpus laid end to end: a number in [0, 1) names a place, and the place has its sound."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tonewright.audio.clips import convert_channels, fit_length
from tonewright.audio.handles import read_at_rate
from tonewright.errors import AudioError, CorpusError, UsageError

if TYPE_CHECKING:
    from tonewright.audio.corpus import Corpus, Track

logger = logging.getLogger("tonewright")

Sounds = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """What a window is.

    Parameters
    ----------
    seconds : length
    sample_rate : of the windows; files of another rate are resampled as they are read
    channels : of the windows; mono is copied to all, several are averaged to mono
    stems : which stems of a track to read, all from the same place
    silence_db : a window is silent when the RMS level of its loudest stem is below this, dB full scale
    redraws : how many times a silent or unreadable window is replaced before giving up
    weighting : "length", a track is drawn in proportion to its length, so that a sample is as likely to be
        covered in one track as in another; "song", every song is equally likely, its tracks by length
    """

    seconds: float
    sample_rate: int
    channels: int
    stems: tuple[str, ...] = ("mixture",)
    silence_db: float = -60.0
    redraws: int = 100
    weighting: str = "length"

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not self.frames > 0:
            raise UsageError(f"seconds is {self.seconds}: a window must be at least one sample long")
        if self.channels < 1:
            raise UsageError(f"channels is {self.channels}: must be 1 or more")
        if not self.stems:
            raise UsageError('stems is empty: name at least one, such as "mixture"')
        if self.redraws < 0:
            raise UsageError(f"redraws is {self.redraws}: must be 0 or more")
        if self.weighting not in ("length", "song"):
            raise UsageError(f'weighting is "{self.weighting}": must be "length" or "song"')

    @property
    def frames(self) -> int:
        """Length in samples."""
        return round(self.seconds * self.sample_rate)


class Place(NamedTuple):
    """Where a window was cut."""

    track: Track
    start: int  # in frames at the windows' sample rate
    redraws: int  # how many windows before it were silent or unreadable


class Timeline:
    """The tracks that have the stems, laid end to end, each as long as its weight."""

    def __init__(self, corpus: Corpus, settings: WindowSettings) -> None:
        self.settings, self.root = settings, corpus.root
        self.tracks = tuple(
            t for t in corpus.tracks if t.frames and all(s in t.stems for s in settings.stems)
        )
        if not self.tracks:
            raise CorpusError(_nothing_to_read(corpus, settings))
        self._lengths = [max(1, t.frames * settings.sample_rate // t.sample_rate) for t in self.tracks]
        self._ends = np.cumsum(self._weights())
        self._reported: set[str] = set()

    def _weights(self) -> np.ndarray:
        """How often each track is drawn, in frames; one shorter than a window counts as one window."""
        weights = np.maximum(np.array(self._lengths, np.float64), self.settings.frames)
        if self.settings.weighting == "song":
            songs: dict[str, float] = {}
            for track, weight in zip(self.tracks, weights, strict=True):
                songs[track.song] = songs.get(track.song, 0.0) + weight
            weights /= [songs[track.song] for track in self.tracks]
        return weights

    def place(self, u: float, frames: int) -> tuple[int, int]:
        """Index of the track at u in [0, 1), and the start of a window of `frames` in it."""
        position = u * self._ends[-1]
        index = min(int(np.searchsorted(self._ends, position, side="right")), len(self.tracks) - 1)
        before = self._ends[index - 1] if index else 0.0
        fraction = (position - before) / (self._ends[index] - before)
        starts = max(1, self._lengths[index] - frames + 1)
        return index, min(int(fraction * starts), starts - 1)

    def read(self, index: int, start: int, frames: int) -> tuple[Sounds, float]:
        """The stems from `start` on, (channels, frames), zeros after the end; and the loudest level, dB."""
        track, settings = self.tracks[index], self.settings
        wanted = min(frames, self._lengths[index] - start)
        sounds: Sounds = {}
        power = 0.0
        rate, section = settings.sample_rate, (track.start, track.frames)
        for stem in settings.stems:
            path = track.stems[stem]
            samples = read_at_rate(path, start=start, frames=wanted, sample_rate=rate, section=section)
            samples = np.ascontiguousarray(convert_channels(samples, settings.channels), np.float32)
            stem_power = float(np.vdot(samples, samples)) / samples.size
            if not math.isfinite(stem_power):
                raise AudioError(path, "has NaN or infinite samples")
            power = max(power, stem_power)
            sounds[stem] = fit_length(samples, frames)
        return sounds, 10 * math.log10(power) if power else -math.inf

    def first_audible(self, places: Iterable[float], frames: int) -> tuple[Place, Sounds]:
        """The first window among the places that can be read and is not silent."""
        silent, broken, last = 0, 0, ""
        for tried, u in enumerate(places):
            index, start = self.place(u, frames)
            try:
                sounds, level_db = self.read(index, start, frames)
            except AudioError as error:
                self._report(error)
                broken, last = broken + 1, str(error)
            else:
                if level_db >= self.settings.silence_db:
                    return Place(self.tracks[index], start, tried), sounds
                silent += 1
        raise CorpusError(self._nothing_heard(silent, broken, last))

    def _report(self, error: AudioError) -> None:
        """Log a broken file, once."""
        path = str(error.path)
        if path not in self._reported:
            self._reported.add(path)
            logger.warning("%s; its windows are replaced by others", error)

    def _nothing_heard(self, silent: int, broken: int, last: str) -> str:
        level = self.settings.silence_db
        found = [f"{silent} silent (below {level:g} dB)"] if silent else []
        found += [f"{broken} unreadable ({last})"] if broken else []
        advice = (
            "remove silent files, lower silence_db or raise redraws" if silent else "mend or remove the files"
        )
        return f"{self.root}: no usable window in {silent + broken} draws: {', '.join(found)}; {advice}"


def _nothing_to_read(corpus: Corpus, settings: WindowSettings) -> str:
    """Why no track of the corpus will do."""
    if not corpus.tracks:
        return f"{corpus.root}: no tracks to cut windows from; point to a folder with sound, or another split"
    available = sorted({stem for track in corpus.tracks for stem in track.stems})
    wanted = ", ".join(settings.stems)
    return f"{corpus.root}: no track has all of the stems {wanted}; choose among {', '.join(available)}"
