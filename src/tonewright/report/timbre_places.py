"""Sections of the page of timbre: a map of the sounds and the outliers, with players."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tonewright.report import timbre_figures as figures
from tonewright.report.page import Report
from tonewright.report.timbre_players import NOT_FOUND, corners, players, typical
from tonewright.timbre.analysis import Analysis
from tonewright.timbre.analysis.outliers import UNLIKELY, Outlier
from tonewright.timbre.analysis.words import component_words, plain, signed

SHOWN_OUTLIERS = 12
HEARD_OUTLIERS = 4
OF_A_KIND = 3
FEW = 8
_LETTERS = "ABCDEFGH"


class Source(NamedTuple):
    """Where sounds to hear come from: the table's file, and the folder of the sounds if they were moved."""

    table: Path
    root: Path | None


def sound_map(page: Report, analysis: Analysis, source: Source) -> None:
    """Add the map, and the sounds at its corners and in its middle."""
    page.heading("A map of the sounds")
    middle = typical(analysis)
    edge = corners(analysis, without=middle if analysis.measured.sum() > FEW else ())
    chosen = [*edge, *(("middle", row) for row in middle if row not in dict(edge).values())]
    letters = dict(zip(_LETTERS, [row for _, row in chosen], strict=False))
    page.figure(
        figures.sound_map(
            analysis.projection.coordinates,
            marked=letters,
            strange=analysis.strangeness.rows().tolist(),
            labels=_axes(analysis),
        ),
        caption=_map_words(analysis),
        alt="Map of the sounds as points; some have a letter.",
    )
    near = analysis.neighbours([row for _, row in chosen], count=2)
    rows = [
        (
            f"{letter}: {analysis.sounds.label(row)}",
            where,
            ", ".join(analysis.sounds.label(other) for other, _ in others),
        )
        for letter, (where, row), others in zip(_LETTERS, chosen, near, strict=False)
    ]
    page.table(("sound", "where", "most like it"), rows, caption="Corners and middle of the map")
    labels = {row: f"{where}: {_short(analysis, row)}" for where, row in chosen}
    _listen(page, analysis, labels, source, "Corners and middle of the map, made equally loud.")
    _loadings(page, analysis)


def _axes(analysis: Analysis) -> tuple[str, str]:
    if analysis.projection.kind == "umap":
        return "UMAP 1", "UMAP 2"
    first, second = (
        f"direction {index + 1} ({100 * share:.0f} %)" for index, share in enumerate(_two(analysis))
    )
    return first, second


def _two(analysis: Analysis) -> tuple[float, float]:
    shares = [*analysis.projection.explained.tolist(), 0.0]
    return shares[0], shares[1]


def _map_words(analysis: Analysis) -> str:
    strange = "Rings are outliers." if analysis.outlier_count else ""
    if analysis.projection.kind == "umap":
        return (
            "Sounds that are alike lie together; how far apart groups lie, and in which direction, means "
            f"little. {strange}"
        )
    sides = []
    for side, opposite, loadings in zip(
        ("right", "top"), ("left", "bottom"), analysis.projection.loadings, strict=False
    ):
        more, less = component_words(loadings, analysis.projection.names)
        sides.append(f"To the {side}: more {more}." if more else "")
        sides.append(f"To the {opposite}: more {less}." if less else "")
    share = f"The two directions hold {100 * sum(_two(analysis)):.0f} % of the variance."
    return " ".join(filter(None, [*sides, share, strange]))


def _loadings(page: Report, analysis: Analysis) -> None:
    directions = analysis.projection.loadings[:2]
    if len(directions):
        columns = ("descriptor", *(f"direction {index + 1}" for index in range(len(directions))))
        rows = [
            (plain(name), *(signed(float(value)) for value in values))
            for name, values in zip(analysis.projection.names, directions.T, strict=True)
        ]
        page.table(columns, rows, caption="What the directions are made of", folded=True)


def outliers(page: Report, analysis: Analysis, source: Source) -> None:
    """Add the sounds that are unlike the rest, each with the descriptor that makes it so."""
    page.heading("Outliers")
    found = varied(analysis.outliers)
    if np.isnan(analysis.strangeness.distance).all():
        page.text(f"Not looked for: {analysis.strangeness.method}.")
        return
    if not found:
        page.text(f"No sound stands out. Measured against: {analysis.strangeness.method}.")
        return
    page.text(
        f"Measured against: {analysis.strangeness.method}. Of sounds like those, one in {1 / UNLIKELY:.0f} "
        "would be so far out. An outlier may be the best sound of the set, a fault of the recording, or a "
        "place where a model is wrong: listen."
    )
    for name, why in analysis.strangeness.left_out.items():
        page.text(f"{plain(name).capitalize()} does not count here: {why}.")
    letters = dict(zip(to_hear(found), _LETTERS, strict=False))
    names = [analysis.sounds.label(outlier.row) for outlier in found]
    rows = [
        (
            f"{letters[outlier.row]}: {name}" if outlier.row in letters else name,
            outlier.words,
            round(outlier.distance, 1),
        )
        for outlier, name in zip(found, names, strict=True)
    ]
    caption = "All of them, the farthest first"
    if analysis.outlier_count > len(found):
        caption = (
            f"{len(found)} of {analysis.outlier_count}, the farthest first, no descriptor too often; --json "
            f"lists the {len(analysis.outliers)} farthest"
        )
    page.table(("sound", "why", "distance"), rows, caption=caption)
    labels = {row: _short(analysis, row) for row in letters}
    _listen(page, analysis, labels, source, "Outliers of different kinds, made equally loud.")


def varied(found: Sequence[Outlier]) -> list[Outlier]:
    """A dozen of the outliers, farthest first, the same descriptor at most three times if others are left."""
    kept, rest = [], []
    for outlier in found:
        often = sum(other.descriptor == outlier.descriptor for other in kept) >= OF_A_KIND
        (rest if often or len(kept) == SHOWN_OUTLIERS else kept).append(outlier)
    kept += rest[: SHOWN_OUTLIERS - len(kept)]
    return sorted(kept, key=lambda outlier: -outlier.distance)


def to_hear(found: Sequence[Outlier]) -> list[int]:
    """Rows of four of them, the farthest of each descriptor first, in their order."""
    first = {outlier.descriptor: outlier.row for outlier in reversed(found)}
    chosen = sorted(found, key=lambda outlier: first[outlier.descriptor] != outlier.row)[:HEARD_OUTLIERS]
    return [outlier.row for outlier in found if outlier in chosen]


def _listen(
    page: Report, analysis: Analysis, labels: Mapping[int, str], source: Source, caption: str
) -> None:
    heard, silent = players(analysis.sounds, list(labels), table=source.table, root=source.root)
    if heard:
        page.listen([(labels[row], clip) for row, clip in heard], caption=caption)
    if silent and (heard or not all(words.endswith(NOT_FOUND) for words in silent)):
        page.text(f"Not to be heard here: {'; '.join(silent)}.")
    elif silent:
        first = silent[0].removesuffix(NOT_FOUND)
        more = f" and {len(silent) - 1} more" if len(silent) > 1 else ""
        hint = "" if source.root else " If the sounds were moved: --sounds FOLDER."
        page.text(f"Not to be heard, because the files were not found: {first}{more}.{hint}")


def _short(analysis: Analysis, row: int) -> str:
    file = analysis.sounds.files[row]
    return analysis.sounds.name(row).replace(file, Path(file).name)
