"""Losses on how the energy decays: in bands, or as a whole."""

from __future__ import annotations

from typing import Any

from tonewright.reverb.losses.base import Loss


def decay_relief_loss(
    target: Any,
    *,
    sample_rate: float = 48000.0,
    bands: str = "octave",
    window: int = 1024,
    floor_db: float = -60.0,
) -> Loss:
    r"""Mean squared difference in dB between energy decay reliefs; its name is "decay_relief_loss".

    Parameters
    ----------
    target : (time,), (time, outputs) or (time, outputs, inputs); responses must have the same length
    sample_rate : in Hz
    bands : "octave", "third" or "mel"
    window : window length in samples, with a hop of a quarter
    floor_db : below the start of each band's decay, where the comparison ends
    """
    raise NotImplementedError


def energy_decay_loss(target: Any, *, floor_db: float = -60.0) -> Loss:
    r"""Mean squared difference in dB between energy decay curves; its name is "energy_decay_loss".

    Parameters
    ----------
    target : (time,), (time, outputs) or (time, outputs, inputs); responses must have the same length
    floor_db : below the start of the target's decay, where the comparison ends
    """
    raise NotImplementedError
