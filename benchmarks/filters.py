"""Speed of the filters: training steps, sound through banks, fits, spectra, knobs; peers in the same run.

``python benchmarks/filters.py [--only PART …] [--json]``: one thread, CPU time, the fastest of a few rounds.
It ends with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from harness import Report, Row

PARTS = ("step", "apply", "fit", "reading", "knobs")


def step() -> list[Row]:
    """A step of training beside plain Flax and torch."""
    from filters_step import step_rows

    return step_rows()


def applied() -> list[Row]:
    """Sound through banks beside SciPy."""
    from filters_apply import apply_rows, file_rows, first_rows

    return [*apply_rows(5), *file_rows(3), *first_rows()]


def fitted() -> list[Row]:
    """A bank fitted to a spectrum, seconds."""
    from filters_fit import time_rows

    return time_rows()


def reading() -> list[Row]:
    """Spectra of a folder of one-shots, and of a sound."""
    from filters_reading import reading_rows

    with tempfile.TemporaryDirectory() as folder:
        return reading_rows(Path(folder))


def knobs() -> list[Row]:
    """From four numbers to a bank and its response."""
    from filters_reading import knob_rows

    with tempfile.TemporaryDirectory() as folder:
        return knob_rows(Path(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", default=PARTS, choices=PARTS, help="some parts of it")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = Report("Filters, speed", ("tonewright", "jax", "flax", "torch", "numpy", "scipy", "numba"))
    works = {"step": step, "apply": applied, "fit": fitted, "reading": reading, "knobs": knobs}
    for name in arguments.only:
        report.measure(works[name], name)
    report.print(as_json=arguments.json)
    sys.exit(any(row.met is False for row in report.rows))


if __name__ == "__main__":
    main()
