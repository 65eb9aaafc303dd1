"""A run folder as one page: what was reached, what it sounds like, how the training went."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.files import Clip, probe, read
from tonewright.errors import AudioError, OutputError, RunError
from tonewright.learning.metrics_file import metric_series
from tonewright.report import figures
from tonewright.report.filters_page import DRAWN_HERE, filters_section, trained_filters
from tonewright.report.page import Report

Series = dict[str, tuple[np.ndarray, np.ndarray]]
Sounds = Sequence[tuple[str, Clip]]

_PARTS = ("train", "validation", "val", "test")
_ORDER = ("original", "input", "reference", "target", "mixture")
MOST_GROUPS = 6
MOST_SECONDS = 10.0
MOST_FIGURES = 12
MOST_LETTERS = 60_000


def run_report(
    run_folder: str | Path,
    *,
    headline: Sequence[tuple[str, Any] | tuple[str, Any, str]] = (),
    listen: Sequence[tuple[str, Sounds]] = (),
    sections: Sequence[Callable[[Report], None]] = (),
    next_commands: Sequence[str] = (),
    title: str = "",
    path: str | Path | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the page of a run and return where it is.

    Parameters
    ----------
    run_folder : with any of ``metrics.csv``, ``config.yaml``, ``environment.txt``, ``figures/`` (.svg, .png)
        and ``audio/`` (``NAME.original.wav`` beside ``NAME.reconstruction.wav``, or other labels)
    headline : (name, value) or (name, value, note), shown first; the losses reached unless given
    listen : (caption, [(label, clip), …]) groups, shown before those of ``audio/``
    sections : each adds to the page, behind what is the run's own
    next_commands : what to try next
    title : the page's name; the folder's unless given
    path : the page; ``report.html`` in the folder unless given
    overwrite : replace what is there

    Raises
    ------
    RunError
        If there is no such folder.
    OutputError
        If the page exists already or cannot be written.
    """
    folder = Path(run_folder)
    if not folder.is_dir():
        raise RunError(f"{folder}: no such run folder; name a folder that a training has written")
    target = Path(path or folder / "report.html")
    if target.exists() and not overwrite:  # said before the work, not after
        raise OutputError(f"{target}: exists already; choose another name, or replace it with --force")
    series = metric_series(folder / "metrics.csv")
    stored, left_out = stored_sounds(folder / "audio", most=max(0, MOST_GROUPS - len(listen)))
    groups = [*listen, *stored]
    written = f"{datetime.now(UTC):%-d %B %Y, %H:%M} UTC"
    page = Report(title or f"Run {folder.resolve().name}", f"Written {written}")
    _numbers(page, headline or reached(series))
    filters = trained_filters(folder)
    if filters is None:
        _listening(page, groups, left_out=left_out)
    else:
        filters_section(page, filters)
        _coloured_noise(page, groups)
    _losses(page, series)
    if filters is None:
        _sounds_side_by_side(page, groups)
    _stored_figures(page, folder / "figures", besides=() if filters is None else DRAWN_HERE)
    for add in sections:
        add(page)
    _next(page, next_commands)
    _texts(page, folder)
    return page.write(target, overwrite=overwrite)


def stored_sounds(folder: Path, *, most: int = MOST_GROUPS) -> tuple[list[tuple[str, Sounds]], int]:
    """Sounds of an ``audio/`` folder grouped by the name before their label, and how many are left out.

    A file ``NAME.LABEL.wav`` belongs to group NAME; the first ten seconds of it are taken. Left out are
    groups after the first `most` and files that cannot be read.
    """
    files: dict[str, list[tuple[str, Path]]] = {}
    for path in sorted(folder.glob("*.wav")) if folder.is_dir() else []:
        name, _, label = path.stem.rpartition(".")
        files.setdefault(name or label, []).append((label, path))
    place = {label: index for index, label in enumerate(_ORDER)}
    groups: list[tuple[str, Sounds]] = []
    left_out = sum(len(pairs) for pairs in list(files.values())[most:])
    for name, pairs in list(files.items())[:most]:
        pairs.sort(key=lambda pair: (place.get(pair[0], len(place)), pair[0]))
        sounds = [(label, clip) for label, path in pairs if (clip := _beginning(path)) is not None]
        left_out += len(pairs) - len(sounds)
        groups += [(name, sounds)] if sounds else []
    return groups, left_out


def _beginning(path: Path) -> Clip | None:
    """The first seconds of a file; None if it cannot be read."""
    try:
        info = probe(path)
        return read(path, frames=min(info.frames, round(MOST_SECONDS * info.sample_rate)))
    except AudioError:
        return None


def reached(series: Series) -> list[tuple[str, Any, str]]:
    """First and last value of the most telling losses, as headline numbers."""
    wanted = ("validation/loss", "validation/mel", "validation/distance_db", "train/loss")
    entries: list[tuple[str, Any, str]] = []
    for name in [name for name in wanted if name in series]:
        values = series[name][1][np.isfinite(series[name][1])]
        if len(values):
            note = f"{values[0]:.4g} at first" if len(values) > 1 else "measured once"
            entries.append((name, values[-1], note))
    if series:
        entries.append(("steps", max(steps[-1] for steps, _ in series.values()), "of training"))
    return entries


def _numbers(page: Report, entries: Sequence[Any]) -> None:
    if entries:
        page.heading("What was reached")
        page.numbers(entries)


def _listening(page: Report, groups: Sequence[tuple[str, Sounds]], *, left_out: int) -> None:
    page.heading("Listen")
    if not groups:
        page.text("This run has no sounds to listen to yet.")
    else:
        page.text(
            "Press play, then switch: the sound goes on at the same moment. "
            "The spectrograms of a group share their colours, so a darker place is a quieter one."
        )
    for caption, sounds in groups:
        page.heading(caption, level=3)
        page.listen(
            sounds,
            caption="Look for lines that blur, hits that smear, and highs that are missing; listen there.",
        )
    if left_out:
        page.text(
            f"{left_out} more files of the run's audio folder are not shown, unreadable ones among them."
        )


