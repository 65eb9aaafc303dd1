"""Models to train: networks drawn or given, with what of them is to be learned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from tonewright.errors import NetworkError
from tonewright.reverb.gallery import given_lengths, random_rotation, sample_delay_lengths
from tonewright.reverb.network import FDNBuild
from tonewright.reverb.train.model import TrainableFDN

MatrixParam = Literal["orthogonal", "random"]


@dataclass(frozen=True)
class Trainable:
    """Which parts of a network are trained.

    Attributes
    ----------
    feedback : the feedback matrix A
    input_gain : B
    output_gain : C
    direct : the direct path D
    decay : decay time of each octave; the absorption becomes a graphic one
    delays : lengths of the delay lines, in parts of a sample while training and in whole samples after it
    tone : a graphic equaliser of each output
    early : gains of the early reflections
    pre_delay : delay before the late sound, in whole samples after training
    """

    feedback: bool = True
    input_gain: bool = True
    output_gain: bool = True
    direct: bool = False
    decay: bool = False
    delays: bool = False
    tone: bool = False
    early: bool = False
    pre_delay: bool = False


def build_fdn(
    *,
    delays: ArrayLike | None = None,
    N: int | None = None,
    rt: float | tuple[float, float] | None = 2.0,
    matrix: MatrixParam = "orthogonal",
    feedback: ArrayLike | None = None,
    input_gain: ArrayLike | None = None,
    output_gain: ArrayLike | None = None,
    direct: ArrayLike = 0.0,
    trainable: Trainable | None = None,
    fs: float = 48000.0,
    nfft: int = 2**14,
    output: str = "time",
    device: Any = None,
    dtype: Any = None,
    rng: np.random.Generator | int | None = None,
) -> TrainableFDN:
    """A network to train.

    Parameters
    ----------
    delays : (N,) lengths in whole samples; `N` coprime ones are drawn when not given
    N : number of delay lines, where `delays` is not given
    rt : decay time in seconds, those at 0 Hz and half the sample rate, or None for a lossless network
    matrix : "orthogonal" keeps the feedback matrix a rotation while it is trained, "random" leaves it free
    feedback : (N, N) feedback matrix at the start (default: a random rotation)
    input_gain : (N, inputs) (default: ones / √N)
    output_gain : (outputs, N) (default: ones / √N)
    direct : (outputs, inputs) or one number for all
    trainable : the parts that are trained (default: all of A, B and C)
    fs : sample rate in Hz
    nfft, output, device, dtype : as in `trainable_from_build`
    rng : generator or seed, for delays and feedback

    Returns
    -------
    the model
    """
    generator = np.random.default_rng(rng)
    lengths = given_lengths(N, delays)
    if lengths is None:
        lengths = sample_delay_lengths(int(N or 0), coprime=True, rng=generator)
    n = lengths.size
    a = random_rotation(n, rng=generator) if feedback is None else _shaped("feedback", feedback, (n, n))
    even = np.full(n, 1 / math.sqrt(n))
    b = _shaped("input_gain", even if input_gain is None else input_gain, (n, -1))
    c = _shaped("output_gain", even if output_gain is None else output_gain, (-1, n))
    shape = (c.shape[0], b.shape[1])
    given = np.asarray(direct, dtype=np.float64)
    d = np.full(shape, float(given)) if given.ndim == 0 else _shaped("direct", given, shape)
    build = FDNBuild(a, b, c, d, lengths, fs)
    return trainable_from_build(
        build if rt is None else with_decay(build, rt),
        trainable=trainable,
        matrix=matrix,
        nfft=nfft,
        output=output,
        device=device,
        dtype=dtype,
    )


def _shaped(name: str, values: Any, shape: tuple[int, int]) -> np.ndarray:
    """An array of two axes, one of which may be free (-1); a list of gains stands for one channel."""
    values = np.asarray(values, dtype=np.float64)
    words = " and ".join("any number" if axis < 0 else str(axis) for axis in shape)
    fixed = max(shape)
    flat = values.ndim < 2 and -1 in shape and values.size and values.size % fixed == 0
    values = values.reshape(shape) if flat else values
    if values.ndim != 2 or any(
        axis not in (-1, found) for axis, found in zip(shape, values.shape, strict=True)
    ):
        raise NetworkError(f"{name} has shape {values.shape}; it must be of {words}")
    return values


def trainable_from_build(
    build: FDNBuild,
    *,
    trainable: Trainable | None = None,
    matrix: MatrixParam = "orthogonal",
    nfft: int = 2**14,
    output: str = "time",
    device: Any = None,
    dtype: Any = None,
) -> TrainableFDN:
    """A model to train, starting from a network.

    Parameters
    ----------
    build : the network
    trainable : the parts that are trained (default: all of A, B and C)
    matrix : "orthogonal" keeps the feedback matrix a rotation while it is trained (with a determinant of -1
        its last column is turned, with a warning), "random" leaves it free
    nfft : samples of the response that the model computes, and length of its DFT
    output : "time" for responses, "magnitude" for their spectra; `train_fdn` sets what its mode measures
    device : where it is trained: None for the compiled engines, or "cuda", by name or as a torch.device
    dtype : precision while training, by NumPy, torch or name (default: float64, and float32 where Adam
        follows a response)

    Returns
    -------
    the model
    """
    return TrainableFDN(
        build,
        trainable=Trainable() if trainable is None else trainable,
        matrix=matrix,
        nfft=nfft,
        output=output,
        device=device,
        dtype=dtype,
    )


def with_decay(
    build: FDNBuild, rt: float | tuple[float, float], *, rt_crossover: float | None = None
) -> FDNBuild:
    """A copy of a network that decays alike at all its delays, which leaves its colour as it is.

    Parameters
    ----------
    build : the network
    rt : decay time (-60 dB) in seconds, or those at 0 Hz and half the sample rate
    rt_crossover : half the frequency in the middle of the shelf between the two, in Hz (default: an eighth
        of the sample rate)

    Returns
    -------
    the copy, with absorption of first order
    """
    from tonewright.reverb.absorption import shelf_absorption

    low, high = decay_pair(rt)
    return build.changed(
        filters=shelf_absorption(low, high, build.delays, build.fs, crossover_hz=rt_crossover)
    )


def decay_pair(rt: Any) -> tuple[float, float]:
    """Decay times in seconds at 0 Hz and half the sample rate, from one number or two."""
    values = np.asarray(rt, dtype=np.float64).ravel() if np.ndim(rt) < 2 else np.empty(0)
    if values.size not in (1, 2) or not np.isfinite(values).all() or (values <= 0).any():
        raise NetworkError(f"rt is {rt!r}; give a positive number of seconds, two of them, or None")
    return float(values[0]), float(values[-1])


def extract_build(model: TrainableFDN | FDNBuild) -> FDNBuild:
    """The network that a model stands for.

    Parameters
    ----------
    model : a model, trained or not; a network is returned as it is

    Returns
    -------
    the network
    """
    if isinstance(model, FDNBuild):
        return model
    if not isinstance(model, TrainableFDN):
        raise NetworkError(f"a {type(model).__name__} holds no network; give what build_fdn returns")
    return model.build
