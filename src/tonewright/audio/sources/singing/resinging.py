"""Speech to song."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tonewright.audio.sources.singing.score import Note, SingingSettings, Sung

_SETTINGS = SingingSettings()


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
    the song, from 0 s of the melody to a little after its last note; consonants that would come before
    0 s are cut

    Raises
    ------
    NoVoiceError
        If there is nothing in it to sing with.
    UsageError
        If the shape, the rate or the notes are not as said.
    MissingExtraError
        If pyworld is not installed.
    """
    raise NotImplementedError
