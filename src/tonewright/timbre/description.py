"""All descriptors of one sound in one pass, and why some have no value."""

from __future__ import annotations

import gc
import importlib
import math
import numbers
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.errors import UsageError, nearest
from tonewright.timbre.names import DESCRIPTORS, EXTRAS, Mode, UnmeasurableError, checked_mode

if TYPE_CHECKING:
    from tonewright.timbre.sound import Hearing


@dataclass(frozen=True)
class Description:
    """What a sound is like.

    Parameters
    ----------
    values : the eight descriptors, then `EXTRAS`; NaN where the sound has no value
    reasons : name to why it has no value
    notes : what was done with the sound that its reader should know
    seconds, sample_rate, channels : of the sound as it came
    mode : "corrected" or "classic"
    """

    values: Mapping[str, float]
    seconds: float
    sample_rate: int
    channels: int
    mode: Mode = "corrected"
    reasons: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> float:
        """The value of a descriptor or extra; NaN where the sound has none."""
        if name not in self.values:
            raise UsageError(f"there is no descriptor '{name}'; {nearest(name, self.values)}")
        return self.values[name]

    def __iter__(self) -> Iterator[str]:
        """Names, the eight descriptors first."""
        return iter(self.values)

    def remarks(self) -> str:
        """Reasons and notes in one line; names that share a reason are named together."""
        shared: dict[str, list[str]] = {}
        for name, reason in self.reasons.items():
            if name in DESCRIPTORS or reason not in shared:
                shared.setdefault(reason, []).append(name)
        words = [
            reason if set(DESCRIPTORS) <= set(names) else f"{', '.join(names)}: {reason}"
            for reason, names in shared.items()
        ]
        return "; ".join([*words, *self.notes])

    def as_dict(self) -> dict[str, Any]:
        """One flat row: seconds, sample_rate, channels, the values, notes."""
        facts = {"seconds": self.seconds, "sample_rate": self.sample_rate, "channels": self.channels}
        return {**facts, **self.values, "notes": self.remarks()}


def describe(
    sound: Clip | np.ndarray,
    sample_rate: int | None = None,
    *,
    mode: Mode = "corrected",
    raw: bool = False,
) -> Description:
    """All eight descriptors and what comes with them, from one pass over the sound.

    Spectra, onsets, loudness and specific loudness are computed once and shared. A sound that has no value of
    a descriptor (silence, NaN, too short) gets NaN and a reason; nothing that can be heard raises.

    Parameters
    ----------
    sound : a clip, or samples (time,) or (channels, time), full scale ±1
    sample_rate : of an array, in Hz
    mode : "corrected", or "classic", which repeats the reference implementation with its faults
    raw : leave values that the regressions put outside 0 to 100

    Raises
    ------
    UsageError
        If the array is no sound, its rate is missing, or there is no such mode.
    """
    samples, rate = as_samples(sound, sample_rate)
    return described(samples, rate, mode=mode, raw=raw)


def described(
    samples: np.ndarray, sample_rate: int, *, mode: Mode, raw: bool, gain: float | None = None
) -> Description:
    """As `describe`, of samples (channels, time) that were checked; `gain` fixes the normalising gain."""
    facts = (samples.shape[1] / sample_rate, sample_rate, samples.shape[0], mode)
    try:
        with _without_collection():
            from tonewright.timbre.sound import Hearing

            hearing = Hearing(samples, sample_rate, mode=mode, gain=gain)
            values, reasons = measured(hearing)
    except UnmeasurableError as reason:
        names = (*DESCRIPTORS, *EXTRAS)
        return Description(dict.fromkeys(names, math.nan), *facts, dict.fromkeys(names, str(reason)))
    if not raw:
        values = {name: clipped(name, value) for name, value in values.items()}
    return Description(values, *facts, reasons, tuple(hearing.notes))


