"""`plot`: a picture of a room, or of a room and the network fitted to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tonewright.audio.clips import Clip
from tonewright.audio.plotting import entitle, named, sheet
from tonewright.errors import UsageError, nearest
from tonewright.reverb.analysis import RoomAnalysis, RoomDifference
from tonewright.reverb.plots import panels
from tonewright.reverb.plots.reliefs import draw_reliefs
from tonewright.reverb.plots.sides import Side, sides

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tonewright.reverb.fitting.result import Fit

_COLUMNS = 3
_LABELS = ("room", "fit")


def plot(
    what: Clip | RoomAnalysis | RoomDifference | Fit,
    fitted: Clip | RoomAnalysis | None = None,
    *,
    kind: str = "overview",
    channel: int = 0,
    labels: tuple[str, str] | None = None,
    title: str = "",
) -> Figure:
    """Draw a room response, or two over the same range: a room and what is to sound like it.

    Parameters
    ----------
    what : a response, its analysis, a comparison, or a fit; the latter two bring both sides
    fitted : the second response
    kind : "waveform", "curves" (energy decay curves of all octaves), "decays" (decay times and clarity by
        octave), "relief" (energy decay relief), "density" (echo density), "spectrum" (third octaves), or
        "overview" of all but the curves
    channel : which one, counted from 0
    labels : names of the two sides, "room" and "fit" unless given; a response drawn alone has the first as
        its title
    title : words above everything

    Returns
    -------
    a figure that belongs to no window; ``figure.savefig(path)`` writes it
    """
    if kind not in _DRAWN:
        raise UsageError(f"plot kind {kind!r}: not known; {nearest(kind, _DRAWN)}")
    found = sides(what, fitted, channel=channel, labels=labels or _LABELS)
    figure = _DRAWN[kind](found)
    title = title or (labels[0] if labels and len(found) == 1 else "")
    if title:
        entitle(figure, title)
    return figure


def _waveform(found: list[Side]) -> Figure:
    alike = {"sharex": True, "sharey": True}
    with sheet(len(found), height_in=0.6 + 1.9 * len(found), **alike) as (figure, axes):
        for index, side in enumerate(found):
            panels.draw_waveform(axes[index, 0], side, index)
            axes[index, 0].set_title(side.label if len(found) > 1 else "")
            axes[index, 0].label_outer()
    return figure


def _curves(found: list[Side]) -> Figure:
    bands: list[int | None] = list(range(len(found[0].analysis.bands_hz)))
    bands += [None] if len(bands) % _COLUMNS or not bands else []
    rows = -(-len(bands) // _COLUMNS)
    with sheet(rows, _COLUMNS, height_in=0.6 + 2.0 * rows, sharex=True, sharey=True) as (figure, axes):
        handles: list[Any] = []
        for panel, band in zip(axes.flat, bands, strict=False):
            handles = panels.draw_curve(panel, found, band)
        for panel in axes.flat[len(bands) :]:
            panel.set_visible(False)
        # In the last row but one, those with nothing beneath them carry the axis.
        for panel in axes.flat[max(0, len(bands) - _COLUMNS) : len(bands)]:
            panel.tick_params(labelbottom=True)
            panel.set_xlabel("time (s)")
        for row in axes:
            row[0].set_ylabel("level (dB)")
        axes[0, 0].set_xlim(0, 1.02 * found[0].end_s)
        named(figure, handles, [side.label for side in found])
    return figure


def _decays(found: list[Side]) -> Figure:
    with sheet(3, height_in=6.0, sharex=True) as (figure, axes):
        handles = panels.draw_bands(axes[0, 0], found, "decay_s", "decay T30 (s)")
        panels.draw_bands(axes[1, 0], found, "edt_s", "early decay (s)")
        panels.draw_bands(axes[2, 0], found, "c80_db", "clarity C80 (dB)", from_zero=False)
        for panel in axes[:2, 0]:
            panel.set_xlabel("")
        named(figure, handles, [side.label for side in found])
    return figure


def _relief(found: list[Side]) -> Figure:
    count = 1 if len(found) == 1 else 3
    with sheet(count, height_in=3.2 if count == 1 else 7.4, sharex=True) as (figure, axes):
        draw_reliefs(figure, list(axes[:, 0]), found)
    return figure


def _density(found: list[Side]) -> Figure:
    with sheet(height_in=3.0) as (figure, axes):
        named(figure, panels.draw_density(axes[0, 0], found), [side.label for side in found])
    return figure


def _spectrum(found: list[Side]) -> Figure:
    rows = len(found)
    with sheet(rows, height_in=0.8 + 2.4 * rows, sharex=True) as (figure, axes):
        handles = panels.draw_spectrum(axes[0, 0], found)
        if rows > 1:
            axes[0, 0].set(xlabel="", title="third octaves")
            panels.draw_difference(axes[1, 0], found)
            axes[1, 0].set_title(f"{found[1].label} minus {found[0].label}")
        named(figure, handles, [side.label for side in found])
    return figure


def _overview(found: list[Side]) -> Figure:
    with sheet(4 + len(found), height_in=2.1 * (4 + len(found))) as (figure, axes):
        column = list(axes[:, 0])
        panels.draw_waveform(column[0], found[0])
        draw_reliefs(figure, column[1 : 1 + len(found)], found)
        rest = column[1 + len(found) :]
        handles = panels.draw_bands(rest[0], found, "decay_s", "decay T30 (s)")
        panels.draw_density(rest[1], found)
        panels.draw_spectrum(rest[2], found)
        named(figure, handles, [side.label for side in found])
    return figure


_DRAWN: dict[str, Callable[[list[Side]], Figure]] = {
    "overview": _overview,
    "waveform": _waveform,
    "curves": _curves,
    "decays": _decays,
    "relief": _relief,
    "density": _density,
    "spectrum": _spectrum,
}
KINDS = tuple(_DRAWN)
