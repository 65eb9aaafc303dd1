"""A reverb out of nothing: a network trained to colour no frequency, then given a decay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tonewright.reverb.network import FDNBuild

if TYPE_CHECKING:
    from tonewright.reverb.train import TrainLog


def colorless(
    size: int = 8,
    *,
    rt: float | tuple[float, float] = 2.0,
    seed: int = 0,
    sample_rate: float = 48_000.0,
    delays: Sequence[int] | None = None,
    channels: int = 1,
    max_steps: int = 200,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[FDNBuild, TrainLog]:
    """A network whose modes are as equally loud as training can make them, with a decay.

    Parameters
    ----------
    size : number of delay lines
    rt : reverberation time in seconds, or a pair: at low frequencies and at half the sample rate
    seed : another seed, another room
    sample_rate : Hz
    delays : lengths in whole samples; drawn where not given
    channels : 1, or 2 for one input and two decorrelated outputs
    max_steps : the most that training may take
    progress : called with steps done and in all
    """
    raise NotImplementedError
