"""Sound in memory through a network."""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from tonewright.audio.clips import Clip, fit_length, resample
from tonewright.errors import NetworkError
from tonewright.reverb.network import FDNBuild
from tonewright.reverb.rendering.renderer import Renderer


@overload
def render(network: Any, sound: Clip, *, mix: float = 1.0, tail: bool = True, dtype: Any = None) -> Clip: ...
@overload
def render(
    network: Any,
    sound: np.ndarray,
    *,
    sample_rate: int | None = None,
    mix: float = 1.0,
    tail: bool = True,
    dtype: Any = None,
) -> np.ndarray: ...


def render(
    network: Any,
    sound: Clip | np.ndarray,
    *,
    sample_rate: int | None = None,
    mix: float = 1.0,
    tail: bool = True,
    dtype: Any = None,
) -> Clip | np.ndarray:
    """A sound through a network.

    As many channels as inputs go straight in. One channel is copied to all inputs. Several channels go into a
    network of one input and one output through a copy of it each, and into one of several outputs by their
    mean. A sound of another rate is resampled to the network's and the wet sound back.

    Parameters
    ----------
    network : FDNBuild or trainable network; it must be stable
    sound : a clip, or (channels, time)
    sample_rate : of an array; the network's where not given
    mix : from 0, the sound as it was, to 1, the wet sound alone
    tail : let the sound ring until the slowest decay has fallen by 60 dB (a lossless network for 2 s, none
        for more than 60 s); otherwise the length is kept
    dtype : "float32" or "float64"; where not given, float64 for arrays of it and float32 otherwise

    Returns
    -------
    Clip, or (outputs, time), of the rate given
    """
    if isinstance(sound, Clip):
        made = render(network, sound.samples, sample_rate=sound.sample_rate, mix=mix, tail=tail, dtype=dtype)
        return Clip(made, sound.sample_rate)
    samples = np.asarray(sound)
    samples = samples[None] if samples.ndim == 1 else samples
    if samples.ndim != 2 or samples.shape[0] == 0:
        raise NetworkError(f"the sound has shape {samples.shape}; it must be (channels, time)")
    mix = checked_mix(mix)
    kind = np.float64 if dtype is None and samples.dtype == np.float64 else dtype or np.float32
    renderer = Renderer(network, samples.shape[0], kind)
    samples = np.asarray(samples, dtype=renderer.dtype)
    rate = round(renderer.build.fs) if sample_rate is None else sample_rate
    wet = _wet(renderer, samples, rate, tail=tail)
    return mixed(wet, fit_length(samples, wet.shape[1]), mix)


def render_arrays(
    samples: np.ndarray,
    A: np.ndarray,
    B: np.ndarray,
    C: np.ndarray,
    D: np.ndarray | float,
    delays: np.ndarray,
    filters: np.ndarray | None = None,
    *,
    sample_rate: float = 48000.0,
    mix: float = 1.0,
    tail: bool = False,
    dtype: Any = None,
) -> np.ndarray:
    """A sound through the network that these arrays describe, at the sound's own rate.

    Parameters
    ----------
    samples : (channels, time)
    A : (lines, lines)
    B : (lines, inputs)
    C : (outputs, lines)
    D : (outputs, inputs)
    delays : (lines,) whole samples
    filters : (sections, 6, lines) absorption, or None
    sample_rate : of the sound and the network
    mix, tail, dtype : as for `render`

    Returns
    -------
    (outputs, time)
    """
    build = FDNBuild(A, B, C, np.asarray(D), delays, fs=sample_rate, filters=filters)
    return render(build, samples, mix=mix, tail=tail, dtype=dtype)


def checked_mix(mix: float) -> float:
    """The mix, refused outside 0 to 1."""
    if not 0 <= mix <= 1:
        raise NetworkError(f"the mix is {mix}; choose from 0 (dry) to 1 (wet)")
    return float(mix)


def mixed(wet: np.ndarray, dry: np.ndarray, mix: float) -> np.ndarray:
    """Wet (outputs, time) and dry (channels, time) sound in one.

    Channels are matched by number, one channel is copied, and several become their mean.
    """
    if mix == 1:
        return wet
    if dry.shape[0] not in (1, wet.shape[0]):
        dry = dry.mean(axis=0, keepdims=True, dtype=dry.dtype)
    return wet * wet.dtype.type(mix) + dry * wet.dtype.type(1 - mix)


def _wet(renderer: Renderer, samples: np.ndarray, rate: int, *, tail: bool) -> np.ndarray:
    own, frames = round(renderer.build.fs), samples.shape[1]
    if frames == 0:
        return np.zeros((renderer.outputs, 0), renderer.dtype)
    made = [renderer.process(resample(samples, from_rate=rate, to_rate=own))]
    if tail:
        made.append(renderer.tail())
        frames += int(np.ceil(renderer.tail_samples * rate / own))
    wet = np.concatenate(made, axis=1) if tail else made[0]
    return np.ascontiguousarray(fit_length(resample(wet, from_rate=own, to_rate=rate), frames))
