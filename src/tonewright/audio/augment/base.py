"""What every transform shares: checked settings, drawn parameters, an input that is left alone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from tonewright.errors import UsageError

Parameters = dict[str, Any]
Sound = np.ndarray | Mapping[str, np.ndarray]
Donor = Callable[[], Mapping[str, np.ndarray]]

TRANSFORMS: dict[str, type[Transform]] = {}


@dataclass(frozen=True, kw_only=True)
class Transform:
    """A change of sound with random settings; a subclass enters `TRANSFORMS` under its name in snake case.

    A subclass gives `_values`, which draws its parameters, and `_apply`, which depends on them and on no
    setting, save where its page says so.

    Parameters
    ----------
    probability : how often the change is made at all
    """

    probability: float = 1.0

    name: ClassVar[str]
    needs_stems: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        """Enter the subclass into the register."""
        super().__init_subclass__()
        cls.name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        TRANSFORMS[cls.name] = cls

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        check_settings(self)

    def draw(self, seed: int) -> Parameters:
        """The parameters that belong to a seed, as JSON would hold them.

        The values do not depend on whether the change is made.
        """
        generator = np.random.default_rng(seed % 2**64)
        applied = bool(generator.random() < self.probability)
        return {"transform": self.name, "applied": applied, **self._values(generator)}

    def input_frames(self, frames: int, parameters: Mapping[str, Any]) -> int:
        """How many frames must go in for `frames` to come out."""
        return self._frames_in(frames, parameters) if parameters["applied"] else frames

    def apply(
        self,
        sound: Any,
        parameters: Mapping[str, Any],
        *,
        sample_rate: int,
        donor: Donor | None = None,
    ) -> Any:
        """The sound with the change made; the input itself where none is.

        Parameters
        ----------
        sound : (channels, time), or stems by name, all of that shape; not written to
        parameters : from `draw`, of this transform with these or other settings
        sample_rate : Hz
        donor : gives stems from elsewhere, for transforms that swap

        Returns
        -------
        a sound of the same kind and dtype
        """
        if parameters.get("transform") != self.name:
            raise UsageError(f"{self.name}: these are parameters of {parameters.get('transform')}")
        if not parameters["applied"]:
            return sound
        if isinstance(sound, Mapping):
            return self._apply_to_stems(sound, parameters, sample_rate, donor)
        if self.needs_stems:
            raise UsageError(f"{self.name}: needs stems by name, not one sound")
        return self._apply(sound, parameters, sample_rate)

    def _values(self, generator: np.random.Generator) -> Parameters:
        """Draw the parameters of this transform."""
        raise NotImplementedError

    def _apply(self, samples: np.ndarray, parameters: Mapping[str, Any], sample_rate: int) -> np.ndarray:
        """Change one sound (channels, time)."""
        raise NotImplementedError

    def _apply_to_stems(
        self,
        stems: Mapping[str, np.ndarray],
        parameters: Mapping[str, Any],
        sample_rate: int,
        donor: Donor | None,
    ) -> dict[str, np.ndarray]:
        """Change all stems alike."""
        return {stem: self._apply(samples, parameters, sample_rate) for stem, samples in stems.items()}

    def _frames_in(self, frames: int, parameters: Mapping[str, Any]) -> int:
        return frames


def check_settings(transform: Transform) -> None:
    """Refuse settings of a wrong type, probabilities outside [0, 1] and ranges that end before they begin."""
    values: dict[str, Any] = {field.name: getattr(transform, field.name) for field in fields(transform)}
    for field in fields(transform):
        key, value = f"augment.{transform.name}.{field.name}", values[field.name]
        right, wanted = _KINDS[type(field.default)]
        if not right(value):
            raise UsageError(f"{key} is {value!r}: must be {wanted}")
        if field.name.endswith("probability") and not 0 <= value <= 1:
            raise UsageError(f"{key} is {value!r}: must lie between 0 and 1")
    for name, value in values.items():
        partner = name.replace("low_", "high_", 1)
        if name.startswith("low_") and value > values[partner]:
            raise UsageError(
                f"augment.{transform.name}.{name} is {value!r}: exceeds {partner}, {values[partner]!r}"
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_names(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str) for item in value)


_KINDS: dict[type, tuple[Callable[[Any], bool], str]] = {
    float: (_is_number, "a number"),
    tuple: (_is_names, "a list of names"),
    str: (lambda value: isinstance(value, str), "text"),
    bool: (lambda value: isinstance(value, bool), "true or false"),
}


def uniform(generator: np.random.Generator, low: float, high: float) -> float:
    """A number between two others."""
    return float(low + (high - low) * generator.random())


def log_uniform(generator: np.random.Generator, low: float, high: float) -> float:
    """A positive number between two others, every octave equally likely."""
    return math.exp(uniform(generator, math.log(low), math.log(high)))
