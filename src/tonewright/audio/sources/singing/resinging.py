"""Speech to song."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tonewright.audio.sources.singing.character import change_envelope, draw_character
from tonewright.audio.sources.singing.expression import draw_manner, gate, pitch_and_level, sustain_db
from tonewright.audio.sources.singing.melody import check_notes, draw_melody, fit_octave
from tonewright.audio.sources.singing.placing import Placed, place, source_positions
from tonewright.audio.sources.singing.score import Note, NoVoiceError, SingingSettings, Sung
from tonewright.audio.sources.singing.syllables import find_syllables, level_of_vowels_db
from tonewright.audio.sources.singing.world import FRAME_S, Voice, put_together, take_apart
from tonewright.errors import UsageError

LONGEST_S = 30.0
_SHORTEST_S = 0.25
_RATES = (8_000, 48_000)
_SETTINGS = SingingSettings()
_TAIL_FRAMES = 10
_PEAK = 0.98
_LEAST = 1e-9
_LEVEL_BLOCK_S = 0.05
_REST_FRAMES = 100
_BLOCK_FRAMES = 3000
_SILENT = -60.0


def resing(
    samples: np.ndarray,
    *,
    sample_rate: int,
    seed: int = 0,
    notes: Sequence[Note] | None = None,
    settings: SingingSettings = _SETTINGS,
) -> Sung:
    """Sing what was said.

    Syllables are found in the speech, each is put on a note, vowels are stretched and take the note's
    pitch, consonants keep their length. The same input and seed give the same samples.

    Parameters
    ----------
    samples : (channels, frames) of one speaker, at most 30 s; channels are averaged
    sample_rate : 8 kHz to 48 kHz
    seed : of melody, manner and voice
    notes : the melody to sing, in order of time; a vowel begins at each note's start. The words begin
        again where there are more notes than syllables. Without it a melody is drawn that suits the words
    settings : ranges to draw from

    Returns
    -------
    the song, from 0 s of the melody to a little after its last note, as loud as the speech; consonants that
    would come before 0 s are cut

    Raises
    ------
    NoVoiceError
        If there is nothing in it to sing with. Instruments that play one note at a time are voices here.
    UsageError
        If the shape, the rate or the notes are not as said.
    MissingExtraError
        If pyworld is not installed.
    """
    speech = _speech(samples, sample_rate)
    melody = None if notes is None else check_notes(tuple(notes))
    rng = np.random.default_rng(seed)
    voice = take_apart(speech, sample_rate=sample_rate)
    syllables = find_syllables(voice)
    if melody is None:
        melody = draw_melody(syllables, voice.median_hz, settings, rng)
    elif settings.fit_octave:
        melody = fit_octave(melody, voice.median_hz, settings.start_semitones)
    placed = place(syllables, melody)
    song, pitch = _sing(voice, placed, settings, rng)
    return Sung(_levelled(song, speech, voice)[None], sample_rate, _sung_notes(placed), pitch)


def _speech(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """(time,) mono, checked."""
    if samples.ndim != 2:
        raise UsageError(f"samples have the shape (channels, time); got {samples.shape}")
    if not _RATES[0] <= sample_rate <= _RATES[1]:
        raise UsageError(f"speech is re-sung at {_RATES[0]} to {_RATES[1]} Hz, not at {sample_rate}")
    seconds = samples.shape[1] / sample_rate
    if seconds > LONGEST_S:
        raise UsageError(f"speech is re-sung {LONGEST_S:.0f} s at a time; this is {seconds:.1f} s long")
    if not np.isfinite(samples).all():
        raise UsageError("the samples hold NaN or infinite values")
    if samples.shape[0] < 1 or seconds < _SHORTEST_S:
        raise NoVoiceError(f"there is no voice in the sound: it is shorter than {_SHORTEST_S} s")
    return samples.mean(axis=0, dtype=np.float64)


def _sing(
    voice: Voice, placed: tuple[Placed, ...], settings: SingingSettings, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The song as (samples,), not yet levelled, and the pitch that is heard, (time,)."""
    manner, character = draw_manner(settings, rng), draw_character(settings, rng)
    frames = int(np.ceil(placed[-1].end)) + _TAIL_FRAMES
    position, heard = source_positions(placed, frames, rng)
    pitch, level_db = pitch_and_level(placed, frames, manner, rng)
    nearest = np.minimum(np.rint(position).astype(int), len(voice.f0_hz) - 1)
    voiced = heard & voice.voiced[nearest]
    f0 = np.where(voiced, 440.0 * 2.0 ** ((pitch - 69.0) / 12.0), 0.0)
    spoken_db = level_of_vowels_db(voice)
    level_db += sustain_db(placed, spoken_db, spoken_db[nearest])
    course = _Course(f0, position, heard, gate(placed, heard) * 10 ** (level_db / 20))
    song = _synthesise(voice, change_envelope(voice, character), course)
    return song, np.where(voiced, pitch, np.nan)


