"""A table of timbre as one page: spreads, shared information, a subset, a map with players, outliers."""

from __future__ import annotations

import shlex
from collections import Counter
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.errors import OutputError
from tonewright.report import timbre_figures as figures
from tonewright.report.page import Report
from tonewright.report.timbre_places import Source, outliers, sound_map
from tonewright.report.timbre_sharing import correlations, subset
from tonewright.timbre.analysis import Analysis, analyse_table, read_measurements
from tonewright.timbre.analysis.projection import MapKind
from tonewright.timbre.analysis.spreads import Spread
from tonewright.timbre.analysis.subset import THRESHOLD
from tonewright.timbre.analysis.words import LIMITS, MEANINGS, labelled, plain
from tonewright.timbre.names import DESCRIPTORS

MOST_REASONS = 20


def timbre_report(
    table_path: str | PathLike[str],
    *,
    path: str | PathLike[str],
    sounds_root: str | PathLike[str] | None = None,
    overwrite: bool = False,
    map_kind: MapKind = "pca",
    subset_threshold: float = THRESHOLD,
) -> Path:
    """Write the page of a table that `tonewright timbre` has made and return where it is.

    Parameters
    ----------
    table_path : CSV, JSON lines or Parquet
    path : the page
    sounds_root : where the sounds lie, if not where the table says
    overwrite : replace what is there
    map_kind : "pca" or "umap"
    subset_threshold : share of each left-out descriptor's ranking that the suggested subset must explain

    Raises
    ------
    TonewrightError
        If there is no such table, fewer than three of its sounds have values, or the page exists.
    """
    target = Path(path)
    if target.exists() and not overwrite:  # said before the work, not after
        raise OutputError(f"{target}: exists already; choose another name, or replace it with --force")
    sounds = read_measurements(table_path)
    analysis = analyse_table(sounds, subset_threshold=subset_threshold, map_kind=map_kind)
    return write_page(analysis, table=Path(table_path), path=target, root=sounds_root, overwrite=overwrite)


