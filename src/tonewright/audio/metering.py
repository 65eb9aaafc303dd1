"""What one sound is like, from blocks of it: levels, clipping, offset, bandwidth, a digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from tonewright.audio.bandwidth import edge_hz, mean_spectrum
from tonewright.audio.headers import SoundInfo
from tonewright.dsp.levels import db_from_amplitude

SILENT_PEAK_DB = -60.0
OFFSET_LIMIT = 0.01
# One step of 16 bits below full scale is the highest positive value of a 16-bit file.
FULL_SCALE = 1 - 2.0**-15
CLIPPED_SAMPLES = 3


@dataclass(frozen=True)
class FileReport:
    """What one sound is like.

    Parameters
    ----------
    path : absolute
    name : of the file, or of the section of one
    track : which track it belongs to
    labels : of the track
    start : frame of the file at which the sound begins
    seconds, sample_rate, channels, container, encoding : its format
    rms_db, peak_db : over all channels, dB below full scale, not under −120
    clipped_runs : how often a channel stays at full scale for three samples or more
    silent : whether the peak is under −60 dB
    dc_offset : the mean of the channel where it is farthest from 0
    bandwidth_hz : highest frequency within 60 dB of the peak of the mean spectrum
    nonfinite : number of NaN and infinite samples; they count as 0 in the levels
    digest : hash of the rate and the samples as float32
    duplicate_of : name of an earlier sound with the same digest, in another track
    """

    path: str
    name: str
    track: str
    labels: tuple[str, ...]
    start: int
    seconds: float
    sample_rate: int
    channels: int
    container: str
    encoding: str
    rms_db: float
    peak_db: float
    clipped_runs: int
    silent: bool
    dc_offset: float
    bandwidth_hz: float
    nonfinite: int
    digest: str
    duplicate_of: str | None = None

    @property
    def off_centre(self) -> bool:
        """Whether the offset is worth a word: more than 1 % of full scale."""
        return abs(self.dc_offset) > OFFSET_LIMIT


class Meter:
    """Running sums over the blocks of one sound.

    Parameters
    ----------
    info : of its file
    name, track, labels : as in `FileReport`
    section : first frame and number of frames where it is not the whole file
    """

    def __init__(
        self,
        info: SoundInfo,
        *,
        name: str,
        track: str = "",
        labels: tuple[str, ...] = (),
        section: tuple[int, int] | None = None,
    ) -> None:
        self._info, self._name, self._track, self._labels = info, name, track, labels
        self._start, self._frames = section or (0, info.frames)
        self._hash = hashlib.blake2b(f"{info.sample_rate} {info.channels} ".encode(), digest_size=16)
        self._sums = np.zeros(info.channels)
        self._squares = 0.0
        self._peak = 0.0
        self._spectrum: np.ndarray | None = None
        self._frequencies = np.zeros(0)
        self._nonfinite = 0
        self._runs = [_Runs() for _ in range(info.channels)]

    def add(self, block: np.ndarray) -> None:
        """Take in one block (channels, time)."""
        # Adding 0 turns −0 into +0: they sound the same.
        self._hash.update((np.ascontiguousarray(block.T) + np.float32(0)).data)
        finite = np.isfinite(block)
        if not finite.all():
            self._nonfinite += int(block.size - finite.sum())
            block = np.where(finite, block, np.float32(0))
        self._sums += block.sum(axis=1, dtype=np.float64)
        wide = block.astype(np.float64)
        self._squares += float(np.vdot(wide, wide))
        self._add_spectrum(block)
        sizes = np.abs(block)
        self._peak = max(self._peak, float(sizes.max()))
        for runs, channel in zip(self._runs, sizes >= FULL_SCALE, strict=True):
            runs.add(channel)

    def _add_spectrum(self, block: np.ndarray) -> None:
        power, frequencies = mean_spectrum(block, sample_rate=self._info.sample_rate)
        power *= block.shape[1]
        self._frequencies = frequencies
        self._spectrum = power if self._spectrum is None else self._spectrum + power

    def report(self) -> FileReport:
        """The sums as a report."""
        info = self._info
        rms = (self._squares / (self._frames * info.channels)) ** 0.5
        means = self._sums / self._frames
        peak_db = float(db_from_amplitude(np.asarray(self._peak)))
        return FileReport(
            path=info.path,
            name=self._name,
            track=self._track,
            labels=self._labels,
            start=self._start,
            seconds=self._frames / info.sample_rate,
            sample_rate=info.sample_rate,
            channels=info.channels,
            container=info.container,
            encoding=info.encoding,
            rms_db=float(db_from_amplitude(np.asarray(rms))),
            peak_db=peak_db,
            clipped_runs=sum(runs.count() for runs in self._runs),
            silent=peak_db < SILENT_PEAK_DB,
            dc_offset=float(means[np.abs(means).argmax()]),
            bandwidth_hz=0.0 if self._spectrum is None else edge_hz(self._spectrum, self._frequencies),
            nonfinite=self._nonfinite,
            digest=self._hash.hexdigest(),
        )


class _Runs:
    """Counts runs of full-scale samples in one channel that comes in blocks."""

    def __init__(self) -> None:
        self._finished = 0
        self._open = 0

    def add(self, full: np.ndarray) -> None:
        """Take in one block (time,) of truth values."""
        if not full.any():
            self._close()
            return
        edges = np.flatnonzero(np.diff(full.astype(np.int8), prepend=0, append=0))
        lengths = edges[1::2] - edges[::2]
        if full[0]:
            lengths[0] += self._open
            self._open = 0
        self._close()
        if full[-1]:
            self._open = int(lengths[-1])
            lengths = lengths[:-1]
        self._finished += int((lengths >= CLIPPED_SAMPLES).sum())

    def count(self) -> int:
        """Runs so far, the one that reaches the end included."""
        return self._finished + (self._open >= CLIPPED_SAMPLES)

    def _close(self) -> None:
        self._finished += self._open >= CLIPPED_SAMPLES
        self._open = 0
