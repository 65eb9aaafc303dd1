"""Spectrogram losses: short-time magnitudes at several resolutions against a target's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tonewright.reverb.losses.base import Bins, Loss, Scaling


def spectrogram_loss(
    target: Any,
    *,
    windows: Sequence[int] = (256, 512, 1024),
    scaling: Scaling = "relative",
    bins: Bins = "fft",
    sample_rate: float = 48000.0,
) -> Loss:
    r"""Loss on the short-time magnitudes of the response against a target's; its name is "mss_loss".

    Parameters
    ----------
    target : (time,), (time, outputs) or (time, outputs, inputs); responses must have the same length
    windows : window lengths in samples, each with a hop of a quarter
    scaling : "relative" or "peer"
    bins : "fft" or "peer"
    sample_rate : in Hz
    """
    raise NotImplementedError
