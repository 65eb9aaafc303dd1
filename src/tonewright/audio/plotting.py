"""Paper and pens of the pictures: size, type and colours, readable when small."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID = "#1b1f24", "#565f6b", "#e7eaee"
BLUE, ORANGE = "#1a5fb4", "#b8430a"
# Blue and orange are told apart by all kinds of colour vision; the second is dashed as well.
LINES: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "linestyle": "-", "linewidth": 1.7},
    {"color": ORANGE, "linestyle": (0, (4, 1.6)), "linewidth": 1.7},
)
WIDE_IN = 8.0
OCTAVES_HZ = (63, 125, 250, 500, 1000, 2000, 4000, 8000, 16000)
STYLE: Any = {
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "svg.fonttype": "none",
}


@contextmanager
def sheet(
    rows: int = 1, columns: int = 1, *, height_in: float = 3.2, **options: Any
) -> Iterator[tuple[Figure, Any]]:
    """Give an empty figure that belongs to no window, and its axes (rows, columns)."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDE_IN, height_in), layout="constrained", facecolor="white")
        yield figure, figure.subplots(rows, columns, squeeze=False, **options)


def named(figure: Figure, handles: Sequence[Any], names: Sequence[str]) -> None:
    """Name the lines above everything, where no data can be hidden; one line needs no name."""
    if len(names) > 1:
        figure.legend(
            handles, names, loc="outside upper left", ncols=len(names), borderaxespad=0.2, alignment="left"
        )


def entitle(figure: Figure, title: str) -> None:
    """Put words above everything, over the names of the lines where there are any."""
    style: Any = {"size": 11, "weight": "bold"}
    if figure.legends:
        figure.legends[0].set_title(title, prop=style)
    else:
        figure.suptitle(title, x=0.01, ha="left", color=INK, parse_math=False, **style)


def frequency_axis(
    axes: Axes, low_hz: float, high_hz: float, *, ticks_hz: Sequence[int] = OCTAVES_HZ
) -> None:
    """A logarithmic axis of frequency with its ticks in Hz."""
    from matplotlib.ticker import NullFormatter, NullLocator

    axes.set_xscale("log")
    axes.set_xlim(low_hz, high_hz)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    ticks = frequency_ticks(low_hz, high_hz, ticks_hz=ticks_hz)
    axes.set_xticks(ticks, [short_name(hz) for hz in ticks])
    axes.set_xlabel("frequency (Hz)")


def frequency_ticks(low_hz: float, high_hz: float, *, ticks_hz: Sequence[int] = OCTAVES_HZ) -> list[int]:
    """Those ticks that lie within a range."""
    return [hz for hz in ticks_hz if low_hz <= hz <= high_hz]


def short_name(hz: float) -> str:
    """A frequency as people write it on an axis: 500, 1k."""
    return f"{hz / 1000:g}k" if hz >= 1000 else f"{hz:g}"


def reached(*parts: np.ndarray) -> float:
    """The largest finite number, 0 where there is none."""
    values = np.concatenate([np.ravel(part) for part in parts]) if parts else np.zeros(0)
    good = values[np.isfinite(values)]
    return float(good.max()) if good.size else 0.0
