"""Analyses and comparisons as tables of plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tonewright.reverb.analysis.comparison import RoomDifference
    from tonewright.reverb.analysis.result import RoomAnalysis

COLUMNS = (
    ("T30 s", "t30_s", 2), ("T20 s", "t20_s", 2), ("EDT s", "edt_s", 2), ("C50 dB", "c50_db", 1),
    ("C80 dB", "c80_db", 1), ("D50 %", "d50", 0), ("Ts ms", "centre_time_s", 0),
    ("range dB", "dynamic_range_db", 0), ("ends s", "truncation_s", 2),
)  # fmt: skip
_NOMINAL = np.array([1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0, 10.0])
_COMPARED = (
    "band Hz", "T room s", "T fit s", "error %", "EDT room s", "EDT fit s", "error %",
    "C80 room", "C80 fit",
)  # fmt: skip
_SCALES = {"d50": 100.0, "centre_time_s": 1000.0}


def band_name(hz: float) -> str:
    """A band's nominal name after IEC 61260: 63, 125, 1k, 3.15k."""
    decade = 10.0 ** np.floor(np.log10(hz) + 0.01)
    nominal = _NOMINAL[int(np.argmin(np.abs(np.log(_NOMINAL * decade / hz))))] * decade
    nominal = round(float(nominal), 2)
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


def comparison_rows(difference: RoomDifference, *, channel: int = 0) -> list[list[str]]:
    """Rows of a table of room, fit and difference, one a band."""
    rows: list[list[str]] = [list(_COMPARED)]
    room, fit = difference.measured, difference.fitted
    for index, hz in enumerate(difference.bands_hz):
        at = (channel, index)
        cells = [
            (room.decay_s[at], 2),
            (fit.decay_s[at], 2),
            (100 * difference.decay_error[at], 1),
            (room.edt_s[at], 2),
            (fit.edt_s[at], 2),
            (100 * difference.edt_error[at], 1),
            (room.c80_db[at], 1),
            (fit.c80_db[at], 1),
        ]
        rows.append([band_name(hz), *(_cell(value, "", digits) for value, digits in cells)])
    return rows


def comparison_table(difference: RoomDifference, *, channel: int = 0) -> str:
    """The differences of a channel as text."""
    return aligned(comparison_rows(difference, channel=channel))
