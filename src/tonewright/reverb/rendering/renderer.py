"""A network that runs on sound, block after block."""

from __future__ import annotations

from typing import Any

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.engines.recursion import real_dtype
from tonewright.reverb.network import FDNBuild
from tonewright.reverb.rendering.parts import EarlySound, LateSound
from tonewright.reverb.response import as_build, settling_samples


class Renderer:
    """A network as a stream: sound goes in in blocks of any length, and the wet sound comes out.

    Joined, the blocks equal the whole, up to rounding. The output begins with the input; there is no latency.

    Parameters
    ----------
    network : FDNBuild or trainable network; it must be stable
    channels : of the sound; the network's inputs where not given. As many channels as inputs go straight in.
        One channel is copied to all inputs. Several channels go into a network of one input and one output
        through a copy of it each, and into one of several outputs by their mean.
    dtype : "float32" or "float64", of the computation and of the output
    """

    def __init__(self, network: Any, channels: int | None = None, dtype: Any = "float32") -> None:
        self.build = as_build(network)
        self.dtype = real_dtype(dtype)
        self.channels = self.build.inputs if channels is None else int(channels)
        self.copies = _copies(self.build, self.channels)
        self.outputs = self.build.outputs * self.copies
        self.tail_samples = settling_samples(self.build, refuse_unstable=True)
        self._late = [LateSound(self.build, self.dtype) for _ in range(self.copies)]
        self._early = [EarlySound(self.build, self.dtype) for _ in range(self.copies)]

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
        parts = self._inputs(np.ascontiguousarray(block, dtype=self.dtype))
        made = []
        for late, early, part in zip(self._late, self._early, parts, strict=True):
            wet = late.process(part)
            wet += early.process(part)
            made.append(wet)
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


def _copies(build: FDNBuild, channels: int) -> int:
    if channels < 1:
        raise NetworkError(f"a sound has at least 1 channel; got {channels}")
    if channels in (1, build.inputs):
        return 1
    if build.inputs == 1:
        return channels if build.outputs == 1 else 1
    raise NetworkError(
        f"the sound has {channels} channels and the network {build.inputs} inputs; "
        f"give it a sound of 1 or {build.inputs}"
    )
