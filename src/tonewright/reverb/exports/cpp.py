"""A network as one C++ header."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tonewright.audio.exporting import class_name, filled, number, numbers, plain_name
from tonewright.reverb.exports.words import Knobs, description
from tonewright.reverb.network import FDNBuild

_LONGEST_BLOCK = 64


def cpp_text(network: FDNBuild, path: Path) -> str:
    """The header: ``reverb.hpp.in`` with the network's numbers."""
    knobs = Knobs.of(network)
    sections, tone = (
        _section_table(network.filters, network.lines),
        _section_table(network.post_eq, network.outputs),
    )
    early = network.early
    taps = 0 if early is None else early.positions.size
    positions, gains = np.zeros(1, np.int64), np.zeros((network.outputs, network.inputs, 1))
    if early is not None and taps:
        positions, gains = early.positions, early.gains
    values = {
        "NAME": plain_name(path, otherwise="reverb"),
        "DESCRIPTION": "\n".join(f"// {line}" for line in description(network, knobs)),
        "CLASS": class_name(path, otherwise="reverb"),
        "SAMPLE_RATE": number(network.fs),
        "INPUTS": network.inputs,
        "OUTPUTS": network.outputs,
        "LINES": network.lines,
        "TAIL": knobs.tail_samples,
        "MOST_DECAY": number(knobs.most_decay),
        "RADIUS": number(knobs.radius if knobs.decays else 1.0),
        "EXTRA": knobs.more_pre_delay_samples,
        "BLOCK": min(_LONGEST_BLOCK, int(network.delays.min())),
        "PRE_DELAY": network.pre_delay,
        "SECTIONS": 0 if network.filters is None else network.filters.shape[0],
        "TONE_SECTIONS": 0 if network.post_eq is None else network.post_eq.shape[0],
        "SECTIONS_1": sections.shape[1],
        "TONE_SECTIONS_1": tone.shape[1],
        "TAPS": taps,
        "TAPS_1": positions.size,
        "DELAYS": numbers(network.delays, indent="    "),
        "FEEDBACK": braces(network.A),
        "INPUT_GAINS": braces(network.B),
        "OUTPUT_GAINS": braces(network.C),
        "DIRECT": braces(network.D),
        "ABSORPTION": braces(sections),
        "TONE": braces(tone),
        "POSITIONS": numbers(positions, indent="    "),
        "EARLY": braces(gains),
    }
    return filled("tonewright.reverb.exports", "reverb.hpp.in", values)


def braces(values: np.ndarray) -> str:
    """The inside of a table's braces, a row on lines of its own."""
    if values.ndim == 1:
        return numbers(values, indent="    ")
    return "".join(f"\n    {{{braces(row)}}}," for row in values).rstrip(",")


def _section_table(sections: np.ndarray | None, count: int) -> np.ndarray:
    """(count, sections, 5) of b0 b1 b2 a1 a2; one empty section where there is none."""
    if sections is None or not sections.shape[0]:
        return np.zeros((count, 1, 5))
    return np.moveaxis(sections, 2, 0)[:, :, [0, 1, 2, 4, 5]]
