"""A bank as rows of numbers: a filter a row with its units, and second-order sections."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

from tonewright.audio.exporting import counted, number
from tonewright.dsp import biquads

if TYPE_CHECKING:
    from tonewright.filters.bank import Bank

COLUMNS = (
    *("filter", "kind", "shape", "frequency_hz", "q", "gain_factor", "gain_db", "order", "level_db"),
    *("sample_rate_hz", "b0", "b1", "b2", "a0", "a1", "a2"),
)


def csv_text(bank: Bank, *, sample_rate: float) -> str:
    r"""A row a filter: its settings with their units, and its coefficients.

    The coefficients are those of the filter alone. Side by side, with B their response, the whole is
    10^(level/20) Σ gain_factor · B^order; one after another, where the gain is in them, 10^(level/20) Π B.
    A filter that cannot be made at the sample rate has none.
    """
    usable = bank.usable(sample_rate)
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(COLUMNS)
    for index in range(bank.filters):
        settings = _settings(bank, index)
        coefficients = _coefficients(bank, index, sample_rate) if usable[index] else [""] * 6
        row = [index + 1, *settings, bank.order, number(bank.level_db), number(sample_rate), *coefficients]
        table.writerow(row)
    return written.getvalue()


def _settings(bank: Bank, index: int) -> list[str]:
    """Kind, shape, frequency, Q, and the gain in both units."""
    gain = float(bank.gain[index])
    if bank.kind == "series":
        factor, gain_db = number(10 ** (gain / 20)), number(gain)
    else:
        factor, gain_db = number(gain), number(20 * np.log10(abs(gain))) if gain else ""
    shape = bank.shapes[index] if bank.kind == "series" else "band_pass"
    frequency, q = number(bank.frequency_hz[index]), number(bank.q[index])
    return [bank.kind, shape, frequency, q, factor, gain_db]


def _coefficients(bank: Bank, index: int, sample_rate: float) -> list[str]:
    frequency, q = float(bank.frequency_hz[index]), float(bank.q[index])
    if bank.kind == "parallel":
        b, a = biquads.bandpass(frequency, q, sample_rate=sample_rate)
    else:
        design = getattr(biquads, bank.shapes[index])
        b, a = design(frequency, q, float(bank.gain[index]), sample_rate=sample_rate)
    return [number(value) for value in (*b, *a)]


def sos_text(bank: Bank, *, sample_rate: float) -> str:
    """Sections as `scipy.signal.sosfilt` takes them, in text that `numpy.loadtxt` reads to the last digit."""
    sections = bank.to_sos(sample_rate=sample_rate)
    rows = sections.reshape(-1, 6)
    head = [
        f"Second-order sections for {sample_rate:g} Hz: b0, b1, b2, a0, a1, a2. Made with Tonewright.",
        f"combine: {'cascade' if bank.kind == 'series' else 'sum'}",
        *_advice(bank, len(sections)),
    ]
    left_out = int(bank.filters - bank.usable(sample_rate).sum())
    if left_out:
        head.append(
            f"{counted(left_out, 'filter')} cannot be made at this rate and {_is(left_out)} left out."
        )
    lines = [f"# {line}" for line in head]
    lines += [", ".join(number(value) for value in row) for row in rows]
    return "\n".join(lines) + "\n"


def _advice(bank: Bank, count: int) -> list[str]:
    load = 'sections = numpy.loadtxt(file, delimiter=",", ndmin=2)'
    if bank.kind == "series":
        words = f"{counted(count, 'section')} one after another; gains and level are in them."
        return [words, f"{load}; y = scipy.signal.sosfilt(sections, x)"]
    if bank.order == 1:
        each, one, loop = "a row each", "row[None]", "for row in sections"
    else:
        each, one = f"each of {bank.order} rows in a cascade", "rows"
        loop = f"for rows in sections.reshape(-1, {bank.order}, 6)"
    words = (
        f"{counted(count, 'filter')} side by side, {each}; gains and level are in them. Add their outputs up."
    )
    return [words, f"{load}; y = sum(scipy.signal.sosfilt({one}, x) {loop})"]


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
