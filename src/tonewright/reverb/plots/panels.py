"""One panel each: waveform, decay curves, decay times, echo density, spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.plotting import LINES, MUTED, frequency_axis, reached
from tonewright.reverb.analysis.tables import band_name
from tonewright.reverb.plots.sides import Side

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVE_DB = -65.0
MARKERS = ("o", "s")
_COLUMNS = 900


def draw_waveform(axes: Axes, side: Side, index: int = 0) -> Any:
    """The response until its end, with its onset; over 900 stretches the range of each."""
    analysis = side.analysis
    rate = analysis.sample_rate
    samples = analysis.clip.samples[side.channel].astype(float)
    start = int(analysis.onset_samples[side.channel])
    shown = samples[: min(len(samples), start + max(1, round(1.1 * side.end_s * rate)))]
    edges = np.unique(np.linspace(0, len(shown), min(_COLUMNS, len(shown)), endpoint=False).astype(int))
    low, high = np.minimum.reduceat(shown, edges), np.maximum.reduceat(shown, edges)
    handle = axes.fill_between(edges / rate, low, high, color=LINES[index]["color"], linewidth=0.6)
    axes.axvline(start / rate, color=MUTED, linewidth=1.0, linestyle=":")
    words = f"onset {1000 * start / rate:.1f} ms"
    place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    axes.annotate(words, (start / rate, 1.0), xytext=(4, -2), va="top", fontsize=8.5, color=MUTED, **place)
    axes.set(xlabel="time (s)", ylabel="amplitude")
    axes.margins(x=0.01)
    return handle


def draw_curve(axes: Axes, found: Sequence[Side], band: int | None) -> list[Any]:
    """Energy decay curves of a band, or of the whole for None, each with its decay time."""
    handles = []
    for index, side in enumerate(found):
        analysis, at = side.analysis, side.channel
        curves = analysis.broadband_curves_db[at] if band is None else analysis.curves_db[at, band]
        handles += axes.plot(analysis.curve_times_s, curves, **LINES[index])
        value = analysis.broadband.decay_s[at] if band is None else analysis.decay_s[at, band]
        words = f"{value:.2f} s" if np.isfinite(value) else "–"
        axes.annotate(
            words, (1.0, 1.0), xytext=(0, -1 - 11 * index), xycoords="axes fraction", ha="right", va="top",
            textcoords="offset points", fontsize=8.5, color=LINES[index]["color"],
        )  # fmt: skip
    name = "all" if band is None else f"{band_name(found[0].analysis.bands_hz[band])} Hz"
    axes.set_title(name, pad=3)
    axes.set_ylim(CURVE_DB, 2)
    axes.set_yticks([-60, -40, -20, 0])
    return handles


def draw_bands(
    axes: Axes, found: Sequence[Side], name: str, label: str, *, from_zero: bool = True
) -> list[Any]:
    """A figure of `DecayFigures` for each octave."""
    handles: list[Any] = []
    for index, side in enumerate(found):
        values = getattr(side.analysis, name)[side.channel]
        handles += axes.plot(
            np.arange(len(values)), values, marker=MARKERS[index], markersize=4.5, **LINES[index]
        )
    bands = found[0].analysis.bands_hz
    axes.set_xticks(np.arange(len(bands)), [band_name(hz) for hz in bands])
    axes.set(xlabel="octave (Hz)", ylabel=label)
    if from_zero:
        axes.set_ylim(0, 1.1 * max(reached(*(getattr(s.analysis, name)[s.channel] for s in found)), 1e-3))
    return handles


def draw_density(axes: Axes, found: Sequence[Side]) -> list[Any]:
    """Echo density over time, with the time at which each is mixed."""
    handles = []
    axes.axhline(1.0, color=MUTED, linewidth=0.9, linestyle=":")
    for index, side in enumerate(found):
        analysis = side.analysis
        times = 1000 * analysis.echo_density_times_s
        handles += axes.plot(times, analysis.echo_density[side.channel], **{**LINES[index], "linewidth": 1.2})
        mixing = 1000 * float(analysis.mixing_time_s[side.channel])
        if np.isfinite(mixing):
            colour = LINES[index]["color"]
            axes.vlines(mixing, 0.0, 1.0, color=colour, linewidth=0.9, linestyle=":")
            axes.plot([mixing], [1.0], MARKERS[index], color=colour, markersize=6, clip_on=False)
            axes.annotate(
                f"{mixing:.0f} ms", (mixing, 0.0), xytext=(4, 4 + 12 * index), textcoords="offset points",
                fontsize=8.5, color=colour,
            )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(2.0, max(4.0, 1000 * min(found[0].end_s, 0.5)))
    ticks = [ms for ms in (2, 5, 10, 20, 50, 100, 200, 500) if ms <= axes.get_xlim()[1]]
    axes.set_xticks(ticks, [f"{ms}" for ms in ticks])
    axes.set_xticks([], minor=True)
    axes.set(xlabel="time after the onset (ms)", ylabel="echo density (noise = 1)", ylim=(0, 1.45))
    return handles


def draw_spectrum(axes: Axes, found: Sequence[Side]) -> list[Any]:
    """Energy in third octaves."""
    handles: list[Any] = []
    for index, side in enumerate(found):
        levels = side.analysis.spectrum_db[side.channel]
        shown = np.where(np.isfinite(levels), levels, np.nan)
        handles += axes.plot(side.analysis.thirds_hz, shown, drawstyle="steps-mid", **LINES[index])
    thirds = found[0].analysis.thirds_hz
    if len(thirds):
        frequency_axis(axes, float(thirds[0]) * 0.89, float(thirds[-1]) * 1.12)
    levels = np.concatenate([side.analysis.spectrum_db[side.channel] for side in found])
    top, bottom = reached(levels), -reached(-levels)
    axes.set(ylabel="energy (dB)", ylim=(max(bottom, top - 50) - 4, top + 4))
    return handles


def draw_difference(axes: Axes, found: Sequence[Side]) -> None:
    """By how much the second spectrum lies above the first."""
    first, second = found[0], found[1]
    gap = second.analysis.spectrum_db[second.channel] - first.analysis.spectrum_db[first.channel]
    thirds = first.analysis.thirds_hz
    axes.axhline(0.0, color=MUTED, linewidth=0.9)
    axes.bar(thirds, np.where(np.isfinite(gap), gap, np.nan), width=0.2 * thirds, color=LINES[1]["color"])
    if len(thirds):
        frequency_axis(axes, float(thirds[0]) * 0.89, float(thirds[-1]) * 1.12)
    bound = min(12.0, max(3.0, 1.15 * reached(np.abs(gap))))
    axes.set(ylabel="difference (dB)", ylim=(-bound, bound))
