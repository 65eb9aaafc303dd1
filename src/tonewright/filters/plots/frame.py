"""What the pictures of filters share: axes of frequency and level, a scale of colours, and the file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.plotting import BLUE, ORANGE, STYLE, frequency_axis
from tonewright.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOWEST_HZ, HIGHEST_HZ = 20.0, 20000.0
TICKS_HZ = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000)
FEW_TICKS_HZ = (100, 1000, 10000)
ENDINGS = (".png", ".svg", ".pdf")
RANGE_DB, LEAST_RANGE_DB = 70.0, 12.0
LONGEST_TITLE = 72  # letters that have room across a picture
_DOTS_PER_INCH = 150
_BETWEEN = "#8a929c"  # of the scale from blue to orange: seen on white, and by all kinds of colour vision
_POINTS = 512


def heard_frequencies(sample_rate: float) -> np.ndarray:
    """Frequencies of a curve, equally spaced in octaves, from 20 Hz to 20 kHz as far as the rate goes."""
    return np.geomspace(LOWEST_HZ, max(2 * LOWEST_HZ, min(HIGHEST_HZ, 0.4999 * sample_rate)), _POINTS)


def frequency_level_axes(
    axes: Axes, levels_db: Sequence[np.ndarray], *, high_hz: float, few: bool = False
) -> None:
    """Frequency to the right, level upwards, over what the curves reach.

    Parameters
    ----------
    levels_db : curves that are to be seen
    high_hz : the last frequency
    few : only the ticks that a small picture has room for
    """
    frequency_axis(
        axes, LOWEST_HZ, min(high_hz, 1.02 * HIGHEST_HZ), ticks_hz=FEW_TICKS_HZ if few else TICKS_HZ
    )
    axes.set_ylim(*level_limits(levels_db))
    axes.set_ylabel("level (dB)")


def level_limits(levels_db: Sequence[np.ndarray]) -> tuple[float, float]:
    """The range of an axis of levels: at most `RANGE_DB` beneath the highest, at least `LEAST_RANGE_DB`."""
    values = np.concatenate([np.ravel(level) for level in levels_db]) if len(levels_db) else np.zeros(1)
    values = values[np.isfinite(values)]
    top = float(values.max()) if values.size else 0.0
    bottom = max(float(values.min()) if values.size else 0.0, top - RANGE_DB)
    air = max(0.06 * (top - bottom), (LEAST_RANGE_DB - (top - bottom)) / 2)
    return bottom - air, top + air


def fill_grid(grid: np.ndarray, count: int) -> None:
    """Hide the panels after the first `count`; those with nothing beneath them carry the axis of frequency.

    Parameters
    ----------
    grid : (rows, columns) of axes
    """
    columns = grid.shape[1]
    for index, axes in enumerate(grid.flat):
        axes.label_outer()
        if index >= count:
            axes.set_visible(False)
        elif index + columns >= count:
            axes.tick_params(labelbottom=True)


def colours(count: int) -> list[Any]:
    """So many colours from blue by way of grey to orange."""
    scale = blue_to_orange()
    return [scale(place) for place in np.linspace(0.0, 1.0, count)]


def blue_to_orange() -> Any:
    """The scale of colours for what has two ends."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("blue to orange", [BLUE, _BETWEEN, ORANGE])


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    """What the font of the pictures can draw."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def shortened(name: str, longest: int = LONGEST_TITLE) -> str:
    """A name that has room, in letters that can be drawn."""
    name = "".join(
        letter if letter.isprintable() and ord(letter) in _letters() else "\N{REPLACEMENT CHARACTER}"
        for letter in name
    )
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def saved(figure: Figure, path: str | os.PathLike[str] | None, *, overwrite: bool) -> Figure:
    """The figure, written to a file where one is named."""
    if path is None:
        return figure
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{path}: a picture ends in one of {', '.join(ENDINGS)}")
    import matplotlib as mpl

    from tonewright.audio.files import atomic_output

    with atomic_output(path, overwrite=overwrite) as temporary, mpl.rc_context(STYLE):
        figure.savefig(temporary, dpi=_DOTS_PER_INCH)
    return figure
