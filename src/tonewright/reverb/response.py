"""The impulse response of a whole network, and how long it takes to fade."""

from __future__ import annotations

from typing import Any

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.network import FDNBuild

LOSSLESS_S = 2.0
LONGEST_S = 60.0
_GRID = 4096


def impulse_response(network: Any, length: int | None = None, *, dtype: Any = "float64") -> np.ndarray:
    """Response of a whole network: early reflections, direct path and late sound.

    Parameters
    ----------
    network : FDNBuild, or a trainable network
    length : samples; where not given, until the slowest decay has fallen by 60 dB (`settling_samples`), and
        no fewer than the DFT length of a trainable network
    dtype : "float32" or "float64"

    Returns
    -------
    (time,) for one input and one output, (time, outputs) for one input, (time, outputs, inputs) otherwise
    """
    from tonewright.reverb.engines.recursion import real_dtype
    from tonewright.reverb.rendering.parts import LateSound

    build = as_build(network)
    if length is None:
        length = max(settling_samples(build), int(getattr(network, "nfft", 1)))
    if int(length) != length or length < 1:
        raise NetworkError(f"the length of the response is {length}; it must be at least 1 sample")
    response = np.empty((int(length), build.outputs, build.inputs), real_dtype(dtype))
    for k in range(build.inputs):
        impulse = np.zeros((build.inputs, int(length)), response.dtype)
        impulse[k, 0] = 1
        response[:, :, k] = LateSound(build, response.dtype).process(impulse).T
    response[0] += build.D
    if build.early is not None:
        inside = build.early.positions < length
        response[build.early.positions[inside]] += np.moveaxis(build.early.gains[:, :, inside], 2, 0)
    if build.inputs > 1:
        return response
    return response[:, 0, 0] if build.outputs == 1 else response[:, :, 0]


def settling_samples(build: FDNBuild, *, refuse_unstable: bool = False) -> int:
    """Samples until the slowest decay of a network has fallen by 60 dB.

    The way through the network (pre-delay, longest delay, early reflections) is counted; the tone filter is
    not. A lossless network counts as 2 s, and no decay as more than 60 s.

    Parameters
    ----------
    build : the network
    refuse_unstable : raise NetworkError for a network whose sound grows, which otherwise counts as lossless
    """
    from tonewright.reverb.stability import ROUNDING

    radius = decay_radius(build, refuse_unstable=refuse_unstable)
    decay = LOSSLESS_S * build.fs if radius >= 1 - ROUNDING else 0.0
    if 0 < radius < 1 - ROUNDING:
        decay = min(-3 / np.log10(radius), LONGEST_S * build.fs)
    early = 0 if build.early is None else int(build.early.positions.max(initial=-1)) + 1
    return max(build.pre_delay + int(build.delays.max()) + int(np.ceil(decay)), early)


def decay_radius(build: FDNBuild, *, refuse_unstable: bool = False) -> float:
    r"""Factor per sample by which the slowest decay falls, from above.

    Where feedback adds no energy, :math:`\|A\|_2 \le 1`, every pole z has
    :math:`|z| \le \max_i (\|A\|_2 |g_i(z)|)^{1/m_i}` with absorption g and delay m. Other networks are
    searched for their poles.

    Parameters
    ----------
    build : the network
    refuse_unstable : raise NetworkError for a network whose sound grows
    """
    from tonewright.reverb.absorption.sections import sections_response
    from tonewright.reverb.stability import ROUNDING, check_stable, loop_radius

    gains = np.ones((1, build.lines))
    if build.filters is not None:
        gains = np.abs(sections_response(build.filters, _GRID))
    bound = float(np.max((gains.max(axis=0) * np.linalg.norm(build.A, 2)) ** (1 / build.delays)))
    if bound <= 1 + ROUNDING:
        return bound
    return check_stable(build, "the network") if refuse_unstable else loop_radius(build)


def as_build(network: Any) -> FDNBuild:
    """The network itself, or the one that a trainable network has reached."""
    if isinstance(network, FDNBuild):
        return network
    from tonewright.reverb.train.build import extract_build

    return extract_build(network)
