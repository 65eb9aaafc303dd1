"""Figures of sounds and of training, drawn with matplotlib in colours that survive both themes.

Each function returns a `matplotlib.figure.Figure` that belongs to no window, so it may be drawn
anywhere, logged, saved, or handed to `Report.figure`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.files import Clip
from tonewright.report import pictures
from tonewright.report.sheet import logarithmic_y, name_lines, sheet
from tonewright.report.theme import SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def loss_curves(
    metrics: Mapping[str, tuple[Any, Any]],
    *,
    title: str = "",
    unit: str = "",
    logarithmic: bool | None = None,
) -> Figure:
    """Losses against step, one line a name; those of validation are dashed, with markers.

    Names such as ``train/mel`` and ``validation/mel`` that share their term are drawn under its name.

    Parameters
    ----------
    metrics : name -> (steps (n,), values (n,)); values that are not finite leave gaps
    title : words above the axes
    unit : unit of the values, in brackets after the axis' name
    logarithmic : whether the values' axis is logarithmic; decided by their spread unless given
    """
    with sheet() as (figure, (axes,)):
        handles = []
        for index, (name, (steps, values)) in enumerate(metrics.items()):
            steps, values = thinned(np.asarray(steps, float), np.asarray(values, float))
            checked = name.split("/")[0] in {"validation", "val", "test"}
            style = {"marker": "o", "markersize": 3.5, "linestyle": "--"} if checked else {}
            style |= {"linewidth": 1.1} if len(steps) > 150 else {}
            handles += axes.plot(steps, values, color=SERIES[index % len(SERIES)], **style)
        if _spreads([values for _, values in metrics.values()]) if logarithmic is None else logarithmic:
            logarithmic_y(axes)
        term, names = _shared_term(list(metrics))
        axes.set(xlabel="step", ylabel=f"{term} ({unit})" if unit else term, title=title)
        name_lines(axes, handles, names)
        axes.margins(x=0.01)
    return figure


def _shared_term(names: list[str]) -> tuple[str, list[str]]:
    """Split names into the term that all end in and what remains of each; "value" where they share none."""
    terms = {name.partition("/")[2] or name for name in names}
    if len(terms) != 1:
        return "value", names
    return terms.pop(), [name.partition("/")[0] for name in names]


def thinned(steps: np.ndarray, values: np.ndarray, *, most: int = 1200) -> tuple[np.ndarray, np.ndarray]:
    """Keep the lowest and highest value of each stretch, so that a long run stays a small picture.

    Parameters
    ----------
    steps, values : (n,)
    most : how many points may remain
    """
    if len(steps) <= most:
        return steps, values
    kept = []
    for stretch in np.array_split(np.arange(len(steps)), most // 2):
        part = values[stretch]
        if np.isfinite(part).any():
            kept += sorted({stretch[np.nanargmin(part)], stretch[np.nanargmax(part)]})
    return steps[kept], values[kept]


def _spreads(columns: Sequence[Any]) -> bool:
    """Whether all values are positive and the largest is over twenty times the smallest."""
    values = np.concatenate([np.ravel(np.asarray(column, float)) for column in columns] or [np.ones(1)])
    values = values[np.isfinite(values)]
    return bool(values.size and values.min() > 0 and values.max() > 20 * values.min())


def spectrogram(clip: Clip, *, title: str = "", top_db: float | None = None) -> Figure:
    """Log-frequency spectrogram in dB re a full-scale sine, with its colour bar.

    Parameters
    ----------
    clip : samples (channels, time); channels are averaged in power
    title : words above the axes
    top_db : brightest colour; the loudest level rounded up to 10 dB unless given
    """
    picture = pictures.log_spectrogram(clip)
    top_db = pictures.ceiling_db(picture) if top_db is None else top_db
    with sheet() as (figure, (axes,)):
        image = _heat(axes, picture, low=top_db - pictures.RANGE_DB, high=top_db, colours="magma")
        axes.set(title=title, xlabel="time (s)")
        _colour_bar(figure, image, [axes], "level (dB re full-scale sine)")
    return figure


def _heat(axes: Axes, picture: pictures.LogSpectrogram, *, low: float, high: float, colours: str) -> Any:
    """Draw levels as pixels; the axis is linear in log2 f so that a pixel row is a band."""
    bottom, top = np.log2(picture.edges_hz[[0, -1]])
    image = axes.imshow(
        picture.levels_db,
        origin="lower",
        aspect="auto",
        interpolation="none",
        extent=(0.0, max(picture.seconds, 1e-6), bottom, top),
        vmin=low,
        vmax=high,
        cmap=colours,
    )
    ticks = [hz for hz in pictures.FREQUENCY_TICKS_HZ if picture.edges_hz[0] <= hz <= picture.edges_hz[-1]]
    axes.set_yticks(np.log2(ticks), [frequency_name(hz) for hz in ticks])
    axes.set_ylabel("frequency (Hz)")
    axes.grid(False)
    return image


def _colour_bar(figure: Figure, image: Any, axes: Sequence[Axes], label: str) -> None:
    bar = figure.colorbar(image, ax=list(axes), pad=0.015, fraction=0.045, aspect=26)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    bar.set_label(label)


def frequency_name(hz: float) -> str:
    """Return a frequency as people write it on an axis: 500, 1k, 20k."""
    return f"{hz / 1000:g}k" if hz >= 1000 else f"{hz:g}"


def waveform(clip: Clip, *, title: str = "", start_s: float = 0.0, seconds: float | None = None) -> Figure:
    """Samples against time, one line a channel; over 2 000 samples the range of each stretch.

    Parameters
    ----------
    clip : samples (channels, time)
    title : words above the axes
    start_s, seconds : the part shown; all unless given
    """
    with sheet(height_in=2.4) as (figure, (axes,)):
        handles = _waves(axes, clip, start_s=start_s, seconds=seconds, first=0)
        axes.set(title=title, xlabel="time (s)", ylabel="amplitude (full scale = 1)")
        if clip.channels > 1:
            name_lines(axes, handles, [f"channel {index + 1}" for index in range(clip.channels)])
    return figure


def _waves(axes: Axes, clip: Clip, *, start_s: float, seconds: float | None, first: int) -> list[Any]:
    start = round(start_s * clip.sample_rate)
    stop = clip.frames if seconds is None else start + round(seconds * clip.sample_rate)
    part = pictures.finite(clip.samples)[:, start:stop]
    handles = []
    for index, channel in enumerate(part):
        colour = SERIES[(first + index) % len(SERIES)]
        # The first line is broad and pale, so that one that lies on it does not hide it.
        style: dict[str, Any] = {"linewidth": 1.2} if first + index else {"linewidth": 2.8, "alpha": 0.55}
        if part.shape[1] <= 2000:
            times = (start + np.arange(part.shape[1])) / clip.sample_rate
            handles += axes.plot(times, channel, color=colour, **style)
        else:
            low, high = pictures.envelope(channel[None], columns=900)
            times = (start + np.linspace(0, part.shape[1], len(low))) / clip.sample_rate
            handles.append(axes.fill_between(times, low, high, color=colour, alpha=0.75, linewidth=0.6))
    axes.margins(x=0)
    return handles


def waveforms(
    sounds: Sequence[tuple[str, Clip]], *, title: str = "", start_s: float = 0.0, seconds: float = 0.02
) -> Figure:
    """The same moment of several sounds on one time axis, first channel each.

    Parameters
    ----------
    sounds : (label, clip) pairs
    title : words above the axes
    start_s, seconds : the moment shown
    """
    with sheet(height_in=2.6) as (figure, (axes,)):
        handles = []
        for index, (_, clip) in enumerate(sounds):
            one = Clip(clip.samples[:1], clip.sample_rate)
            handles += _waves(axes, one, start_s=start_s, seconds=seconds, first=index)
        axes.set(title=title, xlabel="time (s)", ylabel="amplitude (full scale = 1)")
        name_lines(axes, handles, [label for label, _ in sounds])
    return figure


def spectra(sounds: Sequence[tuple[str, Clip]], *, title: str = "") -> Figure:
    """Long-term average spectra on a logarithmic frequency axis, in dB re a full-scale sine.

    Parameters
    ----------
    sounds : (label, clip) pairs; samples (channels, time), averaged in power over channels
    title : words above the axes
    """
    with sheet() as (figure, (axes,)):
        handles, loudest = [], pictures.FLOOR_DB
        for index, (_, clip) in enumerate(sounds):
            picture = pictures.long_term_db(clip)
            loudest = max(loudest, float(picture.levels_db.max()))
            style = "-" if index % 2 == 0 else "--"
            handles += axes.plot(
                picture.centres_hz,
                picture.levels_db[:, 0],
                color=SERIES[index % len(SERIES)],
                linestyle=style,
            )
        _log_frequency_x(axes, high_hz=pictures.top_hz(*(clip for _, clip in sounds)))
        axes.set(ylabel="level (dB re full-scale sine)", title=title, ylim=(loudest - 90, loudest + 6))
        name_lines(axes, handles, [label for label, _ in sounds])
    return figure


def _log_frequency_x(axes: Axes, *, high_hz: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(pictures.LOWEST_HZ, high_hz)
    ticks = [hz for hz in pictures.FREQUENCY_TICKS_HZ if pictures.LOWEST_HZ <= hz <= high_hz]
    axes.set_xticks(ticks, [frequency_name(hz) for hz in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("frequency (Hz)")


def comparison(
    reference: Clip,
    estimate: Clip,
    *,
    labels: tuple[str, str] = ("original", "reconstruction"),
    title: str = "",
) -> Figure:
    """Spectrograms of two sounds one above the other, and by how many dB the second differs.

    Parameters
    ----------
    reference, estimate : samples (channels, time)
    labels : what the two are called
    title : words above everything
    """
    high_hz = pictures.top_hz(reference, estimate)
    frames = min(reference.seconds, estimate.seconds)
    first, second = (
        pictures.log_spectrogram(
            Clip(c.samples[:, : round(frames * c.sample_rate)], c.sample_rate), high_hz=high_hz
        )
        for c in (reference, estimate)
    )
    top_db = pictures.ceiling_db(first, second)
    floor_db = top_db - pictures.RANGE_DB
    columns = min(first.levels_db.shape[1], second.levels_db.shape[1])
    a, b = (np.maximum(picture.levels_db[:, :columns], floor_db) for picture in (first, second))
    gap = pictures.LogSpectrogram(b - a, first.edges_hz, first.seconds)
    with sheet(panels=3, height_in=7.0, sharex=True) as (figure, axes):
        image = _heat(axes[0], first, low=floor_db, high=top_db, colours="magma")
        _heat(axes[1], second, low=floor_db, high=top_db, colours="magma")
        _colour_bar(figure, image, axes[:2], "level (dB re full-scale sine)")
        image = _heat(axes[2], gap, low=-30, high=30, colours="RdBu_r")
        _colour_bar(figure, image, axes[2:], "difference (dB)")
        names = (*labels, f"{labels[1]} minus {labels[0]}")
        for panel, name in zip(axes, names, strict=True):
            panel.set_title(name)
        axes[2].set_xlabel("time (s)")
        figure.suptitle(title) if title else None
    return figure