def _coloured_noise(page: Report, groups: Sequence[tuple[str, Sounds]]) -> None:
    """White noise, and the same through the banks of sounds: what the filters hear in them."""
    if not groups:
        return
    page.heading("Sounds as filters", level=3)
    plain = groups[0][1][:1]
    page.listen(
        [*plain, *((name, clip) for name, sounds in groups for _, clip in sounds[1:])],
        caption="White noise, and with the spectrum that the model hears in each of these sounds.",
    )


def _losses(page: Report, series: Series) -> None:
    page.heading("Training")
    curves: dict[str, Series] = {}
    for name, (steps, values) in series.items():
        part, _, term = name.partition("/")
        if len(values) > 2:
            curves.setdefault(term if part in _PARTS and term else name, {})[name] = (steps, values)
    if not series:
        page.text("Nothing has been recorded yet.")
    if (main := curves.pop("loss", None)) is not None:
        page.figure(
            figures.loss_curves(main),
            caption="Loss against step. It should fall and then level off; validation that rises while "
            "training falls means that the run learns its data by heart.",
            alt="Line chart of the loss against the training step.",
        )
    if curves:
        page.heading("Each term", level=3)
        page.text(
            "Distances should fall and level off; si_sdr and sdr should rise. The divergence kl may rise "
            "while its weight warms up: it says how much the latent carries."
        )
        shown = sorted(curves)[:MOST_FIGURES]
        page.gallery([(figures.loss_curves(curves[term]), f"{term} against step.") for term in shown])
    if series:
        _table_of_series(page, series)


def _table_of_series(page: Report, series: Series) -> None:
    rows = []
    for name, (steps, values) in sorted(series.items()):
        good = values[np.isfinite(values)]
        spread = (good[0], good.min(), good[-1]) if len(good) else (math.nan,) * 3
        rows.append((name, *spread, steps[-1], len(values)))
    columns = ("value", "first", "lowest", "last", "last step", "times recorded")
    page.table(columns, rows, caption="Every value that was recorded", folded=True)
    broken = sum(int((~np.isfinite(values)).sum()) for _, values in series.values())
    if broken:
        page.text(f"{broken} recorded values were not finite; the curves have gaps there.")


def _sounds_side_by_side(page: Report, groups: Sequence[tuple[str, Sounds]]) -> None:
    """Spectra and the difference in detail, for the first group that has two sounds."""
    pairs = [
        (name, sounds) for name, sounds in groups if len(sounds) > 1 and all(c.frames for _, c in sounds)
    ]
    if not pairs:
        return
    name, sounds = pairs[0]
    (first, original), (second, made) = sounds[0], sounds[1]
    page.heading("Side by side")
    page.text(f"The sound “{name}”, measured.")
    page.figure(
        figures.spectra(sounds),
        caption="Long-term average spectrum. The lines should lie on each other; a gap at the right is lost "
        "brightness.",
        alt=f"Line chart of the average spectra of {first} and {second}.",
    )
    page.figure(
        figures.comparison(original, made, labels=(first, second)),
        caption=f"Where they differ. In the lowest picture blue is what {second} lacks and red is what it "
        "adds; white is right.",
        alt=f"Spectrograms of {first} and {second}, and their difference in dB.",
    )
    start_s = loudest_s(original)
    page.figure(
        figures.waveforms([(first, original), (second, made)], start_s=start_s, seconds=0.02),
        caption="Twenty milliseconds at the loudest moment. Peaks in the same places mean that phase is "
        "kept, not timbre alone.",
        alt=f"Waveforms of {first} and {second}, twenty milliseconds from {start_s:.2f} s.",
    )


def loudest_s(clip: Clip, *, seconds: float = 0.02) -> float:
    """Where the stretch of `seconds` with the most energy begins, in seconds."""
    length = max(1, round(seconds * clip.sample_rate))
    energy = np.nan_to_num(clip.samples.astype(np.float64) ** 2, posinf=0.0).sum(axis=0)
    starts = np.arange(0, len(energy), length)
    return int(starts[np.argmax(np.add.reduceat(energy, starts))]) / clip.sample_rate if len(energy) else 0.0


def _stored_figures(page: Report, folder: Path, *, besides: Sequence[str] = ()) -> None:
    paths = (
        sorted(path for path in folder.glob("*") if path.suffix.lower() in {".png", ".svg"})
        if folder.is_dir()
        else []
    )
    by_name = {
        path.stem: path for path in paths if path.stem not in besides
    }  # of a .png and a .svg the .svg, which stays sharp
    if not by_name:
        return
    page.heading("Figures of the run")
    for name, path in list(by_name.items())[:MOST_FIGURES]:
        page.figure(path, caption=name.replace("_", " "), alt=f"Figure {name}, drawn during the run.")


def _next(page: Report, commands: Sequence[str]) -> None:
    if commands:
        page.heading("Try next")
        page.code("\n".join(commands), caption="Commands")


def _texts(page: Report, folder: Path) -> None:
    texts = [
        (name, folder / name) for name in ("config.yaml", "environment.txt") if (folder / name).is_file()
    ]
    if texts:
        page.heading("How it was made")
    for name, path in texts:
        words = path.read_text(encoding="utf-8", errors="replace")
        if len(words) > MOST_LETTERS:
            words = words[:MOST_LETTERS] + f"\n… {len(words) - MOST_LETTERS} more characters in {name}"
        page.code(words, caption=name, folded=True)
