"""A loss on how evenly the modes of a network are excited."""

from __future__ import annotations

from tonewright.reverb.losses.base import Loss


def modal_loss(*, floor_db: float = -100.0) -> Loss:
    r"""Variance of the level of the transfer function over its peaks, in dB²; its name is "modal_loss".

    Parameters
    ----------
    floor_db : power added, relative to a gain of 1
    """
    raise NotImplementedError