@contextmanager
def _without_collection() -> Iterator[None]:
    """No search for unreachable objects meanwhile: a first call, which compiles, makes a million objects."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def describe_file(path: str | PathLike[str], *, mode: Mode = "corrected", raw: bool = False) -> Description:
    """As `describe`, of a sound file.

    In the corrected mode a file longer than `long_files.WHOLE_S` seconds is described in pieces of half a
    minute, so that memory does not grow with its length; see `long_files.describe_long`.

    Raises
    ------
    AudioError
        If the file cannot be read, or its samples are NaN or infinite.
    """
    from tonewright.audio.reading import SoundReader
    from tonewright.timbre import long_files
    from tonewright.timbre.sound import LOWEST_HEARING_RATE_HZ

    checked_mode(mode)
    with SoundReader(path) as reader:
        rate = reader.info.sample_rate
        if rate < LOWEST_HEARING_RATE_HZ:
            found = described(reader.read(frames=1), rate, mode=mode, raw=raw)
            return replace(found, seconds=reader.info.frames / rate)
        if mode == "corrected" and reader.info.frames > long_files.WHOLE_S * rate:
            return long_files.describe_long(reader, raw=raw)
        samples = reader.read()
    return described(samples, rate, mode=mode, raw=raw)


def measured(hearing: Hearing) -> tuple[dict[str, float], dict[str, str]]:
    """Values of all descriptors and extras of a sound, unclipped, and the reasons of those that are NaN."""
    from tonewright.timbre.extras import extras

    values = dict.fromkeys((*DESCRIPTORS, *EXTRAS), math.nan)
    reasons: dict[str, str] = {}
    for name in DESCRIPTORS:
        try:
            found = model(name).features(hearing)
            values[name] = checked(model(name).value(found))
            if name == "reverb":
                values["reverb_probability"] = found.probability
        except UnmeasurableError as reason:
            reasons[name] = str(reason)
    try:
        values["reverb_time_s"] = reverberation_time_s(hearing)
    except UnmeasurableError as reason:
        reasons["reverb_time_s"] = str(reason)
    try:
        values |= extras(hearing)
        if not math.isfinite(values["loudness_lufs"]):
            values["loudness_lufs"] = math.nan
            reasons["loudness_lufs"] = (
                "no channel that counts for loudness sounds, or its rate is under 4 kHz"
            )
        missing = "the sound has no spectrum but its mean"
    except UnmeasurableError as reason:
        missing = str(reason)
    for name in EXTRAS:
        if math.isnan(values[name]) and name not in reasons:
            reasons[name] = reasons["reverb"] if name == "reverb_probability" else missing
    return values, reasons


def model(name: str) -> Any:
    """The module of a descriptor's model, with `features` and `value`."""
    return importlib.import_module(f"tonewright.timbre.models.{name}")


def checked(value: float) -> float:
    """The value as a plain number; an `UnmeasurableError` where arithmetic gave none."""
    if not math.isfinite(value):
        raise UnmeasurableError("the sound's features are outside of what the model can take")
    return float(value)


def clipped(name: str, value: float) -> float:
    """A descriptor on its scale of 0 to 100; what is on none is left as it is."""
    on_scale = name in DESCRIPTORS and name != "reverb"
    return min(max(value, 0.0), 100.0) if on_scale and math.isfinite(value) else value


def reverberation_time_s(hearing: Hearing) -> float:
    """The time that is heard; in the classic mode the one that the class is made from."""
    if not hearing.corrected:
        return model("reverb").features(hearing).mean_rt60
    from tonewright.timbre.blind_decay import reverberation_time

    return checked(reverberation_time(hearing.channels, hearing.channels_rate).time_s)


def as_samples(sound: Clip | np.ndarray, sample_rate: int | None) -> tuple[np.ndarray, int]:
    """Samples (channels, time) and rate of a clip, or of an array and its rate."""
    if isinstance(sound, Clip):
        if sample_rate not in (None, sound.sample_rate):
            raise UsageError(f"sample_rate={sample_rate}: the clip has {sound.sample_rate} Hz; leave it out")
        return sound.samples, sound.sample_rate
    if isinstance(sound, (str, PathLike)):
        raise UsageError(
            f"{os.fspath(sound)}: a path is no sound; describe_file(path) reads it, or read(path)"
        )
    samples = np.asarray(sound)
    if sample_rate is None:
        raise UsageError("sample_rate is missing: an array of samples needs it, as in brightness(x, 44100)")
    if not isinstance(sample_rate, numbers.Real) or not float(sample_rate).is_integer() or sample_rate <= 0:
        raise UsageError(f"sample_rate={sample_rate!r}: a rate is a whole number above 0")
    if samples.ndim == 1:
        samples = samples[None]
    if samples.ndim != 2 or samples.shape[0] == 0:
        raise UsageError(f"samples of shape {np.shape(sound)}: needs (time,) or (channels, time)")
    if not np.issubdtype(samples.dtype, np.floating):
        raise UsageError(f"samples of {samples.dtype}: needs floating point with full scale ±1")
    if samples.shape[0] > samples.shape[1] > 0 and samples.shape[0] > 64:
        raise UsageError(f"samples of shape {samples.shape}: needs (channels, time); transpose it")
    return samples, int(sample_rate)
