"""Several transforms, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from tonewright.audio.augment.base import TRANSFORMS, Donor, Parameters, Transform
from tonewright.errors import UsageError, nearest


@dataclass(frozen=True)
class Chain:
    """Transforms in order, each with a seed of its own derived from the one of the chain.

    Parameters
    ----------
    transforms : the first is applied first
    """

    transforms: tuple[Transform, ...] = ()

    def draw(self, seed: int) -> Parameters:
        """The parameters that belong to a seed: those of each transform, in order, under "steps"."""
        seeds = np.random.SeedSequence(seed % 2**64).generate_state(max(1, len(self.transforms)), np.uint64)
        drawn = zip(self.transforms, seeds, strict=False)
        return {"steps": [transform.draw(int(own)) for transform, own in drawn]}

    def input_frames(self, frames: int, parameters: Mapping[str, Any]) -> int:
        """How many frames must go in for `frames` to come out."""
        for transform, step in reversed(list(zip(self.transforms, parameters["steps"], strict=True))):
            frames = transform.input_frames(frames, step)
        return frames

    def apply(
        self,
        sound: Any,
        parameters: Mapping[str, Any],
        *,
        sample_rate: int,
        donor: Donor | None = None,
    ) -> Any:
        """The sound through every transform; see `Transform.apply`."""
        for transform, step in zip(self.transforms, parameters["steps"], strict=True):
            sound = transform.apply(sound, step, sample_rate=sample_rate, donor=donor)
        return sound


def chain_from_settings(settings: Mapping[str, Mapping[str, Any]]) -> Chain:
    """A chain from names and settings, such as {"gain": {"low_db": -12}, "polarity": {}}, in that order."""
    return Chain(tuple(_transform(name, values or {}) for name, values in settings.items()))


def _transform(name: str, values: Mapping[str, Any]) -> Transform:
    if name not in TRANSFORMS:
        raise UsageError(f"augment.{name} is not a transform; {nearest(name, TRANSFORMS)}")
    kind = TRANSFORMS[name]
    known = {field.name: field for field in fields(kind)}
    for key in values:
        if key not in known:
            raise UsageError(f"augment.{name}.{key} is not a setting; {nearest(key, known)}")
    listed: dict[str, Any] = {
        key: tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
        for key, value in values.items()
    }
    return kind(**listed)
