"""A network as one function for MATLAB and Octave."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from tonewright.audio.exporting import filled, number, numbers, plain_name
from tonewright.errors import UsageError
from tonewright.reverb.exports.words import Knobs, description
from tonewright.reverb.network import FDNBuild

_LONGEST = 63
# Words of MATLAB and Octave that cannot name a function, and those that the function itself uses.
_WORDS = (
    "break case catch classdef continue do else elseif end endfor endfunction endif endswitch endwhile "
    "for function global if otherwise parfor persistent return spmd switch try until while "
    "double error filter isvector max mean min nargin numel repmat reshape size zeros "
    "mix sample_rate tail x y"
)


def matlab_text(network: FDNBuild, path: Path) -> str:
    """The function: ``reverb.m.in`` with the network's numbers. It is called by the name of its file."""
    name = path.stem
    fits = re.fullmatch(r"[A-Za-z](\w*[A-Za-z0-9])?", name, re.ASCII) and len(name) <= _LONGEST
    if not fits or name in _WORDS.split():
        raise UsageError(
            f"{path}: MATLAB and Octave call a function by its file's name; choose one of letters, "
            "digits and underscores that is no word of theirs, such as reverb_1.m"
        )
    knobs = Knobs.of(network)
    early = network.early
    values = {
        "FUNCTION": name,
        "UPPER": name.upper(),
        "NAME": plain_name(path, otherwise="reverb"),
        "DESCRIPTION": "\n".join(f"%   {line}" for line in description(network, knobs)),
        "TAIL": knobs.tail_samples,
        "SAMPLE_RATE": number(network.fs),
        "PRE_DELAY": network.pre_delay,
        "DELAYS": matrix(network.delays[None]),
        "FEEDBACK": matrix(network.A),
        "INPUT_GAINS": matrix(network.B),
        "OUTPUT_GAINS": matrix(network.C),
        "DIRECT": matrix(network.D),
        "ABSORPTION": pages(network.filters, (0, 6, network.lines)),
        "TONE": pages(network.post_eq, (0, 6, network.outputs)),
        "POSITIONS": matrix(np.zeros((1, 0), np.int64) if early is None else early.positions[None]),
        "EARLY": pages(None if early is None else early.gains, (network.outputs, network.inputs, 0)),
    }
    return filled("tonewright.reverb.exports", "reverb.m.in", values)


def matrix(values: np.ndarray) -> str:
    """(rows, columns) in brackets, a row on lines of its own."""
    if not values.size:
        return f"zeros ({values.shape[0]}, {values.shape[1]})"
    rows = (numbers(row, indent="").replace("\n", " ...\n  ") for row in values)
    return "[" + "; ...\n  ".join(rows) + "]"


def pages(values: np.ndarray | None, empty: tuple[int, int, int]) -> str:
    """(rows, columns, pages): all numbers in memory's order, then their shape."""
    if values is None or not values.size:
        return f"zeros ({empty[0]}, {empty[1]}, {empty[2]})"
    flat = matrix(values.ravel(order="F")[None])
    return f"reshape ({flat}, [{', '.join(map(str, values.shape))}])"
