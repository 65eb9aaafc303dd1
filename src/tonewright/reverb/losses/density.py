"""A loss on the density of echoes."""

from __future__ import annotations

from typing import Any

from tonewright.reverb.losses.base import Loss


def echo_density_loss(
    target: Any | None = None,
    *,
    sample_rate: float = 48000.0,
    window_s: float = 0.02,
    sharpness: float = 8.0,
) -> Loss:
    r"""Mean squared difference of soft echo density profiles; its name is "echo_density_loss".

    Parameters
    ----------
    target : (time,), (time, outputs) or (time, outputs, inputs) to compare with; by default Gaussian noise,
        whose echo density is 1
    sample_rate : in Hz
    window_s : length of the window in seconds
    sharpness : of the soft threshold
    """
    raise NotImplementedError
