"""Sections of the page of timbre: which descriptors tell the same, and a subset that stands for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tonewright.report import timbre_figures as figures
from tonewright.report.page import Report
from tonewright.timbre.analysis import Analysis
from tonewright.timbre.analysis.summary import SAME
from tonewright.timbre.analysis.words import labelled, listed, plain, signed, subset_reasons


def correlations(page: Report, analysis: Analysis) -> None:
    """Add the section on which descriptors tell the same."""
    found, order = analysis.correlations, analysis.order()
    page.heading("Which descriptors tell the same")
    page.text(
        "Rank correlation (Spearman's ρ): 1 where two descriptors put the sounds into the same order, −1 "
        "where one reverses the other's, 0 where one tells nothing of the other."
    )
    page.figure(
        _rho_picture(analysis, order, order),
        caption="Rank correlations. Red goes together, blue runs against each other; neighbours tell "
        "much the same.",
        alt="Heat map of the rank correlations of the descriptors.",
    )
    page.figure(
        figures.tree(
            analysis.steps,
            order=[analysis.used.index(name) for name in order],
            names=[plain(name) for name in analysis.used],
            same=SAME,
        ),
        caption=f"What is joined left of the dashed line tells much the same: {_groups(analysis)}.",
        alt="Tree of the descriptors by what they share.",
    ) if len(order) > 1 else None
    extras = found.names[len(order) :]
    if extras:
        page.figure(
            _rho_picture(analysis, extras, order),
            caption="What else the table holds, against the descriptors. Pale rows are news to them.",
            alt="Heat map of the rank correlations of the other columns with the descriptors.",
        )
    _pairs(page, analysis)


def _rho_picture(analysis: Analysis, rows: Sequence[str], columns: Sequence[str]) -> Any:
    values = np.array([[analysis.correlations.of(row, column) for column in columns] for row in rows])
    return figures.heat(
        values,
        rows=[plain(name) if name in analysis.used else labelled(name) for name in rows],
        columns=[plain(name) for name in columns],
        words=[[signed(value) for value in line] for line in values],
    )


def _groups(analysis: Analysis) -> str:
    joined = [listed([plain(name) for name in group]) for group in analysis.groups() if len(group) > 1]
    return "; ".join(joined) or "here nothing is"


def _pairs(page: Report, analysis: Analysis) -> None:
    found, size = analysis.correlations, len(analysis.used)
    pairs = [(i, j) for i in range(size) for j in range(i + 1, size) if np.isfinite(found.rho[i, j])]
    pairs.sort(key=lambda at: -abs(found.rho[at]))
    rows = [
        (
            f"{plain(found.names[i])} and {plain(found.names[j])}",
            signed(found.rho[i, j]),
            f"{signed(found.low[i, j])} to {signed(found.high[i, j])}",
            "< .0001" if found.p_value[i, j] < 1e-4 else f"{found.p_value[i, j]:.4f}".removeprefix("0"),
            int(found.count[i, j]),
        )
        for i, j in pairs
    ]
    columns = ("pair", "ρ", "95 % interval", "probability by chance", "sounds")
    page.table(columns, rows, caption="Every pair, the strongest first", folded=True)


def subset(page: Report, analysis: Analysis) -> None:
    """Add the section on the suggested found."""
    found = analysis.subset
    page.heading("A subset that stands for all")
    kept = ", ".join(map(plain, found.chosen))
    if found.explained:
        page.text(
            f"{kept[:1].upper()}{kept[1:]}: from the ranks of these {len(found.chosen)}, at least "
            f"{100 * found.threshold:.0f} % of the variance of each other descriptor's ranks follows. No "
            "smaller set reaches that."
        )
    else:
        few = found.rows <= len(found.chosen)
        reason = (
            f"{found.rows} sounds are too few to tell whether one follows from the others"
            if few
            else f"less than {100 * found.threshold:.0f} % of some ranking follows where one is left out"
        )
        page.text(f"All {len(found.chosen)}: {reason}.")
    rows = [(plain(name), verdict, why) for name, verdict, why in subset_reasons(analysis)]
    page.table(("descriptor", "verdict", "why"), rows)
    sizes = [
        (
            len(choice.names),
            ", ".join(map(plain, choice.names)),
            f"{100 * choice.mean_share:.0f} %",
            "–"
            if len(choice.names) == len(analysis.used)
            else f"{plain(choice.worst)}, {100 * choice.worst_share:.0f} %",
        )
        for choice in found.sizes
    ]
    page.table(
        ("how many", "best set", "of all rankings", "least explained"),
        sizes,
        caption="The best set of each size",
        folded=True,
    )
