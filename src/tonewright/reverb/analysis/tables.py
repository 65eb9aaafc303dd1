"""Analyses and comparisons as tables of plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tonewright.reverb.analysis.result import RoomAnalysis

COLUMNS = (
    ("T30 s", "t30_s", 2), ("T20 s", "t20_s", 2), ("EDT s", "edt_s", 2), ("C50 dB", "c50_db", 1),
    ("C80 dB", "c80_db", 1), ("D50 %", "d50", 0), ("Ts ms", "centre_time_s", 0),
    ("range dB", "dynamic_range_db", 0), ("ends s", "truncation_s", 2),
)  # fmt: skip
_SCALES = {"d50": 100.0, "centre_time_s": 1000.0}


def band_name(hz: float) -> str:
    """A band's nominal name: 63, 125, 1k, 16k."""
    nominal = float(f"{hz:.2g}") if hz < 100 or hz > 900 else round(hz)
    return f"{nominal / 1000:g}k" if nominal >= 1000 else f"{nominal:g}"


def analysis_rows(analysis: RoomAnalysis, *, channel: int = 0) -> list[list[str]]:
    """Rows of a table: a heading, one row a band, one for the whole; a dash for what is missing."""
    rows = [["band Hz", *(name for name, _, _ in COLUMNS)]]
    for index, hz in enumerate(analysis.bands_hz):
        rows.append(
            [
                band_name(hz),
                *(_cell(getattr(analysis, key)[channel, index], key, digits) for _, key, digits in COLUMNS),
            ]
        )
    whole = analysis.broadband
    rows.append(["all", *(_cell(getattr(whole, key)[channel], key, digits) for _, key, digits in COLUMNS)])
    return rows


def _cell(value: float, key: str, digits: int) -> str:
    return f"{value * _SCALES.get(key, 1.0):.{digits}f}" if np.isfinite(value) else "–"


def aligned(rows: list[list[str]]) -> str:
    """Columns set to the right, two spaces apart."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    )


def analysis_table(analysis: RoomAnalysis, *, channel: int = 0) -> str:
    """The figures of a channel as text."""
    return aligned(analysis_rows(analysis, channel=channel))
