"""What a pool holds, as a page of the documentation: tables and figures, no sound.

python benchmarks/pool_report.py POOL docs/pool.md
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.inspection import FileReport, inspect
from tonewright.audio.sources.manifest import MANIFEST, Piece, read_manifest
from tonewright.report import distributions


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(columns)} |", f"|{'|'.join(' --- ' for _ in columns)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows)])


def span(values: Iterable[float], *, scale: float = 1.0, digits: int = 1) -> str:
    """The median, and the range of nine in ten."""
    low, middle, high = (
        f"{value * scale:.{digits}f}" for value in np.quantile(list(values), (0.05, 0.5, 0.95))
    )
    return middle if low == high else f"{middle} ({low} to {high})"


def shown(value: object) -> str:
    """An option's value in words."""
    return " + ".join(value) if isinstance(value, list) else str(value)


def part_rows(pieces: Sequence[Piece]) -> Iterable[Sequence[object]]:
    """A row a part."""
    for part, group in grouped(pieces, lambda piece: piece.part).items():
        yield (
            part,
            len(group),
            f"{sum(piece.seconds for piece in group) / 60:.0f}",
            span(piece.seconds for piece in group),
            span((piece.bandwidth_hz for piece in group), scale=1e-3),
            span(piece.level_db for piece in group),
            f"{100 * sum(piece.channels == 2 for piece in group) / len(group):.0f}",
        )


def package_rows(pieces: Sequence[Piece]) -> Iterable[Sequence[object]]:
    """A row a package and licence; the small ones of one family together."""
    groups = grouped(pieces, lambda piece: (piece.part, family(piece.package), piece.licence))
    for (part, package, licence), group in groups.items():
        rates = sorted({piece.source_rate for piece in group})
        shown = f"{rates[0] / 1000:g}" if len(rates) == 1 else f"{rates[0] / 1000:g} to {rates[-1] / 1000:g}"
        yield (
            *(part, package, licence, len(group), f"{sum(piece.seconds for piece in group) / 60:.0f}", shown),
            span((piece.bandwidth_hz for piece in group), scale=1e-3),
            span(piece.level_db for piece in group),
            f"{100 * sum(piece.clipped > 1e-4 for piece in group) / len(group):.0f}",
        )


def family(package: str) -> str:
    """The package, or its family where there are many of a kind."""
    return "tonejs-instrument-*" if package.startswith("tonejs-instrument-") else package


def grouped(items: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, list]:
    """Items by key, in the order they are met."""
    groups = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return dict(groups)


def left_out_rows(pool: Path) -> Iterable[Sequence[object]]:
    """A row a package and reason."""
    with (pool / "left-out.csv").open(encoding="utf-8", newline="") as lines:
        counts = Counter(
            (family(row["package"]), row["reason"].split(" (")[0]) for row in csv.DictReader(lines)
        )
    return ((package, reason, count) for (package, reason), count in counts.most_common())


def draw(reports: Sequence[FileReport], pieces: Sequence[Piece], folder: Path) -> None:
    """The figures, as PNG beside the page."""
    folder.mkdir(exist_ok=True)
    minutes: dict[str, float] = defaultdict(float)
    for piece in pieces:
        minutes[f"{family(piece.package)} ({piece.part})"] += piece.seconds / 60
    groups = grouped(reports, lambda report: report.labels[0])
    seconds = {name: [report.seconds for report in group] for name, group in groups.items()}
    bandwidth = {name: [report.bandwidth_hz for report in group] for name, group in groups.items()}
    level = {name: [report.rms_db for report in group] for name, group in groups.items()}
    figures = {
        "minutes": distributions.bars(minutes, unit="minutes"),
        "bandwidth": distributions.spread(
            bandwidth, weights=seconds, label="bandwidth (Hz)", logarithmic=True
        ),
        "level": distributions.spread(
            level, weights=seconds, label="RMS level in the pool (dB re full scale)"
        ),
        "length": distributions.spread(seconds, label="length of a piece (s)", logarithmic=True),
    }
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=110)


def main() -> None:
    """Write the page and its figures."""
    pool, page = Path(sys.argv[1]), Path(sys.argv[2])
    pieces = read_manifest(pool / MANIFEST)
    found = inspect(pool, jobs=-1)
    names = {piece.name for piece in pieces}
    whole = [row for row in found.files if row.name in names or row.name.endswith(" (mixture)")]
    draw(whole, pieces, page.with_suffix(""))
    options = json.loads((pool / "pool.json").read_text(encoding="utf-8"))["options"]
    totals = found.totals
    flaws = f"{totals.silent} silent, {totals.off_centre} with DC, {totals.nonfinite} with NaN, "
    flaws += f"{totals.duplicates} doubled, {totals.clipped} at full scale, {totals.unreadable} unreadable"
    licences: dict[str, float] = defaultdict(float)
    for piece in pieces:
        licences[piece.licence] += piece.seconds / 60
    ordered = [(name, f"{value:.0f}") for name, value in sorted(licences.items(), key=lambda row: -row[1])]
    name = page.stem
    text = f"""# What the pool holds

The report of a pool that `tonewright data pool` built, as `benchmarks/pool_report.py` wrote it. Options: {
        ", ".join(f"{key} {shown(value)}" for key, value in options.items())
    }. Ranges hold nine pieces in ten.

{
        table(
            (
                *("part", "pieces", "minutes", "length, s", "bandwidth, kHz"),
                *("level as published, dB", "stereo, %"),
            ),
            part_rows(pieces),
        )
    }

Every sound read from end to end: {flaws}.

![Minutes by package]({name}/minutes.png)

![Bandwidth of each part]({name}/bandwidth.png)

![Level of each part]({name}/level.png)

![Length of the pieces of each part]({name}/length.png)

## Sources

{
        table(
            (
                *("part", "package", "licence", "pieces", "minutes", "published at, kHz"),
                *("bandwidth, kHz", "level, dB", "clipped, %"),
            ),
            package_rows(pieces),
        )
    }

{table(("licence", "minutes"), ordered)}

## Left out

{table(("package", "reason", "files"), left_out_rows(pool))}
"""
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
