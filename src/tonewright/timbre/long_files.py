"""Long files in bounded memory: two passes, the second in pieces of half a minute."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tonewright.audio.clips import equal_blocks, resample_blocks
from tonewright.timbre.names import DESCRIPTORS, EXTRAS, UnmeasurableError

if TYPE_CHECKING:
    from tonewright.audio.reading import SoundReader
    from tonewright.timbre.description import Description
    from tonewright.timbre.loudness import LoudnessMeter

# Longer files are described in pieces.
WHOLE_S = 60
PIECE_S = 30
_BLOCK_FRAMES = 1 << 18
# Means over all frames follow the length of the pieces, all others their energy.
_BY_LENGTH = ("roughness", "flatness", "onsets_per_s", "reverb_probability", "reverb_time_s")


def describe_long(reader: SoundReader, *, raw: bool) -> Description:
    """Describe a long file in the corrected mode, in memory that does not grow with its length.

    The first pass measures loudness, peak and whether the channels cancel, so that every piece is heard at
    the gain of the whole. The second cuts the file into equal pieces of half a minute; a value of the whole
    is the mean over those pieces that have one,

        v = Σ w v_piece / Σ w,   w the energy of the piece, or its length for `_BY_LENGTH`;

    of roughness, the mean before its logarithm is taken.

    Parameters
    ----------
    reader : an open file
    raw : leave values that the regressions put outside 0 to 100
    """
    from tonewright.timbre.description import Description, clipped
    from tonewright.timbre.front import SILENT_PEAK

    info = reader.info
    survey = _surveyed(reader)
    count = math.ceil(info.frames / info.sample_rate / PIECE_S)
    means = _means(survey, math.ceil(survey.meter.length / count))
    values, reasons = means.result()
    if math.isfinite(values["reverb_probability"]):
        values["reverb"] = float(values["reverb_probability"] >= 0.5)
    if survey.meter.peak > SILENT_PEAK:
        values["loudness_lufs"] = survey.loudness_lufs()
        values["crest_db"] = survey.meter.crest_db()
    if not raw:
        values = {name: clipped(name, value) for name, value in values.items()}
    notes = (*survey.notes, f"described in {count} pieces")
    seconds = info.frames / info.sample_rate
    return Description(values, seconds, info.sample_rate, info.channels, "corrected", reasons, notes)


class _Survey:
    """What the first pass finds; `channel` is the one to listen to where the mean of all is silent."""

    def __init__(self, reader: SoundReader, channel: int | None = None) -> None:
        from tonewright.timbre.loudness import LoudnessMeter

        self.reader, self.channel = reader, channel
        self.notes: tuple[str, ...] = ()
        self.meter: LoudnessMeter = LoudnessMeter()
        self.meters: list[LoudnessMeter] = [LoudnessMeter() for _ in range(reader.info.channels)]
        self.mono_power, self.powers = 0.0, np.zeros(reader.info.channels)
        for block in self.blocks():
            mono = np.asarray(np.mean(block, axis=0, dtype=np.float64))
            self.meter.add(mono)
            self.mono_power += float(np.var(mono)) * mono.size
            if self.channel is None and len(block) > 1:
                for number, meter in enumerate(self.meters):
                    meter.add(block[number])
            self.powers[: block.shape[0]] += np.var(block, axis=1, dtype=np.float64) * block.shape[1]

    def loudness_lufs(self) -> float:
        """Of all channels, at 44.1 kHz."""
        from tonewright.timbre.loudness import loudness_together

        many = len(self.meters) > 1
        return loudness_together(self.meters) if many else self.meter.loudness_lufs()

    def blocks(self) -> Iterator[np.ndarray]:
        """The sound at 44.1 kHz, (channels, time)."""
        from tonewright.timbre.sound import RATE_HZ

        rate = self.reader.info.sample_rate
        blocks = self.reader.blocks(math.ceil(_BLOCK_FRAMES * min(1.0, rate / RATE_HZ)))
        chosen = blocks if self.channel is None else (block[self.channel][None] for block in blocks)
        if rate == RATE_HZ:
            return iter(chosen)
        return resample_blocks(chosen, from_rate=rate, to_rate=RATE_HZ)


def _surveyed(reader: SoundReader) -> _Survey:
    """The first pass; a second of its kind where the channels cancel."""
    from tonewright.timbre.front import CANCELLED

    survey = _Survey(reader)
    if survey.powers.size > 1 and survey.mono_power < CANCELLED * survey.powers.mean():
        meters = survey.meters
        survey = _Survey(reader, int(survey.powers.argmax()))
        survey.meters = meters
        survey.notes = ("the channels cancel in their mean; the loudest one was measured alone",)
    return survey


def _means(survey: _Survey, frames: int) -> _Means:
    """Values of all pieces of so many frames."""
    from tonewright.timbre.description import measured
    from tonewright.timbre.front import SILENT_PEAK
    from tonewright.timbre.loudness import gain_of
    from tonewright.timbre.sound import RATE_HZ, Hearing

    means = _Means()
    if survey.meter.peak <= SILENT_PEAK:
        means.missed(dict.fromkeys((*DESCRIPTORS, *EXTRAS), "silence"))
        return means
    gain = gain_of(survey.meter.loudness_lufs(), survey.meter.peak)
    for piece in equal_blocks(survey.blocks(), frames):
        try:
            hearing = Hearing(piece, RATE_HZ, mode="corrected", gain=gain)
            values, reasons = measured(hearing)
        except UnmeasurableError as reason:
            values, reasons = {}, dict.fromkeys((*DESCRIPTORS, *EXTRAS), str(reason))
        means.add(values, energy=float(np.var(piece, dtype=np.float64)) * frames, frames=frames)
        means.missed(reasons)
    return means


class _Means:
    """Weighted means of the values of pieces, and why a value has none."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = defaultdict(float)
        self._weights: dict[str, float] = defaultdict(float)
        self._reasons: dict[str, str] = {}

    def add(self, values: dict[str, float], *, energy: float, frames: int) -> None:
        """Take in the values of one piece."""
        from tonewright.timbre.models.roughness import mean_roughness

        for name, value in values.items():
            if math.isfinite(value):
                weight = float(frames) if name in _BY_LENGTH else energy
                self._sums[name] += weight * (mean_roughness(value) if name == "roughness" else value)
                self._weights[name] += weight

    def missed(self, reasons: dict[str, str]) -> None:
        """Take in why values are missing; the first reason is kept."""
        for name, reason in reasons.items():
            self._reasons.setdefault(name, reason)

    def result(self) -> tuple[dict[str, float], dict[str, str]]:
        """Values, NaN where no piece has one, and the reasons of those."""
        from tonewright.timbre.models.roughness import RoughnessFeatures, value

        names = (*DESCRIPTORS, *EXTRAS)
        values = {
            name: self._sums[name] / self._weights[name] if self._weights[name] > 0 else math.nan
            for name in names
        }
        if math.isfinite(values["roughness"]):
            values["roughness"] = value(RoughnessFeatures(values["roughness"]))
        reasons = {name: self._reasons.get(name, "silence") for name in names if math.isnan(values[name])}
        return values, reasons
