"""A bank as one C++ header."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tonewright.audio.exporting import class_name, filled, number, numbers, plain_name
from tonewright.filters.exports.words import OTHERWISE, description

if TYPE_CHECKING:
    from tonewright.filters.bank import Bank

_SHAPES = {"peaking": 0, "low_shelf": 1, "high_shelf": 2}


def cpp_text(bank: Bank, path: Path) -> str:
    """The header: ``bank.hpp.in`` with the bank's numbers."""
    series = bank.kind == "series"
    shapes = np.array([_SHAPES[shape] for shape in bank.shapes] or [0] * bank.filters)
    values = {
        "NAME": plain_name(path, otherwise=OTHERWISE),
        "DESCRIPTION": "\n".join(f"// {line}" for line in description(bank)),
        "CLASS": class_name(path, otherwise=OTHERWISE),
        "FILTERS": bank.filters,
        "SERIES": "true" if series else "false",
        "ORDER": bank.order,
        "GAIN": "dB" if series else "a factor",
        "LEVEL": number(bank.level_db),
        "FREQUENCIES": numbers(bank.frequency_hz, indent="      "),
        "QS": numbers(bank.q, indent="      "),
        "GAINS": numbers(bank.gain, indent="      "),
        "SHAPES": numbers(shapes, indent="      "),
    }
    return filled("tonewright.filters.exports", "bank.hpp.in", values)
