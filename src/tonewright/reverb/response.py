"""The impulse response of a whole network, and how long it takes to fade."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.signal import freqz_sos, sosfilt

from tonewright.errors import NetworkError
from tonewright.reverb.network import FDNBuild

LOSSLESS_S = 2.0
LONGEST_S = 60.0
_GRID = 1024
_SLACK = 1e-9


def impulse_response(network: Any, length: int | None = None, *, dtype: Any = "float64") -> np.ndarray:
    """Response of a whole network: early reflections, direct path and late sound.

    Parameters
    ----------
    network : FDNBuild, or a trainable network
    length : samples; where not given, until the slowest decay has fallen by 60 dB (`settling_samples`), and no
        fewer than the DFT length of a trainable network
    dtype : "float32" or "float64"

    Returns
    -------
    (time,) for one input and one output, (time, outputs) for one input, (time, outputs, inputs) otherwise
    """
    from tonewright.reverb.engines.recursion import RecursionEngine, real_dtype

    build = as_build(network)
    kind = real_dtype(dtype)
    if length is None:
        length = max(settling_samples(build), int(getattr(network, "nfft", 1)))
    if length < 1:
        raise NetworkError(f"the length of the response is {length}; it must be at least 1 sample")
    response = np.zeros((length, build.outputs, build.inputs), kind)
    late = length - build.pre_delay
    if late > 0:
        engine = RecursionEngine(build.delays, length=late, filters=build.filters, dtype=kind)
        response[build.pre_delay :] = engine.response(build.A, build.B, build.C, np.zeros_like(build.D))
        if build.post_eq is not None:
            for output in range(build.outputs):
                sections = build.post_eq[:, :, output].astype(kind)
                response[:, output] = sosfilt(sections, response[:, output], axis=0)
    response[0] += build.D
    if build.early is not None:
        inside = build.early.positions < length
        response[build.early.positions[inside]] += np.moveaxis(build.early.gains[:, :, inside], 2, 0)
    return (
        response[:, 0, 0]
        if build.outputs == build.inputs == 1
        else (response[:, :, 0] if build.inputs == 1 else response)
    )


def settling_samples(build: FDNBuild) -> int:
    """Samples until the slowest decay of a network has fallen by 60 dB.

    The way through the network (pre-delay, longest delay, early reflections) is counted; the tone filter is not.
    A lossless network counts as 2 s, and no network as more than 60 s.
    """
    radius = decay_radius(build)
    way = build.pre_delay + int(build.delays.max())
    decay = LOSSLESS_S * build.fs if radius >= 1 - _SLACK else 0.0
    if 0 < radius < 1 - _SLACK:
        decay = min(-3 / np.log10(radius), LONGEST_S * build.fs)
    early = 0 if build.early is None else int(build.early.positions.max(initial=-1)) + 1
    return max(way + int(np.ceil(decay)), early)


def decay_radius(build: FDNBuild) -> float:
    r"""Factor per sample by which the slowest decay falls, from above.

    Where no feedback adds energy, :math:`\|A\|_2 \le 1`, a pole z of the network has
    :math:`|z| \le \max_i |g_i|^{1/m_i}` for absorption g and delay m. Other networks are searched for their poles.
    """
    norm = float(np.linalg.norm(build.A, 2))
    if norm <= 1 + _SLACK:
        return float(np.max((norm * _peak_gains(build)) ** (1 / build.delays)))
    from tonewright.reverb.stability import loop_radius

    return float(loop_radius(build))


def as_build(network: Any) -> FDNBuild:
    """The network itself, or the one that a trainable network has reached."""
    if isinstance(network, FDNBuild):
        return network
    from tonewright.reverb.build import extract_build

    return extract_build(network)


def _peak_gains(build: FDNBuild) -> np.ndarray:
    """Largest gain of each line's absorption over frequency, (lines,)."""
    if build.filters is None:
        return np.ones(build.lines)
    high = np.geomspace(1e-4, np.pi, _GRID)
    angles = np.concatenate([[0.0], high])
    return np.array([np.abs(freqz_sos(build.filters[:, :, i], angles)[1]).max() for i in range(build.lines)])
