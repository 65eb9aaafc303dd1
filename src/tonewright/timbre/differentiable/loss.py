"""How far sounds are from one another in timbre, as a loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch

from tonewright.errors import UsageError, nearest
from tonewright.timbre.differentiable.measures import DESCRIPTORS, measured

SCALES = {
    "depth": 18.8,
    "brightness": 17.3,
    "roughness": 18.5,
    "warmth": 14.0,
    "sharpness": 18.5,
    "boominess": 17.2,
}
"""Standard deviations of the descriptors, in points, over 222 recorded and synthetic sounds."""


class TimbreLoss(torch.nn.Module):
    """Distance of two batches over some descriptors, each divided by how much it varies from sound to sound.

    With d the descriptors, s their `SCALES` and w their weights, the mean over the batch of

        Σ w |d(estimate) − d(target)| / s / Σ w,

    or of the squares of these quotients. A sound that has no value of a descriptor, or whose target has
    none, is left out of the mean of that descriptor: a loss of timbre alone does not tell silence from sound.
    NaN in a sound makes the loss NaN.

    Parameters
    ----------
    sample_rate : in Hz, of all sounds
    descriptors : names, of `DESCRIPTORS`
    weights : of some descriptors by name; 1 for the rest
    distance : "absolute" or "squared"
    exact : as in `describe`
    """

    def __init__(
        self,
        sample_rate: int,
        *,
        descriptors: Sequence[str] = DESCRIPTORS,
        weights: Mapping[str, float] | None = None,
        distance: Literal["absolute", "squared"] = "absolute",
        exact: bool = True,
    ) -> None:
        super().__init__()
        for name in (*descriptors, *(weights or {})):
            if name not in SCALES:
                raise UsageError(f"there is no differentiable descriptor '{name}'; {nearest(name, SCALES)}")
        if not descriptors or distance not in ("absolute", "squared"):
            raise UsageError("a loss of timbre needs a descriptor, and a distance: absolute or squared")
        self.sample_rate, self.descriptors, self.distance = sample_rate, tuple(descriptors), distance
        self.weights = {name: float((weights or {}).get(name, 1.0)) for name in self.descriptors}
        self.exact = exact

    def forward(self, estimate: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Loss of one batch of sounds against another.

        Parameters
        ----------
        estimate, target : (batch, time) or (batch, channels, time); lengths and channels may differ

        Returns
        -------
        ()
        """
        values, measurable = self._measured(target)
        return self._total(*self._measured(estimate), values, measurable)

    def towards(self, estimate: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Loss of a batch of sounds against values that they are to have.

        Parameters
        ----------
        estimate : (batch, time) or (batch, channels, time)
        values : (batch, descriptors) or (descriptors,), in points, in the order of the descriptors; NaN where
            any will do

        Returns
        -------
        ()
        """
        found, measurable = self._measured(estimate)
        values = torch.as_tensor(values).to(found).broadcast_to(found.shape)
        return self._total(found, measurable, values.nan_to_num(), ~values.isnan())

    def _measured(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Values, and which of them count: those measured, and NaN."""
        values, measurable = measured(
            samples, self.sample_rate, descriptors=self.descriptors, exact=self.exact
        )
        return values, measurable | values.isnan()

    def _total(
        self, found: torch.Tensor, measurable: torch.Tensor, wanted: torch.Tensor, known: torch.Tensor
    ) -> torch.Tensor:
        scales = found.new_tensor([SCALES[name] for name in self.descriptors])
        weights = found.new_tensor([self.weights[name] for name in self.descriptors])
        distances = ((found - wanted) / scales).abs()
        if self.distance == "squared":
            distances = distances**2
        counted = measurable & known
        means = torch.where(counted, distances, 0).sum(0) / counted.sum(0).clamp(min=1)
        return (weights * means).sum() / weights.sum()
