"""Sounds for the benchmarks of timbre: a set of hard cases, damaged variants of recordings, a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from tonewright.audio.band import write_band
from tonewright.audio.clips import resample

SHARED = Path(__file__).parents[2] / "shared" / "audio"
SUFFIXES = (".wav", ".flac", ".ogg", ".aif", ".aiff")


def sounds_of(folder: Path | None, scratch: Path) -> tuple[list[Path], list[Path]]:
    """Clips to time, and all sounds to compare: of a folder, of the recordings beside the checkout, or made.

    A folder with a part named ``clips`` is timed by that part; the rest of it is compared only.
    """
    if folder is None:
        folder = SHARED
        if not folder.is_dir():
            folder = scratch / "band"
            write_band(folder, songs=5, seconds=6.0)
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES]
    found = [path for path in found if "rirs" not in path.parts]
    clips = [path for path in found if "clips" in path.parts]
    return clips or found[:27], found


def five_seconds(paths: list[Path], folder: Path) -> list[Path]:
    """The first 5 s of each, repeated where it is shorter, as 44.1 kHz stereo in 16 bits."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for path in paths:
        samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
        sound = resample(np.ascontiguousarray(samples.T[:2]), from_rate=rate, to_rate=44100)
        sound = np.repeat(sound, 2, axis=0) if len(sound) == 1 else sound
        sound = np.tile(sound, -(-220500 // sound.shape[1]))[:, :220500]
        made.append(folder / f"{path.stem}.wav")
        soundfile.write(made[-1], np.clip(sound, -1, 1).T, 44100, subtype="PCM_16")
    return made


def hard_cases(folder: Path) -> list[Path]:
    """Sounds that break descriptors: silence, one sample, DC, 8 kHz, −90 dBFS, NaN, nothing at all, …"""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number, (name, sound, rate) in enumerate(_cases()):
        path = folder / f"{number:02d}_{name}.wav"
        soundfile.write(path, sound.T, rate, subtype="FLOAT")
        made.append(path)
    return made


def _cases() -> Iterator[tuple[str, np.ndarray, int]]:
    rng, rate = np.random.default_rng(20), 44100
    noise = lambda seconds, channels=1, at=rate: np.clip(  # noqa: E731
        0.2 * rng.standard_normal((channels, round(seconds * at))), -1, 1
    )
    tone = lambda hz, seconds: 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)[None]  # noqa: E731
    impulse = np.zeros((1, rate))
    impulse[0, rate // 2] = 1.0
    yield "silence", np.zeros((1, rate)), rate
    yield "one_sample", np.full((1, 1), 0.5), rate
    yield "two_samples", np.array([[0.5, -0.5]]), rate
    yield "noise_1ms", noise(0.001), rate
    yield "noise_20ms", noise(0.02), rate
    yield "noise_50ms", noise(0.05), rate
    yield "noise_100ms", noise(0.1), rate
    yield "tone_100ms", tone(440, 0.1), rate
    yield "tone_500ms", tone(440, 0.5), rate
    yield "constant", np.full((1, 2 * rate), 0.5), rate
    yield "noise_and_constant", noise(2) + 0.5, rate
    yield "noise_full_scale", np.sign(rng.standard_normal((1, 5 * rate))) * rng.random((1, 5 * rate)), rate
    yield "sine_440", tone(440, 5), rate
    yield "sine_12k", tone(12000, 5), rate
    yield "sine_20", tone(20, 5), rate
    yield "impulse", impulse, rate
    yield "impulse_first", np.roll(impulse, -rate // 2, axis=1), rate
    yield "stereo_different", np.concatenate([noise(3), tone(440, 3)]), rate
    left = noise(3)
    yield "stereo_cancelling", np.concatenate([left, -left]), rate
    yield "four_channels", noise(3, 4), rate
    yield "noise_8k", noise(3, at=8000), 8000
    yield "noise_11025", noise(3, at=11025), 11025
    yield "noise_96k", noise(5, at=96000), 96000
    yield "noise_192k", noise(2, at=192000), 192000
    yield "clipped", np.clip(20 * noise(3), -1, 1), rate
    yield "noise_60s", noise(60), rate
    yield "noise_-90dBFS", 10 ** (-90 / 20) * rng.standard_normal((1, 5 * rate)), rate
    yield "leading_silence", np.concatenate([np.zeros((1, 2 * rate)), noise(1)], axis=1), rate
    yield "trailing_silence", np.concatenate([noise(1), np.zeros((1, 2 * rate))], axis=1), rate
    yield "multiple_of_a_frame", noise(4096 * 20 / rate), rate
    wrong = noise(1)
    wrong[0, 1000] = np.nan
    yield "one_nan", wrong, rate
    yield "empty", np.zeros((1, 0)), rate


def _gated(sound: np.ndarray, rate: int) -> np.ndarray:
    return np.where(np.abs(sound) < 0.01 * np.abs(sound).max(), 0.0, sound)


def _dropout(sound: np.ndarray, rate: int) -> np.ndarray:
    made = sound.copy()
    middle = made.shape[1] // 2
    made[:, middle - rate // 2 : middle + rate // 2] = 0.0
    return made


def _low(sound: np.ndarray, rate: int) -> np.ndarray:
    from scipy.signal import butter, sosfiltfilt

    return sosfiltfilt(butter(4, 3000, fs=rate, output="sos"), sound)


def _from_peak(sound: np.ndarray, rate: int) -> np.ndarray:
    return sound[:, int(np.argmax(np.abs(sound).max(axis=0))) :]


def _slice(seconds: float) -> Callable[[np.ndarray, int], np.ndarray]:
    def cut(sound: np.ndarray, rate: int) -> np.ndarray:
        start = sound.shape[1] // 2
        return sound[:, start : start + round(seconds * rate)]

    return cut


def _with_zeros(sound: np.ndarray, rate: int) -> np.ndarray:
    return np.concatenate([sound, np.zeros_like(sound)], axis=1)


# Name: what is done to a sound (channels, time) at its rate, and the subtype that it is kept in.
VARIANTS: dict[str, tuple[Callable[[np.ndarray, int], np.ndarray], str]] = {
    "down_40_dB": (lambda sound, rate: 0.01 * sound, "PCM_16"),
    "down_60_dB": (lambda sound, rate: 0.001 * sound, "PCM_16"),
    "down_60_dB_float": (lambda sound, rate: 0.001 * sound, "FLOAT"),
    "clipped_by_30_dB": (lambda sound, rate: np.clip(10**1.5 * sound, -1, 1), "PCM_16"),
    "dropout_1_s": (_dropout, "PCM_16"),
    "gated": (_gated, "PCM_16"),
    "then_silence": (_with_zeros, "PCM_16"),
    "below_3_kHz": (_low, "PCM_16"),
    "slice_20_ms": (_slice(0.02), "PCM_16"),
    "slice_250_ms": (_slice(0.25), "PCM_16"),
    "from_its_peak": (_from_peak, "PCM_16"),
    "at_24_kHz": (lambda sound, rate: resample(sound, from_rate=rate, to_rate=24000), "PCM_16"),
}


def variants(paths: list[Path], folder: Path) -> Iterator[tuple[str, Path]]:
    """Every recording damaged in every way: (kind, file)."""
    for kind, (change, subtype) in VARIANTS.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for path in paths:
            samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
            made = folder / kind / f"{path.stem}.wav"
            new_rate = 24000 if kind == "at_24_kHz" else rate
            soundfile.write(made, np.clip(change(samples.T, rate), -1, 1).T, new_rate, subtype=subtype)
            yield kind, made


def at_rates(path: Path) -> Iterator[tuple[int, np.ndarray]]:
    """The same sound at 44.1, 48 and 96 kHz, (channels, time) each, of what is below 20 kHz in it."""
    samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    first = resample(np.ascontiguousarray(samples.T), from_rate=rate, to_rate=44100)
    for other in (44100, 48000, 96000):
        yield other, resample(first, from_rate=44100, to_rate=other)
