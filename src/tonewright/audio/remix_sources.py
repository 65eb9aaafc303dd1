"""Where the voices and accompaniments of remixes come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tonewright.audio.stems import ACCOMPANIMENT, MIXTURE, VOCALS, parts_of
from tonewright.audio.timeline import Place, Sounds, Timeline, WindowSettings
from tonewright.audio.weighting import known, present
from tonewright.errors import CorpusError

if TYPE_CHECKING:
    from tonewright.audio.corpus import Corpus, Track
    from tonewright.audio.remixes import RemixSettings

_VOICE, _OTHER, _EDGE, _NOISE = range(2, 6)  # streams of random numbers of a window
_SOLOS = ("drums", "bass", "guitar", "piano", "other")  # stems of one instrument, or nearly
_SILENT_DB = (-110.0, -70.0)  # level of the faint noise that half of the silences are

Streams = Callable[[int], Iterator[float]]


class Sources:
    """The tracks of a corpus as voices, accompaniments, lone instruments and whole songs.

    A voice is a track labelled so, or the vocals of a song. An accompaniment is a track labelled so that has
    no vocals, or a song without them. A lone instrument is a track labelled so, or a stem such as drums or
    guitar; how often each is drawn goes by its length alone.

    Parameters
    ----------
    corpus : tracks with labels, or with stems
    settings : of the windows
    remix : which labels tell what
    """

    def __init__(self, corpus: Corpus, settings: WindowSettings, remix: RemixSettings) -> None:
        self.remix, self.root = remix, corpus.root
        tracks = corpus.tracks
        voices = [made for track in tracks if (made := _voice(track, remix))]
        others = [made for track in tracks if (made := _accompaniment(track, remix))]
        if not voices or not others:
            raise CorpusError(_nothing_to_mix(corpus, remix, voices=bool(voices)))
        proportions = known([*voices, *others], settings.proportions, root=corpus.root)
        self.settings = replace(settings, proportions=proportions)
        solos = list(_instruments(tracks, others, remix))
        songs = [track for track in tracks if _is_song(track)]
        both = (VOCALS, ACCOMPANIMENT)
        self._timelines = {
            "voice": self._timeline(corpus, voices, (VOCALS,), proportions),
            "accompaniment": self._timeline(corpus, others, (ACCOMPANIMENT,), proportions),
            "instrument": self._timeline(corpus, solos, (ACCOMPANIMENT,), {}),
            "song": self._timeline(corpus, songs, both, proportions),
        }
        missing = [name for name, timeline in self._timelines.items() if timeline is None]
        self.shares = {kind: share for kind, share in remix.shares.items() if share and kind not in missing}
        if not self.shares:
            asked = ", ".join(kind for kind, share in remix.shares.items() if share)
            raise CorpusError(f"{corpus.root}: has nothing for the remixes that are asked for: {asked}")

    @property
    def somewhere(self) -> Place:
        """A place to name where nothing is heard."""
        return Place(self._of("voice").tracks[0], 0, 0)

    def draw(self, kind: str, streams: Streams, frames: int) -> tuple[dict[str, Place], Sounds, float | None]:
        """Vocals and accompaniment of a window; where they are from; and where both should be cut off, Hz.

        Parameters
        ----------
        kind : of window, see `RemixSettings`
        streams : number of a stream to its random numbers
        frames : length
        """
        blank = np.zeros((self.settings.channels, frames), np.float32)
        places: dict[str, Place] = {}
        sounds: Sounds = {VOCALS: blank, ACCOMPANIMENT: blank}
        if kind == "silence":
            sounds[ACCOMPANIMENT] = _silence(blank, streams(_NOISE))
            return places, sounds, None
        if kind == "song":
            place, sounds = self._of("song").first_audible(streams(_VOICE), frames)
            return {VOCALS: place, ACCOMPANIMENT: place}, sounds, None
        edges = []
        for stem, source, own, wanted in (
            (VOCALS, "voice", _VOICE, kind in ("remix", "voice")),
            (
                ACCOMPANIMENT,
                "instrument" if kind == "instrument" else "accompaniment",
                _OTHER,
                kind != "voice",
            ),
        ):
            timeline = self._of(source)
            if wanted:
                places[stem], drawn = timeline.first_audible(streams(own), frames)
                sounds[stem] = drawn[stem]
                edges.append(places[stem].bandwidth_hz)
            else:
                edges.append(timeline.tracks[timeline.place(next(streams(_EDGE)), frames)[0]].bandwidth_hz)
        cutoff_hz = min(edge or math.inf for edge in edges)
        return places, sounds, max(cutoff_hz, self.remix.least_cutoff_hz) if cutoff_hz < math.inf else None

    def _of(self, name: str) -> Timeline:
        timeline = self._timelines[name]
        assert timeline is not None  # kinds without sound are never drawn
        return timeline

    def _timeline(
        self, corpus: Corpus, tracks: list[Track], stems: tuple[str, ...], proportions: Mapping[str, float]
    ) -> Timeline | None:
        """The tracks end to end, short ones joined, by those proportions that are theirs."""
        if not tracks:
            return None
        own = present(tracks, proportions)
        settings = replace(
            self.settings, stems=stems, proportions=own if any(own.values()) else {}, join=True
        )
        return Timeline(replace(corpus, tracks=tuple(tracks)), settings)


def is_mixable(corpus: Corpus, remix: RemixSettings) -> bool:
    """Whether a corpus has voices and accompaniments as recordings of their own, told by labels."""
    return any(_labelled(track, remix.voices) for track in corpus.tracks) and any(
        _labelled(track, remix.accompaniments) for track in corpus.tracks
    )


def has_both(corpus: Corpus, remix: RemixSettings) -> bool:
    """Whether there is a voice and an accompaniment, by labels or by stems."""
    return any(_voice(track, remix) for track in corpus.tracks) and any(
        _accompaniment(track, remix) for track in corpus.tracks
    )


def _labelled(track: Track, labels: Iterable[str]) -> bool:
    return any(label in track.labels for label in labels)


def _is_song(track: Track) -> bool:
    return VOCALS in track.stems and parts_of(ACCOMPANIMENT, track.stems) is not None


def _voice(track: Track, remix: RemixSettings) -> Track | None:
    """The track as vocals alone."""
    if VOCALS in track.stems:
        return replace(track, stems={VOCALS: track.stems[VOCALS]}, bandwidth_hz=None)
    if _labelled(track, remix.voices) and MIXTURE in track.stems:
        return replace(track, stems={VOCALS: track.stems[MIXTURE]})
    return None


def _accompaniment(track: Track, remix: RemixSettings) -> Track | None:
    """The track as accompaniment alone."""
    if _labelled(track, remix.voices):
        return None
    if VOCALS not in track.stems and MIXTURE in track.stems:
        if not _labelled(track, remix.accompaniments):
            return None
        # A note ends where its instrument does, whatever it was recorded with.
        bandwidth_hz = None if _labelled(track, remix.instruments) else track.bandwidth_hz
        return replace(track, stems={ACCOMPANIMENT: track.stems[MIXTURE]}, bandwidth_hz=bandwidth_hz)
    parts = parts_of(ACCOMPANIMENT, track.stems)
    return replace(track, stems={name: track.stems[name] for name, _ in parts}) if parts else None


def _instruments(tracks: Iterable[Track], others: Iterable[Track], remix: RemixSettings) -> Iterator[Track]:
    """Tracks of one instrument each."""
    yield from (track for track in others if _labelled(track, remix.instruments))
    for track in tracks:
        for stem in _SOLOS:
            if stem in track.stems:
                yield replace(track, stems={ACCOMPANIMENT: track.stems[stem]}, bandwidth_hz=None)


def _silence(blank: np.ndarray, random: Iterator[float]) -> np.ndarray:
    """Nothing at all, or noise fainter than is heard."""
    if next(random) < 0.5:
        return blank
    low_db, high_db = _SILENT_DB
    amplitude = 10 ** ((low_db + (high_db - low_db) * next(random)) / 20)
    noise = np.random.default_rng(int(next(random) * 2**53)).standard_normal(blank.shape, np.float32)
    return noise * np.float32(amplitude)


def _nothing_to_mix(corpus: Corpus, remix: RemixSettings, *, voices: bool) -> str:
    what, labels = ("accompaniment", remix.accompaniments) if voices else ("voice", remix.voices)
    stem = "without vocals" if voices else "with the stem vocals"
    return f"{corpus.root}: no {what} to remix: no track is labelled {' or '.join(labels)}, nor a song {stem}"
