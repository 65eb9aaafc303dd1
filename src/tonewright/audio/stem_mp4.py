"""Songs whose stems are the streams of one mp4: decoded once by ffmpeg into a cache of WAV files.

A song takes the folder ``stems/<place>/<song>/`` of the cache, one 16-bit WAV a stem and ``source.json``, which
says of which file they were made. It is written beside and takes its name when it is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def decode_stems(
    songs: Mapping[Path, Sequence[str]],
    *,
    title: str,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[Path, dict[str, str] | str]:
    """The stems of each song as files of their own, decoded where they are not there yet.

    Parameters
    ----------
    songs : path of each mp4 to the names of its audio streams, in their order
    title : what the songs are called where their size is stated, such as "MUSDB18"
    jobs : songs decoded at a time; all cores where not given
    progress : called with (done, total), once a song that has to be decoded

    Returns
    -------
    path of each mp4 to its stems and their files, or to why it cannot be decoded

    Raises
    ------
    CorpusError
        If something has to be decoded and there is no ffmpeg.
    OutputError
        If the disk has not enough room for what has to be decoded, or cannot be written.
    """
    raise NotImplementedError
