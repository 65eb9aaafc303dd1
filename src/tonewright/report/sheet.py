"""The sheet that figures are drawn on: size, type, lines and colours in the house style."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tonewright.audio.plotting import STYLE
from tonewright.report.theme import MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE_IN = 8.0
_STYLE: Any = {
    **STYLE,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.minor.width": 0.5,
    "ytick.minor.width": 0.5,
    "lines.linewidth": 1.6,
}


@contextmanager
def sheet(*, panels: int = 1, height_in: float = 3.2, **options: Any) -> Iterator[tuple[Figure, list[Axes]]]:
    """Give an empty figure and its axes, top to bottom, in the house style."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDE_IN, height_in), layout="constrained", facecolor="white")
        axes = figure.subplots(panels, 1, squeeze=False, **options)[:, 0]
        yield figure, list(axes)


def logarithmic_y(axes: Axes) -> None:
    """Make the value axis logarithmic, its ticks plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def name_lines(axes: Axes, handles: Sequence[Any], names: Sequence[str]) -> None:
    """Name the lines above the axes, where no data can be hidden."""
    if len(names) == 0:
        axes.text(0.5, 0.5, "nothing recorded yet", ha="center", transform=axes.transAxes, color=MUTED)
        return
    shown = [f" {name}" if name.startswith("_") else name for name in names]
    columns = max(1, min(3, 46 // (7 + max(map(len, names)))))  # as many as a phone holds side by side
    axes.figure.legend(handles, shown, loc="outside upper left", ncols=columns, borderaxespad=0.2)
