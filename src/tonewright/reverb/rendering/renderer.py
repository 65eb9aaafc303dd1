"""A network that runs on sound, block after block."""

from __future__ import annotations

from typing import Any

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.engines.recursion import line_filters, real_dtype
from tonewright.reverb.engines.recursion_kernels import advance
from tonewright.reverb.network import FDNBuild
from tonewright.reverb.response import as_build, decay_radius, settling_samples

_CHUNK = 8192


class Renderer:
    """A network as a stream: sound goes in in blocks of any length, and the wet sound comes out.

    Joined, the blocks equal the whole, up to rounding. The output begins with the input; there is no latency.

    Parameters
    ----------
    network : FDNBuild or trainable network; it must be stable
    channels : of the sound; the network's inputs where not given. As many channels as inputs go straight in. One
        channel is copied to all inputs. Several channels go into a network of one input and one output
        through a copy of it each, and into one of several outputs by their mean.
    dtype : "float32" or "float64", of the computation and of the output
    """

    def __init__(self, network: Any, channels: int | None = None, dtype: Any = "float32") -> None:
        self.build = checked_build(network)
        self.dtype = real_dtype(dtype)
        self.channels = self.build.inputs if channels is None else int(channels)
        self.copies = _copies(self.build, self.channels)
        self.outputs = self.build.outputs * self.copies
        self.tail_samples = settling_samples(self.build)
        self._late = [_Late(self.build, self.dtype) for _ in range(self.copies)]
        self._early = [_Early(self.build, self.dtype) for _ in range(self.copies)]

    def process(self, block: np.ndarray) -> np.ndarray:
        """The wet sound while a block goes in.

        Parameters
        ----------
        block : (channels, time), of any length

        Returns
        -------
        (outputs, time)
        """
        block = np.asarray(block)
        if block.ndim != 2 or block.shape[0] != self.channels:
            raise NetworkError(f"the block has shape {block.shape}; it must be ({self.channels}, time)")
        if not np.isfinite(block).all():
            raise NetworkError("the sound holds NaN or infinite samples; repair them first")
        block = np.ascontiguousarray(block, dtype=self.dtype)
        parts = self._inputs(block)
        made = [
            late.process(part) + early.process(part)
            for late, early, part in zip(self._late, self._early, parts, strict=True)
        ]
        return made[0] if len(made) == 1 else np.concatenate(made)

    def tail(self, samples: int | None = None) -> np.ndarray:
        """What is still to come when no more sound goes in.

        Parameters
        ----------
        samples : how much; until the slowest decay has fallen by 60 dB where not given (`tail_samples`)

        Returns
        -------
        (outputs, samples)
        """
        count = self.tail_samples if samples is None else samples
        return self.process(np.zeros((self.channels, count), self.dtype))

    def _inputs(self, block: np.ndarray) -> list[np.ndarray]:
        if self.copies > 1:
            return [block[channel : channel + 1] for channel in range(self.copies)]
        if self.channels == self.build.inputs:
            return [block]
        if self.channels == 1:
            return [np.repeat(block, self.build.inputs, axis=0)]
        return [block.mean(axis=0, keepdims=True, dtype=self.dtype)]


def checked_build(network: Any) -> FDNBuild:
    """The network as data, refused where it is unstable."""
    build = as_build(network)
    if float(np.linalg.norm(build.A, 2)) > 1 + 1e-9 or decay_radius(build) > 1 + 1e-9:
        from tonewright.reverb.stability import check_stable

        check_stable(build, "the network")
    return build


def _copies(build: FDNBuild, channels: int) -> int:
    if channels < 1:
        raise NetworkError(f"a sound has at least 1 channel; got {channels}")
    if channels in (1, build.inputs):
        return 1
    if build.inputs == 1:
        return channels if build.outputs == 1 else 1
    raise NetworkError(
        f"the sound has {channels} channels and the network {build.inputs} inputs; give it 1 or {build.inputs}"
    )


class _Late:
    """The lines of a network with their history, pre-delay and tone filter."""

    def __init__(self, build: FDNBuild, dtype: np.dtype) -> None:
        gains, self.coefficients = line_filters(build.filters, build.lines)
        self.delays, self.dtype, self.build = build.delays, dtype, build
        upper = np.concatenate([build.A * gains, build.B], axis=1)
        lower = np.concatenate([build.C * gains, np.zeros_like(build.D)], axis=1)
        self.matrix = np.ascontiguousarray(np.concatenate([upper, lower]), dtype=dtype)
        self.pad = max(int(build.delays.max()), build.pre_delay)
        self.chunk = max(_CHUNK, self.pad)
        self.state = np.zeros((build.lines + build.inputs, self.pad + self.chunk), dtype)
        self.memory = np.zeros((self.coefficients.shape[0], 4, build.lines))
        self.tone = None
        if build.post_eq is not None:
            self.tone = np.zeros((build.outputs, build.post_eq.shape[0], 2), dtype)

    def process(self, block: np.ndarray) -> np.ndarray:
        """(inputs, time) to (outputs, time)."""
        made = np.zeros((self.build.outputs, block.shape[1]), self.dtype)
        for start in range(0, block.shape[1], self.chunk):
            part = block[:, start : start + self.chunk]
            made[:, start : start + part.shape[1]] = self._chunk(part)
        if self.tone is not None:
            self._equalise(made)
        return made

    def _chunk(self, part: np.ndarray) -> np.ndarray:
        state, count, entry = self.state, part.shape[1], self.build.pre_delay
        state[self.delays.size :, entry : entry + count] = part
        output = np.zeros((self.build.outputs, count), self.dtype)
        advance(state, output, self.matrix, self.delays, self.coefficients, self.memory, 0, count, 1)
        state[:, : self.pad] = state[:, count : count + self.pad].copy()
        return output

    def _equalise(self, made: np.ndarray) -> None:
        from scipy.signal import sosfilt

        assert self.tone is not None
        assert self.build.post_eq is not None
        for output, row in enumerate(made):
            sections = self.build.post_eq[:, :, output].astype(self.dtype)
            row[:], self.tone[output] = sosfilt(sections, row, zi=self.tone[output])


class _Early:
    """The direct path and the early reflections, with what they still have to give."""

    def __init__(self, build: FDNBuild, dtype: np.dtype) -> None:
        length = 1
        if build.early is not None:
            length = int(build.early.positions.max(initial=0)) + 1
        self.impulse = np.zeros((build.outputs, build.inputs, length), dtype)
        self.impulse[:, :, 0] = build.D
        if build.early is not None:
            self.impulse[:, :, build.early.positions] += build.early.gains
        self.held = np.zeros((build.outputs, length - 1), dtype)

    def process(self, block: np.ndarray) -> np.ndarray:
        """(inputs, time) to (outputs, time)."""
        from scipy.signal import oaconvolve

        count = block.shape[1]
        if not self.impulse.any() or not count:
            return np.zeros((self.impulse.shape[0], count), block.dtype)
        made = oaconvolve(block[None], self.impulse, axes=-1).sum(axis=1)
        made[:, : self.held.shape[1]] += self.held
        self.held = made[:, count:].copy()
        return made[:, :count]
