"""`plot_fit` and `plot_training`: what was wanted in blue, what was reached in orange."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.plotting import LINES, MUTED, ORANGE, entitle, named, sheet
from tonewright.errors import UsageError
from tonewright.filters.plots.frame import LONGEST_TITLE, fill_grid, frequency_level_axes, saved, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_EXAMPLES = 8
_COLUMNS = 2
_LEAST_ERROR_DB = 3.0


def plot_fit(
    fit: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    title: str = "",
    overwrite: bool = False,
) -> Figure:
    """Draw a fit: target and bank, the frequencies of its filters, and the error beneath.

    Parameters
    ----------
    fit : as `tonewright.filters.fit` gives it: `frequencies_hz`, `target_db`, `achieved_db` and `bank`
    path : where to write it, ending in .png, .svg or .pdf
    title : words above it
    overwrite : replace what is there

    Returns
    -------
    a figure that belongs to no window
    """
    frequencies, (target, achieved) = positive(fit.frequencies_hz, fit.target_db, fit.achieved_db)
    error = achieved - target
    ratios = {"height_ratios": [2.2, 1.0]}
    with sheet(2, height_in=4.8, sharex=True, gridspec_kw=ratios) as (figure, grid):
        upper, lower = grid[:, 0]
        handles = draw_pair(upper, frequencies, target, achieved)
        frequency_level_axes(upper, [target, achieved], high_hz=float(frequencies[-1]))
        upper.set_xlabel("")
        marks: Any = {"marker": "^", "markersize": 4.5, "color": MUTED, "linestyle": "none"}
        places = np.full(fit.bank.filters, 0.03)
        handles += upper.plot(fit.bank.frequency_hz, places, transform=upper.get_xaxis_transform(), **marks)
        lower.axhline(0.0, color=MUTED, linewidth=0.9)
        lower.fill_between(frequencies, error, color=ORANGE, alpha=0.35, linewidth=0)
        lower.plot(frequencies, error, color=ORANGE, linewidth=1.2)
        frequency_level_axes(lower, [error], high_hz=float(frequencies[-1]))
        bound = 1.15 * max(_LEAST_ERROR_DB, float(np.abs(error[np.isfinite(error)]).max(initial=0.0)))
        lower.set(ylabel="error (dB)", ylim=(-bound, bound))
        figure.align_ylabels([upper, lower])
        named(figure, handles, ["target", "bank", "where its filters lie"])
        if title:
            entitle(figure, shortened(title))
    return saved(figure, path, overwrite=overwrite)


def plot_training(
    target_db: np.ndarray,
    achieved_db: np.ndarray,
    path: str | os.PathLike[str] | None = None,
    *,
    frequencies_hz: np.ndarray,
    names: Sequence[str] = (),
    title: str = "",
    overwrite: bool = False,
) -> Figure:
    """Draw spectra in blue and what a model made of them in orange; at most eight, evenly chosen.

    Parameters
    ----------
    target_db : (frequencies,) or (sounds, frequencies)
    achieved_db : like target_db
    path : where to write it, ending in .png, .svg or .pdf
    frequencies_hz : (frequencies,); what lies at 0 Hz is not drawn
    names : of the sounds
    title : words above it
    overwrite : replace what is there

    Returns
    -------
    a figure that belongs to no window
    """
    frequencies, (targets, reached) = positive(
        frequencies_hz, np.atleast_2d(target_db), np.atleast_2d(achieved_db)
    )
    if not len(targets) or targets.shape != reached.shape or (len(names) not in (0, len(targets))):
        shapes = f"{np.shape(target_db)} and {np.shape(achieved_db)}"
        raise UsageError(f"spectra of shape {shapes} with {len(names)} names cannot be drawn; all must match")
    chosen = np.unique(np.linspace(0, len(targets) - 1, min(len(targets), MOST_EXAMPLES)).round().astype(int))
    columns = min(_COLUMNS, len(chosen))
    rows = -(-len(chosen) // columns)
    with sheet(rows, columns, height_in=0.9 + 1.9 * rows, sharex=True, sharey=True) as (figure, grid):
        handles: list[Any] = []
        for axes, index in zip(grid.flat, chosen, strict=False):
            handles = draw_pair(axes, frequencies, targets[index], reached[index])
            frequency_level_axes(axes, [targets[chosen], reached[chosen]], high_hz=float(frequencies[-1]))
            if len(names) > 0:
                axes.set_title(shortened(str(names[index]), LONGEST_TITLE // columns))
            axes.set_xlabel("")
        fill_grid(grid, len(chosen))
        figure.supxlabel("frequency (Hz)", fontsize=9)
        named(figure, handles, ["target", "reconstruction"])
        if title:
            entitle(figure, shortened(title))
    return saved(figure, path, overwrite=overwrite)


def draw_pair(axes: Axes, frequencies: np.ndarray, target: np.ndarray, achieved: np.ndarray) -> list[Any]:
    """What was wanted and what was reached."""
    return [*axes.plot(frequencies, target, **LINES[0]), *axes.plot(frequencies, achieved, **LINES[1])]


def positive(frequencies_hz: np.ndarray, *levels_db: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Frequencies above 0, and the levels there: a logarithmic axis has no 0.

    Parameters
    ----------
    frequencies_hz : (frequencies,)
    levels_db : (…, frequencies) each
    """
    frequencies = np.asarray(frequencies_hz, dtype=float)
    levels = [np.asarray(level, dtype=float) for level in levels_db]
    for level in levels:
        if frequencies.ndim != 1 or level.shape[-1:] != frequencies.shape:
            raise UsageError(f"levels of shape {level.shape} do not go with {frequencies.size} frequencies")
    return frequencies[frequencies > 0], [level[..., frequencies > 0] for level in levels]
