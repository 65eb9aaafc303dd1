"""A batch as the models hear it; what several of them need is computed once, when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch

from tonewright.errors import UsageError
from tonewright.timbre.branches import ABOVE_HZ, BELOW_HZ, LOWEST_HZ
from tonewright.timbre.differentiable.filtering import (
    butterworth_response,
    filtered,
    transform_length,
)
from tonewright.timbre.differentiable.framing import within
from tonewright.timbre.differentiable.front import front
from tonewright.timbre.differentiable.specific_loudness import SpecificLoudness, specific_loudness
from tonewright.timbre.sound import Hearing


class Branches(NamedTuple):
    """Sounds through chains of filters, (batch, time) each, all divided by the peak of the first."""

    above_20: torch.Tensor
    above_100: torch.Tensor
    above_2000: torch.Tensor
    below_500: torch.Tensor
    below_2000: torch.Tensor


class Sounds:
    """A batch as the models hear it: mono at 44.1 kHz and −24 LUFS.

    Parameters
    ----------
    samples : (batch, time) or (batch, channels, time)
    sample_rate : in Hz
    exact : the values of the models in NumPy; else smooth ones that have exactly the gradient given

    Attributes
    ----------
    precise : (batch, time) float64 where the device has it, zero beyond each sound's length
    samples : (batch, time), the same in the precision that came
    lengths : (batch,), in samples
    audible : (batch,), False for silence, for which a tone stands in
    broken : (batch,), True where samples are NaN or infinite, for which it stands in too
    """

    def __init__(self, samples: torch.Tensor, sample_rate: int, *, exact: bool = True) -> None:
        if not isinstance(samples, torch.Tensor):
            words = "needs a torch.Tensor; use timbre.describe for arrays"
            raise UsageError(f"samples of {type(samples).__name__}: a differentiable descriptor {words}")
        self.precise, self._taken = front(samples, sample_rate, exact=exact)
        self.samples = self.precise.to(samples.dtype)
        self.exact = exact
        self.lengths = np.array([each.length for each in self._taken])
        states = [each.state for each in self._taken]
        self.audible = torch.tensor([state == "audible" for state in states], device=samples.device)
        self.broken = torch.tensor([state == "broken" for state in states], device=samples.device)

    @cached_property
    def hearings(self) -> list[Hearing]:
        """Each sound for the models in NumPy, which take the decisions."""
        return [Hearing(each.channels, each.sample_rate) for each in self._taken]

    @cached_property
    def branches(self) -> Branches:
        """The sounds through high-passes and low-passes."""
        time = self.samples.shape[-1]
        n_fft = transform_length(time)
        spectrum = torch.fft.rfft(self.samples, n=n_fft)
        inside = within(self.lengths, time, self.samples)
        first = butterworth_response("high", LOWEST_HZ, n_fft)
        above_20 = filtered(spectrum, first, n_fft=n_fft, time=time) * inside
        rest = [("high", ABOVE_HZ[0]), ("high", ABOVE_HZ[1]), ("low", BELOW_HZ[0]), ("low", BELOW_HZ[1])]
        parts = [
            filtered(spectrum, first * butterworth_response(kind, cutoff_hz, n_fft), n_fft=n_fft, time=time)
            for kind, cutoff_hz in rest
        ]
        scale = 1 / above_20.abs().amax(-1, keepdim=True).clamp_min(torch.finfo(above_20.dtype).tiny)
        return Branches(above_20 * scale, *(part * inside * scale for part in parts))

    @cached_property
    def specific(self) -> SpecificLoudness:
        """Specific loudness of frames of 4096 samples."""
        return specific_loudness(self.samples, self.lengths, exact=self.exact)