@dataclass(frozen=True, slots=True)
class _Course:
    """Of a song, (frames,) each: fundamental in Hz or 0, frame of the speech, whether it sounds, gain."""

    f0_hz: np.ndarray
    position: np.ndarray
    heard: np.ndarray
    gain: np.ndarray


def _synthesise(voice: Voice, envelope: np.ndarray, course: _Course) -> np.ndarray:
    """(samples,) float32 of a whole song, a block of some seconds at a time; long rests are skipped."""
    samples_per_frame = FRAME_S * voice.sample_rate
    song = np.zeros(round(len(course.f0_hz) * samples_per_frame), np.float32)
    for first, last in _blocks(course.f0_hz, course.heard):
        power = np.full((last - first + _TAIL_FRAMES, envelope.shape[1]), _SILENT)
        power[: last - first] = _between(envelope, course.position[first:last])
        np.exp(power, out=power)
        noise = np.ones_like(power)
        noise[: last - first] = _between(voice.aperiodicity, course.position[first:last])
        f0 = np.pad(course.f0_hz[first:last], (0, _TAIL_FRAMES))
        sound = put_together(f0, power, noise, sample_rate=voice.sample_rate)
        start = round(first * samples_per_frame)
        sound = sound[: len(song) - start]
        times = first + np.arange(len(sound)) / samples_per_frame
        song[start : start + len(sound)] += sound * np.interp(times, np.arange(len(course.gain)), course.gain)
    return song


def _blocks(f0_hz: np.ndarray, heard: np.ndarray) -> Iterator[tuple[int, int]]:
    """First frame and one after the last of stretches without long rests, none of them longer than 15 s.

    A longer one is cut where nothing is voiced, if it can be.
    """
    sounding = np.flatnonzero(heard)
    breaks = np.flatnonzero(np.diff(sounding) > _REST_FRAMES)
    firsts = np.concatenate([sounding[:1], sounding[breaks + 1]])
    lasts = np.concatenate([sounding[breaks], sounding[-1:]]) + 1
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        while last - first > _BLOCK_FRAMES:
            unvoiced = np.flatnonzero(f0_hz[first + _BLOCK_FRAMES // 2 : first + _BLOCK_FRAMES] == 0)
            cut = first + _BLOCK_FRAMES // 2 + (int(unvoiced[-1]) if len(unvoiced) else _BLOCK_FRAMES // 2)
            yield first, cut
            first = cut
        yield first, last


def _between(frames: np.ndarray, position: np.ndarray) -> np.ndarray:
    """(len(position), bins) rows of (time, bins) at fractions of a row, float32."""
    below = np.clip(position.astype(int), 0, len(frames) - 2)
    share = np.clip(position - below, 0, 1).astype(np.float32)[:, None]
    rows = frames[below]
    rows += share * (frames[below + 1] - rows)
    return rows


def _levelled(song: np.ndarray, speech: np.ndarray, voice: Voice) -> np.ndarray:
    """(samples,) float32, its loud half as loud as that of the speech, within full scale."""
    loudness = _loud_rms(speech, voice.sample_rate) / max(_loud_rms(song, voice.sample_rate), _LEAST)
    peak = max(float(song.max(initial=0.0)), -float(song.min(initial=0.0)), _LEAST)
    return song * np.float32(min(loudness, _PEAK / peak))


def _loud_rms(samples: np.ndarray, sample_rate: int) -> float:
    """RMS of what is louder than average, in blocks of 50 ms."""
    size = round(_LEVEL_BLOCK_S * sample_rate)
    blocks = samples[: len(samples) // size * size].reshape(-1, size)
    power = np.einsum("bs,bs->b", blocks, blocks) / size
    return float(np.sqrt(power[power >= power.mean()].mean()))


def _sung_notes(placed: Sequence[Placed]) -> tuple[Note, ...]:
    """Notes as they are heard: each from its vowel's start to its vowel's end."""
    return tuple(
        Note(one.vowel_start * FRAME_S, (one.vowel_end - one.vowel_start) * FRAME_S, one.pitch)
        for one in placed
    )