def write_page(
    analysis: Analysis,
    *,
    table: Path,
    path: Path,
    root: str | PathLike[str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write an analysis as a page.

    Parameters
    ----------
    analysis : of a table
    table : where it came from
    path, root, overwrite : as for `timbre_report`
    """
    page = Report(
        f"Timbre of {table.stem}", "What the descriptors say of these sounds, and which of them to use"
    )
    source = Source(table, None if root is None else Path(root))
    _numbers(page, analysis)
    _meanings(page, analysis)
    _spreads(page, analysis)
    correlations(page, analysis)
    subset(page, analysis)
    sound_map(page, analysis, source)
    outliers(page, analysis, source)
    _missing(page, analysis)
    _limits(page, analysis)
    _next(page, table)
    return page.write(path, overwrite=overwrite)


def _numbers(page: Report, analysis: Analysis) -> None:
    sounds, subset = analysis.sounds, analysis.subset
    note = f"pieces of {len(set(sounds.files))} files" if sounds.pieces else _length(sounds.seconds)
    lacking = int(np.isnan(sounds.matrix(analysis.used)).any(axis=1).sum())
    note = ", ".join(filter(None, [note, f"{lacking} lack{'s' * (lacking == 1)} a value" if lacking else ""]))
    nothing = "none can be left out" if subset.rows > len(subset.chosen) else "too few sounds to tell"
    entries: list[tuple[str, Any, str]] = [
        ("sounds", len(sounds), note),
        (
            "suggested subset",
            f"{len(subset.chosen)} of {len(analysis.used)}",
            ", ".join(map(plain, subset.chosen)) if subset.explained else nothing,
        ),
        ("outliers", analysis.outlier_count, "unlike the majority"),
    ]
    if analysis.projection.kind == "pca":
        share = 100 * float(analysis.projection.explained[:2].sum())
        entries.append(("on the map", f"{share:.0f} %", "of the variance, in two directions"))
    page.numbers(entries)
    if sounds.folder:
        page.text(f"Files are named as seen from {sounds.folder}.")
    if analysis.repeated:
        many = analysis.repeated > 1
        words, copies = ("sounds have", "they may be copies") if many else ("sound has", "it may be a copy")
        page.text(f"{analysis.repeated} {words} exactly the values of an earlier one; {copies}.")


def _length(seconds: np.ndarray) -> str:
    total = float(np.nansum(seconds))
    if not total:
        return ""
    if total < 120:
        return f"{total:.0f} s"
    return f"{total / 3600:.1f} h" if total >= 7200 else f"{total / 60:.0f} min"


def _meanings(page: Report, analysis: Analysis) -> None:
    page.heading("What the descriptors mean")
    rows = [
        (plain(name), f"{little} → {much}", measured)
        for name, (little, much, measured) in MEANINGS.items()
        if name in analysis.used or name in analysis.left_out
    ]
    page.table(("descriptor", "from little to much", "what is measured"), rows)


def _spreads(page: Report, analysis: Analysis) -> None:
    page.heading("How they are spread")
    unit = "pieces" if analysis.sounds.pieces else "sounds"
    gallery = []
    for name in analysis.correlations.names:
        picture = figures.histogram(
            analysis.sounds.column(name), label=labelled(name), unit=unit, scale=name in DESCRIPTORS[:-1]
        )
        gallery.append((picture, f"{plain(name).capitalize()}: {_spread_words(analysis.spreads[name])}."))
    page.gallery(gallery)
    rows = [
        (
            labelled(name),
            s.measured,
            *(
                _rounded(v)
                for v in (s.mean, s.deviation, s.variance, s.lowest, s.low, s.median, s.high, s.highest)
            ),
        )
        for name, s in analysis.spreads.items()
        if s.measured
    ]
    columns = (
        "descriptor",
        unit,
        "mean",
        "deviation",
        "variance",
        "lowest",
        "5 %",
        "median",
        "95 %",
        "highest",
    )
    page.table(columns, rows, caption="The same in figures", folded=True)


def _spread_words(spread: Spread) -> str:
    if spread.distinct == 2:
        most = f"{100 * spread.commonest_share:.0f} % of the sounds have {_number(spread.commonest)}"
        other = spread.lowest + spread.highest - spread.commonest
        return f"{most}, the others {_number(other)}"
    return (
        f"median {_number(spread.median)}, nine of ten from {_number(spread.low)} to {_number(spread.high)}"
    )


def _number(value: float) -> str:
    return (f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}").replace("-", "−")


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _missing(page: Report, analysis: Analysis) -> None:
    sounds = analysis.sounds
    lacking = np.flatnonzero(np.isnan(sounds.matrix(analysis.used)).any(axis=1))
    if not len(lacking) and not analysis.left_out:
        return
    page.heading("What has no value")
    if analysis.left_out:
        rows = [(plain(name), why) for name, why in analysis.left_out.items()]
        page.table(("descriptor", "why it is not analysed"), rows)
    if len(lacking):
        counts = Counter(sounds.notes[row] or "no reason given" for row in lacking)
        first = {sounds.notes[row] or "no reason given": sounds.label(row) for row in lacking[::-1]}
        rows = [(count, note, first[note]) for note, count in counts.most_common(MOST_REASONS)]
        page.table(
            ("sounds", "what the table notes", "for example"), rows, caption="Sounds that lack a value"
        )


def _limits(page: Report, analysis: Analysis) -> None:
    page.heading("How far to trust this")
    for words in LIMITS:
        page.text(words)
    inside = [name for name in DESCRIPTORS[:-1] if name in analysis.spreads]
    values = analysis.sounds.matrix(inside)
    at_the_end = int(((values == 0) | (values == 100)).sum())
    if at_the_end:
        lie, they = ("lie", "they were") if at_the_end > 1 else ("lies", "it was")
        page.text(
            f"{at_the_end} of {int(np.isfinite(values).sum())} values {lie} at an end of the scale, 0 or "
            f"100, most often because {they} cut off there; tonewright timbre --raw cuts nothing off."
        )
    if analysis.sounds.pieces:
        page.text(
            "Rows that are pieces of one file resemble each other, so the intervals and probabilities of the "
            "correlations are narrower than they should be."
        )


def _next(page: Report, table: Path) -> None:
    page.heading("Try next")
    source, other = shlex.quote(str(table)), shlex.quote(str(table.with_name(f"{table.stem}-umap.html")))
    page.code(
        f"tonewright timbre report {source} --force --json > figures.json\n"
        f"tonewright timbre report {source} --threshold 0.7 --force\n"
        f"tonewright timbre report {source} --map umap -o {other}",
        caption="Commands",
    )
