"""Mel-spectrogram losses: short-time energies in mel bands at several resolutions against a target's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tonewright.reverb.losses.base import Bins, Loss, Scaling


def mel_loss(
    target: Any,
    *,
    windows: Sequence[int] = (256, 512, 1024),
    bands: Sequence[int] | None = None,
    scaling: Scaling = "relative",
    bins: Bins = "fft",
    sample_rate: float = 48000.0,
) -> Loss:
    r"""Loss on mel spectrograms of the response against a target's; its name is "mel_mss_loss".

    Parameters
    ----------
    target : (time,), (time, outputs) or (time, outputs, inputs); responses must have the same length
    windows : window lengths in samples, each with a hop of a quarter
    bands : mel bands for each window; an eighth of the window by default
    scaling : "relative" or "peer"
    bins : "fft" or "peer"
    sample_rate : in Hz
    """
    raise NotImplementedError
