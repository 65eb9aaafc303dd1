"""The decay relief as a picture: time to the right, frequency upwards, the energy left as colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.plotting import frequency_ticks, short_name
from tonewright.reverb.plots.sides import Side

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RANGE_DB = 60.0
GAP_DB = 15.0


def draw_reliefs(figure: Figure, axes: Sequence[Axes], found: Sequence[Side]) -> None:
    """One relief for each side on a common scale, and the difference of two where a third panel is given."""
    drawn = [side.relief() for side in found]
    loudest = max(float(energy.max()) for energy, _, _ in drawn) or 1.0
    levels = [10 * np.log10(np.maximum(energy / loudest, 1e-12)) for energy, _, _ in drawn]
    image = None
    for panel, side, (_, times, edges), level in zip(axes, found, drawn, levels, strict=False):
        image = _heat(panel, level, times, edges, low=-RANGE_DB, high=0.0, colours="magma")
        panel.set_title(side.label if len(found) > 1 else "")
    _bar(figure, image, axes[: len(found)], "energy left (dB)")
    if len(found) > 1 and len(axes) > 2:
        (_, times, edges), columns = drawn[0], min(level.shape[1] for level in levels)
        room, fit = (np.maximum(level[:, :columns], -RANGE_DB) for level in levels)
        image = _heat(axes[2], fit - room, times[:columns], edges, low=-GAP_DB, high=GAP_DB, colours="RdBu_r")
        axes[2].set_title(f"{found[1].label} minus {found[0].label}")
        _bar(figure, image, axes[2:3], "difference (dB)")
    axes[-1].set_xlabel("time after the onset (s)")


def _heat(
    axes: Axes,
    levels: np.ndarray,
    times: np.ndarray,
    edges: np.ndarray,
    *,
    low: float,
    high: float,
    colours: str,
) -> Any:
    step = times[1] - times[0] if len(times) > 1 else 1.0
    image = axes.imshow(
        levels,
        origin="lower",
        aspect="auto",
        interpolation="none",
        extent=(0.0, float(times[-1] + step), float(np.log2(edges[0])), float(np.log2(edges[-1]))),
        vmin=low,
        vmax=high,
        cmap=colours,
    )
    ticks = frequency_ticks(float(edges[0]), float(edges[-1]))
    axes.set_yticks(np.log2(ticks), [short_name(hz) for hz in ticks])
    axes.set_ylabel("frequency (Hz)")
    axes.grid(False)
    return image


def _bar(figure: Figure, image: Any, axes: Sequence[Axes], label: str) -> None:
    bar = figure.colorbar(image, ax=list(axes), pad=0.015, fraction=0.045, aspect=24)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    bar.set_label(label)
