"""What every exported network shares: a description, the range of its knobs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tonewright.audio.exporting import counted
from tonewright.reverb.network import FDNBuild
from tonewright.reverb.response import decay_radius, settling_samples


@dataclass(frozen=True)
class Knobs:
    """What a listener may turn while the network runs.

    Attributes
    ----------
    radius : factor per sample by which the slowest decay falls; 1 where nothing decays
    most_decay : the largest factor of the slowest decay for which the network is known to be stable
    more_pre_delay_samples : the most that the pre-delay may be lengthened by
    tail_samples : until the slowest decay has fallen by 60 dB
    """

    radius: float
    most_decay: float
    more_pre_delay_samples: int
    tail_samples: int

    @classmethod
    def of(cls, network: FDNBuild) -> Knobs:
        """The knobs of a network.

        Loss is added to every line by its length, γ^m with γ = ρ^(1/s − 1) for a decay s times as long. With
        ‖A‖ ≤ 1 and ρ an upper bound of |g_i|^(1/m_i), no pole leaves the unit circle for any s; without that
        bound the decay is only shortened.
        """
        radius = min(decay_radius(network), 1.0)
        contracts = float(np.linalg.norm(network.A, 2)) <= 1 + 1e-9
        return cls(
            radius=1.0 if radius >= 1 - 1e-9 else radius,
            most_decay=2.0 if contracts else 1.0,
            more_pre_delay_samples=math.ceil(0.25 * network.fs),
            tail_samples=settling_samples(network),
        )

    @property
    def decays(self) -> bool:
        """Whether there is a decay to turn."""
        return 0 < self.radius < 1


def description(network: FDNBuild, knobs: Knobs) -> list[str]:
    """What the network is, in a few lines of plain words."""
    delays = 1000 * network.delays / network.fs
    absorption = ""
    if network.filters is not None:
        absorption = f", each with {counted(network.filters.shape[0], 'section')} of absorption"
    lines = [
        "A feedback delay network, made with Tonewright.",
        f"{counted(network.inputs, 'input')}, {counted(network.outputs, 'output')}, at {network.fs:g} Hz. "
        "At another sample rate the room changes its size and its tone.",
        f"{counted(network.lines, 'delay line')} of {delays.min():.1f} to {delays.max():.1f} ms{absorption}.",
    ]
    if network.early is not None:
        count, last = network.early.positions.size, network.early.positions.max(initial=0)
        lines.append(f"{counted(count, 'early reflection')} within {1000 * last / network.fs:.1f} ms.")
    if network.pre_delay:
        lines.append(f"The late sound begins after {1000 * network.pre_delay / network.fs:.1f} ms.")
    if knobs.decays:
        seconds = -3 / (math.log10(knobs.radius) * network.fs)
        lines.append(f"Its slowest decay falls by 60 dB in about {seconds:.2f} s.")
    elif knobs.radius == 1:
        lines.append("It has no loss: it rings on for ever.")
    return lines
