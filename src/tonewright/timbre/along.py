"""How a sound changes: its descriptors in windows along time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.audio.reading import SoundReader
from tonewright.errors import UsageError, nearest
from tonewright.timbre.description import Description, as_samples, described
from tonewright.timbre.names import DESCRIPTORS, EXTRAS, Mode
from tonewright.timbre.tables.settings import Settings

_BLOCK_FRAMES = 65_536


@dataclass(frozen=True, eq=False)
class Along:
    """Descriptors of a sound along time.

    Parameters
    ----------
    start_s, seconds : (windows,) where each window begins, and how long it is
    values : name to (windows,); the eight descriptors, then `EXTRAS`; NaN where a window has no value
    notes : of each window, why it has no value and what was done with it
    sample_rate, channels : of the sound
    """

    start_s: np.ndarray
    seconds: np.ndarray
    values: Mapping[str, np.ndarray]
    notes: tuple[str, ...]
    sample_rate: int
    channels: int

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.start_s)

    def __getitem__(self, name: str) -> np.ndarray:
        """The values of a descriptor or extra, (windows,)."""
        if name not in self.values:
            raise UsageError(f"there is no descriptor {name!r}; {nearest(name, self.values)}")
        return self.values[name]

    def rows(self) -> list[dict[str, Any]]:
        """A flat row a window: start_s, seconds, sample_rate, channels, the values, notes."""
        return [
            {
                "start_s": float(self.start_s[window]),
                "seconds": float(self.seconds[window]),
                "sample_rate": self.sample_rate,
                "channels": self.channels,
                **{name: float(values[window]) for name, values in self.values.items()},
                "notes": self.notes[window],
            }
            for window in range(len(self))
        ]

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Self:
        """The same from rows of one file, as a table holds them."""
        rows = list(rows)
        names = ("start_s", "seconds", *DESCRIPTORS, *EXTRAS)
        columns = {name: np.array([row[name] for row in rows], dtype=float) for name in names}
        start_s, seconds = columns.pop("start_s"), columns.pop("seconds")
        notes = tuple(row["notes"] or "" for row in rows)
        return cls(start_s, seconds, columns, notes, int(rows[0]["sample_rate"]), int(rows[0]["channels"]))


def along_time(
    sound: Clip | np.ndarray,
    sample_rate: int | None = None,
    *,
    window_s: float = 5.0,
    hop_s: float | None = None,
    mode: Mode = "corrected",
    raw: bool = False,
) -> Along:
    """Describe a sound in windows, each as if it were all there is: brought to −24 LUFS by itself.

    Window k covers [k · hop, k · hop + window). The last one ends with the sound and may be shorter, but not
    shorter than half a window, unless the whole sound is.

    Parameters
    ----------
    sound : a clip, or samples (time,) or (channels, time), full scale ±1
    sample_rate : of an array, in Hz
    window_s, hop_s : length of a window and from the start of one to the next; half a window where not given
    mode, raw : as for `describe`

    Raises
    ------
    UsageError
        If the array is no sound, its rate is missing, or a setting is none.
    """
    samples, rate = as_samples(sound, sample_rate)
    return _along([samples], rate, Settings(mode, raw, window_s, hop_s))


def along_file(
    path: str | os.PathLike[str],
    *,
    window_s: float = 5.0,
    hop_s: float | None = None,
    mode: Mode = "corrected",
    raw: bool = False,
) -> Along:
    """As `along_time`, of a sound file, in memory that does not grow with its length.

    NaN or infinite samples cost the windows that hold them.

    Raises
    ------
    AudioError
        If the file cannot be read.
    """
    settings = Settings(mode, raw, window_s, hop_s)
    with SoundReader(path, allow_nonfinite=True) as reader:
        return _along(reader.blocks(_BLOCK_FRAMES), reader.info.sample_rate, settings)


def _along(blocks: Iterable[np.ndarray], sample_rate: int, settings: Settings) -> Along:
    assert settings.window_s is not None
    assert settings.hop_s is not None
    window_frames = max(1, round(settings.window_s * sample_rate))
    hop_frames = max(1, round(settings.hop_s * sample_rate))
    starts: list[int] = []
    found: list[Description] = []
    for start, samples in windows_of(blocks, window_frames=window_frames, hop_frames=hop_frames):
        starts.append(start)
        found.append(described(samples, sample_rate, mode=settings.mode, raw=settings.raw))
    return Along(
        start_s=np.array(starts) / sample_rate,
        seconds=np.array([one.seconds for one in found]),
        values={name: np.array([one[name] for one in found]) for name in (*DESCRIPTORS, *EXTRAS)},
        notes=tuple(one.remarks() for one in found),
        sample_rate=sample_rate,
        channels=found[0].channels,
    )


def windows_of(
    blocks: Iterable[np.ndarray], *, window_frames: int, hop_frames: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Cut a sound that comes in blocks into windows; the rule for the last is that of `along_time`.

    Parameters
    ----------
    blocks : arrays (channels, time); at least one
    window_frames, hop_frames : length of a window, and from the start of one to that of the next

    Yields
    ------
    the frame at which the window begins, and its samples (channels, time)
    """
    parts: list[np.ndarray] = []
    held = start = skipped = 0
    for block in blocks:
        gone = min(skipped, block.shape[1])  # between windows, where a hop is longer than one
        skipped -= gone
        parts.append(block[:, gone:])
        held += block.shape[1] - gone
        if held < window_frames:
            continue
        joined = np.concatenate(parts, axis=1)
        while joined.shape[1] >= window_frames:
            yield start, np.ascontiguousarray(joined[:, :window_frames])
            skipped = max(0, hop_frames - joined.shape[1])
            joined, start = joined[:, hop_frames:], start + hop_frames
        parts, held = [joined], joined.shape[1]
    covered = max(0, window_frames - hop_frames)
    if not start or (held > covered and 2 * held >= window_frames):
        yield start, np.ascontiguousarray(np.concatenate(parts, axis=1))
