"""Trained filters on a page: what each knob does, to see and hear, and the way between two sounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.files import Clip
from tonewright.errors import TonewrightError
from tonewright.report.filters_figures import along, knob_figures, responses
from tonewright.report.page import Report
from tonewright.report.reverb_page import drum_loop

if TYPE_CHECKING:
    from tonewright.filters.bank import Bank
    from tonewright.filters.morphing import Morph
    from tonewright.filters.trained import FilterModel

# Pictures of a run that the page draws itself, sharp and in its own colours.
DRAWN_HERE = ("knobs",)
_SETTINGS = (-2.0, 0.0, 2.0)
_PEAK = 0.9
_MOST_HEARD_S = 6.0


def trained_filters(run_folder: Path) -> FilterModel | None:
    """The model of a finished run of the filters; None of any other folder."""
    if not (run_folder / "model.msgpack").is_file():
        return None
    from tonewright.filters.trained import load

    try:
        return load(run_folder)
    except TonewrightError:
        return None


def filters_section(
    page: Report,
    model: FilterModel,
    *,
    through: Clip | None = None,
    players: bool = True,
    heading: str = "The knobs",
) -> None:
    """Add what the knobs of a model do: a picture, a table, and a sound with each knob turned.

    Parameters
    ----------
    page : the page, under construction
    model : a trained one
    through : the sound that is heard through the banks; a bar of generated drums unless given
    players : with the sounds
    heading : of the section
    """
    page.heading(heading)
    page.text(
        f"{len(model.knobs)} numbers steer {model.config.filters} band-pass filters side by side. Each "
        "picture turns one knob from its lower end (blue) to its upper (orange) and leaves the others at 0."
    )
    _sheet(page, model)
    _table(page, model)
    if players:
        _players(page, model, shortened(drum_loop(bars=1) if through is None else through))


def _players(page: Report, model: FilterModel, heard: Clip) -> None:
    page.heading("Hear the knobs", level=3)
    page.text("All are equally loud. Press play, then switch: the sound goes on at the same moment.")
    for number, knob in enumerate(model.knobs):
        banks = [model.bank(setting * np.eye(len(model.knobs))[number]) for setting in _SETTINGS]
        labels = [f"{knob.name} at {setting:g}".replace("-", "−") for setting in _SETTINGS]
        page.listen(
            list(zip(labels, equally_loud(banks, heard), strict=True)), caption=_caption(number, knob)
        )


def morph_section(page: Report, way: Morph, *, names: tuple[str, str], through: Clip | None = None) -> None:
    """Add the way from one sound to another: a strip of responses, and a sound through some of them.

    Parameters
    ----------
    page : the page, under construction
    way : the banks
    names : of the two places
    through : as for `filters_section`
    """
    page.heading(f"From {names[0]} to {names[1]}")
    page.figure(
        along(*responses(way.banks), names=names),
        caption=f"The response on the way from the spectrum of {names[0]} to that of {names[1]}, in "
        f"{len(way.banks) - 1} equal steps of the knobs. Every line is a bank of its own, and stable.",
        alt=f"{len(way.banks)} responses between {names[0]} and {names[1]}.",
    )
    labels = [f"{100 * position:.0f} %" for position in way.positions]
    heard = shortened(drum_loop(bars=1) if through is None else through)
    chosen = np.unique(np.linspace(0, len(way.banks) - 1, 4).round().astype(int))
    sounds = equally_loud([way.banks[at] for at in chosen], heard)
    page.listen(
        [("as it is", heard), *((labels[at], clip) for at, clip in zip(chosen, sounds, strict=True))],
        caption=f"The same sound, by itself and with the colour of {names[0]}, of what lies between, and of "
        f"{names[1]}.",
    )


def equally_loud(banks: Sequence[Bank], heard: Clip) -> list[Clip]:
    """A sound through each bank, as loud as it was, all turned down alike where one would clip."""
    from tonewright.filters.levels import as_loud

    made = [as_loud(bank, heard).apply(heard) for bank in banks]
    peak = max(float(np.abs(clip.samples).max(initial=0.0)) for clip in made)
    gain = np.float32(min(1.0, _PEAK / peak) if peak else 1.0)
    return [Clip(gain * clip.samples, clip.sample_rate) for clip in made]


def shortened(clip: Clip) -> Clip:
    """The first seconds of a sound."""
    return Clip(clip.samples[:, : round(_MOST_HEARD_S * clip.sample_rate)], clip.sample_rate)


def _sheet(page: Report, model: FilterModel) -> None:
    page.gallery(
        [
            (figure, _caption(number, knob))
            for number, (figure, knob) in enumerate(zip(knob_figures(model), model.knobs, strict=True))
        ]
    )
    page.text(
        "Lines that lie close mean a knob that does little; lines that fan out evenly mean one that can be "
        "turned without surprises."
    )


def _table(page: Report, model: FilterModel) -> None:
    qualities = list(dict.fromkeys(name for knob in model.knobs for name in knob.correlations))
    columns = ("knob", "name", "explains (%)", *(f"with {name}" for name in qualities))
    rows: list[list[Any]] = [
        [number, knob.name, _rounded(100 * knob.share, 1)]
        + [_rounded(knob.correlations.get(name, np.nan), 2) for name in qualities]
        for number, knob in enumerate(model.knobs, 1)
    ]
    page.table(
        columns, rows, caption="How much of the sounds' variety each knob explains, and what it goes with"
    )


def _rounded(value: float, digits: int) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None


def _caption(number: int, knob: Any) -> str:
    related = {name: value for name, value in knob.correlations.items() if abs(value) >= 0.3}
    words = [f"{'more' if value > 0 else 'less'} {name}" for name, value in related.items()]
    turned = " and ".join(words) if len(words) < 3 else ", ".join(words[:-1]) + f" and {words[-1]}"
    return f"Knob {number + 1}. Up means {turned}." if words else f"Knob {number + 1} changes the shape."
