"""What every exported text shares: safe names, exact numbers, a description, the range of its knobs."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from tonewright.reverb.network import FDNBuild
from tonewright.reverb.response import decay_radius, settling_samples

LONGEST_NAME = 64


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


def plain_name(path: Path) -> str:
    """The file's name without its ending, with nothing in it that a comment or a string could trip over."""
    name = re.sub(r"[^A-Za-z0-9 ._+-]+", "_", path.stem)[:LONGEST_NAME].strip(" ._")
    return name or "reverb"


def class_name(path: Path) -> str:
    """A name for a class: capital first, letters and digits only."""
    words = re.findall(r"[A-Za-z0-9]+", plain_name(path))
    name = "".join(word[0].upper() + word[1:] for word in words)
    return name if name and name[0].isalpha() else f"Reverb{name}"


def number(value: float) -> str:
    """A number that reads back exactly."""
    return repr(float(value))


def numbers(values: np.ndarray, *, width: int = 100, indent: str = "  ") -> str:
    """Numbers with commas between, in lines of at most about `width`."""
    lines, line = [], ""
    words = [str(int(v)) if np.issubdtype(values.dtype, np.integer) else number(v) for v in values.ravel()]
    for word in words:
        if line and len(line) + len(word) > width:
            lines.append(line)
            line = ""
        line += f"{word}, "
    lines.append(line.rstrip(", "))
    return f"\n{indent}".join(part.rstrip() for part in lines)


def description(network: FDNBuild, knobs: Knobs) -> list[str]:
    """What the network is, in a few lines of plain words."""
    delays = 1000 * network.delays / network.fs
    absorption = ""
    if network.filters is not None:
        absorption = f", each with {_count(network.filters.shape[0], 'section')} of absorption"
    lines = [
        "A feedback delay network, made with Tonewright.",
        f"{_count(network.inputs, 'input')}, {_count(network.outputs, 'output')}, at {network.fs:g} Hz. "
        "At another sample rate the room changes its size and its tone.",
        f"{_count(network.lines, 'delay line')} of {delays.min():.1f} to {delays.max():.1f} ms{absorption}.",
    ]
    if network.early is not None:
        count, last = network.early.positions.size, network.early.positions.max(initial=0)
        lines.append(f"{_count(count, 'early reflection')} within {1000 * last / network.fs:.1f} ms.")
    if network.pre_delay:
        lines.append(f"The late sound begins after {1000 * network.pre_delay / network.fs:.1f} ms.")
    if knobs.decays:
        seconds = -3 / (math.log10(knobs.radius) * network.fs)
        lines.append(f"Its slowest decay falls by 60 dB in about {seconds:.2f} s.")
    elif knobs.radius == 1:
        lines.append("It has no loss: it rings on for ever.")
    return lines


def _count(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def filled(template: str, values: Mapping[str, object]) -> str:
    """A template of this folder with every @KEY@ replaced."""
    text = files("tonewright.reverb.exports").joinpath(template).read_text(encoding="utf-8")
    return re.sub(r"@([A-Z_0-9]+)@", lambda found: str(values[found[1]]), text)
