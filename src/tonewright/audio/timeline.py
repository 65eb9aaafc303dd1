"""The tracks of a corpus laid end to end: a number in [0, 1) names a place, and the place has its sound."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tonewright.audio.handles import read_at_rate
from tonewright.audio.phrases import Phrases
from tonewright.audio.stems import gives, parts_of
from tonewright.audio.weighting import WEIGHTINGS, check_proportions, known, weights
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
    stems : which stems of a track to read, all from the same place; "accompaniment" is also made of others,
        see `tonewright.audio.stems`
    silence_db : a window is silent when the RMS level of its loudest stem is below this, dB full scale
    redraws : how many times a silent or unreadable window is replaced before giving up
    weighting : "length", a track is drawn in proportion to its length, so that a sample is as likely to be
        covered in one track as in another; "song", every song is equally likely, its tracks by length
    proportions : label to how often tracks that carry it are drawn, as ratios: {"voices": 3, "music": 7}.
        A track of several named labels counts under the first, one of none is never drawn
    join : whether a window that a track does not fill goes on with others of its kind, see
        `tonewright.audio.phrases`; without, zeros follow
    """

    seconds: float
    sample_rate: int
    channels: int
    stems: tuple[str, ...] = ("mixture",)
    silence_db: float = -60.0
    redraws: int = 100
    weighting: str = "length"
    proportions: Mapping[str, float] = field(default_factory=dict, hash=False)
    join: bool = False

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
        if self.weighting not in WEIGHTINGS:
            raise UsageError(f'weighting is "{self.weighting}": must be "length" or "song"')
        check_proportions(self.proportions)

    @property
    def frames(self) -> int:
        """Length in samples."""
        return round(self.seconds * self.sample_rate)


class Place(NamedTuple):
    """Where a window was cut."""

    track: Track  # the first, where several are joined
    start: int  # in frames at the windows' sample rate
    redraws: int  # how many windows before it were silent or unreadable
    bandwidth_hz: float | None = None  # up to where there is sound in it, where that was measured


class Timeline:
    """The tracks that have the stems, laid end to end, each as long as its weight."""

    def __init__(self, corpus: Corpus, settings: WindowSettings) -> None:
        self.root = corpus.root
        readable = [t for t in corpus.tracks if t.frames and gives(t.stems, settings.stems)]
        if not readable:
            raise CorpusError(_nothing_to_read(corpus, settings))
        self.settings = replace(settings, proportions=known(readable, settings.proportions, root=self.root))
        lengths = [max(1, t.frames * settings.sample_rate // t.sample_rate) for t in readable]
        shares = weights(
            readable,
            lengths,
            least=settings.frames,
            weighting=settings.weighting,
            proportions=self.settings.proportions,
        )
        drawn = [index for index, share in enumerate(shares) if share > 0]
        self.tracks = tuple(readable[index] for index in drawn)
        self._lengths = [lengths[index] for index in drawn]
        self._ends = np.cumsum(shares[drawn])
        self._phrases = Phrases(self.tracks, self._lengths, sample_rate=settings.sample_rate)
        self._reported: set[str] = set()

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
        track, count = self.tracks[index], min(frames, self._lengths[index] - start)
        sounds: Sounds = {}
        power = 0.0
        for stem in self.settings.stems:
            samples = self._stem(track, stem, start, count)
            stem_power = float(np.vdot(samples, samples)) / samples.size
            if not math.isfinite(stem_power):
                raise AudioError(_path(track, stem), "has NaN or infinite samples")
            power = max(power, stem_power)
            if samples.shape[1] < frames:
                samples, short = np.zeros((len(samples), frames), np.float32), samples
                samples[:, : short.shape[1]] = short
            sounds[stem] = samples
        return sounds, 10 * math.log10(power) if power else -math.inf

    def _stem(self, track: Track, stem: str, start: int, frames: int) -> np.ndarray:
        """One stem of a track, or the sum of those that make it up: (channels, frames)."""
        rate, channels, section = (
            self.settings.sample_rate,
            self.settings.channels,
            (track.start, track.frames),
        )
        total = None
        for name, factor in parts_of(stem, track.stems) or ():
            samples = read_at_rate(
                track.stems[name],
                start=start,
                frames=frames,
                sample_rate=rate,
                section=section,
                channels=channels,
            )
            total = samples if total is None else total + np.float32(factor) * samples
        return np.ascontiguousarray(total, np.float32)

    def cut(self, u: float, frames: int) -> tuple[Place, Sounds, float]:
        """The window at u in [0, 1): one part of one track, or several tracks joined; and its level, dB."""
        index, start = self.place(u, frames)
        track = self.tracks[index]
        if not self.settings.join or not self._phrases.fills(index, frames):
            return Place(track, start, 0, track.bandwidth_hz), *self.read(index, start, frames)
        channels, level_db, widest, first = self.settings.channels, -math.inf, 0.0, 0
        sounds = {stem: np.zeros((channels, frames), np.float32) for stem in self.settings.stems}
        for count, piece in enumerate(self._phrases.pieces(u, index, frames)):
            parts, part_db = self.read(piece.index, piece.start, piece.frames)
            for stem, samples in parts.items():
                if piece.cut:
                    self._phrases.fade(samples)
                sounds[stem][:, piece.onset : piece.onset + piece.frames] += samples
            first = first if count else piece.start
            level_db = max(level_db, part_db)
            widest = max(widest, self.tracks[piece.index].bandwidth_hz or math.inf)
        return Place(track, first, 0, widest if widest < math.inf else None), sounds, level_db

    def first_audible(self, places: Iterable[float], frames: int) -> tuple[Place, Sounds]:
        """The first window among the places that can be read and is not silent."""
        silent, broken, last = 0, 0, ""
        for tried, u in enumerate(islice(places, self.settings.redraws + 1)):
            try:
                place, sounds, level_db = self.cut(u, frames)
            except AudioError as error:
                self._report(error)
                broken, last = broken + 1, str(error)
            else:
                if level_db >= self.settings.silence_db:
                    return place._replace(redraws=tried), sounds
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


def _path(track: Track, stem: str) -> str:
    """Where a stem is read from."""
    return track.stems[(parts_of(stem, track.stems) or ((stem, 1.0),))[0][0]]
