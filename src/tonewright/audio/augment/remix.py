"""A new mix of the stems, some of them from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tonewright.audio.augment.base import Donor, Parameters, Transform, uniform
from tonewright.audio.clips import fit_length
from tonewright.dsp.levels import amplitude_from_db
from tonewright.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Remix(Transform):
    """Each stem at a gain of its own, some swapped for those of another place; the mixture becomes their sum.

    Parameters
    ----------
    stems : those that make up the mixture
    low_db, high_db : range of each gain
    swap_probability : how often each stem is taken from the donor, usually another song
    """

    stems: tuple[str, ...] = ("drums", "bass", "other", "vocals")
    low_db: float = -6.0
    high_db: float = 6.0
    swap_probability: float = 0.1

    needs_stems: ClassVar[bool] = True

    def _values(self, generator: np.random.Generator) -> Parameters:
        gains_db = {stem: uniform(generator, self.low_db, self.high_db) for stem in self.stems}
        swapped = [stem for stem in self.stems if generator.random() < self.swap_probability]
        return {"gains_db": gains_db, "swapped": swapped}

    def _apply_to_stems(
        self,
        stems: Mapping[str, np.ndarray],
        parameters: Mapping[str, Any],
        sample_rate: int,
        donor: Donor | None,
    ) -> dict[str, np.ndarray]:
        gains_db, swapped = parameters["gains_db"], parameters["swapped"]
        missing = [stem for stem in gains_db if stem not in stems]
        if missing:
            raise UsageError(f"remix: the windows lack the stem {missing[0]}; they have {', '.join(stems)}")
        if swapped and donor is None:
            raise UsageError("remix: no donor to swap stems with; set swap_probability to 0")
        sources = donor() if swapped and donor is not None else {}
        mixed = dict(stems)
        for stem, gain_db in gains_db.items():
            frames = stems[stem].shape[-1]
            source = fit_length(sources[stem], frames) if stem in swapped else stems[stem]
            mixed[stem] = source * float(amplitude_from_db(gain_db))
        if "mixture" in mixed:
            mixed["mixture"] = np.sum(
                [mixed[stem] for stem in gains_db], axis=0, dtype=mixed["mixture"].dtype
            )
        return mixed
