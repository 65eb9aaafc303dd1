"""A network fitted to a room as one page: numbers, sound to compare, decay, colour, echoes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.files import Clip
from tonewright.errors import OutputError
from tonewright.report.page import Report

if TYPE_CHECKING:
    from tonewright.reverb.analysis import RoomAnalysis
    from tonewright.reverb.fitting.result import Fit

_SIDES = ("room", "network")
_LOOP_PEAK = 0.6
_RESPONSE_PEAK = 0.9
MOST_TAIL_S = 4.0
MOST_RESPONSE_S = 8.0
MOST_CHANNELS = 2
# name in Fit.figures -> words, unit, note
_NUMBERS = (
    ("decay_median_percent", "Decay times", "%", "off, median over octaves"),
    ("edt_median_percent", "Early decay", "%", "off, median over octaves"),
    ("c80_median_db", "Clarity C80", "dB", "off, median over octaves"),
    ("spectrum_median_db", "Spectrum", "dB", "off, median over third octaves"),
    ("mel_distance_db", "Mel distance", "dB", "mean over cells"),
)


def reverb_report(
    fit: Fit, path: str | Path, *, title: str = "", loop: Clip | None = None, overwrite: bool = False
) -> Path:
    """Write the page of a fit and return where it is.

    Parameters
    ----------
    fit : a network and the room it stands for
    path : the page
    title : its name
    loop : a dry sound to hear through both; two bars of generated drums unless given
    overwrite : replace what is there

    Raises
    ------
    OutputError
        If the page exists already or cannot be written.
    """
    target = Path(path)
    if target.exists() and not overwrite:  # said before the work, not after
        raise OutputError(f"{target}: exists already; choose another name, or replace it with --force")
    page = Report(title or "A room as a network", _subtitle(fit))
    _numbers(page, fit)
    _listening(page, fit, drum_loop() if loop is None else loop)
    _decay(page, fit)
    _colour(page, fit)
    _echoes(page, fit)
    _network(page, fit)
    _next(page)
    return page.write(target, overwrite=overwrite)


def reverb_section(page: Report, fit: Fit, *, loop: Clip | None = None) -> None:
    """Add a fit to a page of something larger: its numbers, drums to hear in both, and the decays.

    Parameters
    ----------
    page : the page, under construction
    fit : a network and the room it stands for
    loop : as for `reverb_report`
    """
    page.heading("A room as a reverb")
    page.text(
        f"A response of {fit.room.shape[1] / fit.sample_rate:.1f} s became a feedback delay network of "
        f"{fit.network.lines} lines."
    )
    page.numbers(_figures(fit))
    room, network = wet_loops(fit, drum_loop() if loop is None else loop)
    page.listen(
        [(_SIDES[0], room), (_SIDES[1], network)],
        caption="Drums in the room and in the network. Press play, then switch.",
    )
    _decay_times(page, fit)


def _subtitle(fit: Fit) -> str:
    network = fit.network
    parts = [
        f"{network.lines} delay lines",
        f"{network.outputs} outputs" if network.outputs > 1 else "1 output",
        f"{fit.sample_rate / 1000:g} kHz",
        f"written {datetime.now(UTC):%-d %B %Y, %H:%M} UTC",
    ]
    return ", ".join(parts)


def _figures(fit: Fit) -> list[tuple[str, Any, str]]:
    entries: list[tuple[str, Any, str]] = []
    for key, words, unit, note in _NUMBERS:
        if np.isfinite(fit.figures.get(key, np.nan)):
            entries.append((words, f"{fit.figures[key]:.2g} {unit}", note))
    whole = fit.room_analysis.broadband.decay_s
    if np.isfinite(whole).any():
        entries.append(("The room decays in", f"{np.nanmean(whole):.2f} s", "by 60 dB, over all frequencies"))
    if fit.seconds:
        entries.append(("Fitted in", f"{fit.seconds:.1f} s", ""))
    return entries


def _numbers(page: Report, fit: Fit) -> None:
    page.heading("How near it comes")
    page.numbers(_figures(fit))
    if fit.assumptions:
        page.text("Assumed: " + "; ".join(fit.assumptions) + ".")


def _listening(page: Report, fit: Fit, loop: Clip) -> None:
    page.heading("Listen")
    page.text("Press play, then switch: the sound goes on at the same moment.")
    room, network = wet_loops(fit, loop)
    page.heading("Drums", level=3)
    page.listen(
        [
            ("dry", _padded(loop.resampled(fit.sample_rate), room.frames)),
            (_SIDES[0], room),
            (_SIDES[1], network),
        ],
        caption="Listen to the tail behind each stroke: how long it lasts, how dark it grows, how smooth "
        "it is.",
    )
    page.heading("The response itself", level=3)
    frames = round(MOST_RESPONSE_S * fit.sample_rate)
    both = [np.asarray(side, np.float32)[:MOST_CHANNELS, :frames] for side in (fit.room, fit.response)]
    gain = _RESPONSE_PEAK / max(float(np.abs(both[0]).max(initial=0.0)), 1e-9)
    page.listen(
        [(label, Clip(gain * side, fit.sample_rate)) for label, side in zip(_SIDES, both, strict=True)],
        caption="Single echoes at the start are the room's own; what follows should fade alike in both.",
    )


def _padded(loop: Clip, frames: int) -> Clip:
    samples = loop.mono().samples
    dry = np.pad(samples, ((0, 0), (0, max(0, frames - samples.shape[1]))))[:, :frames]
    return Clip(dry * (_LOOP_PEAK / max(float(np.abs(dry).max(initial=0.0)), 1e-9)), loop.sample_rate)


def drum_loop(*, bars: int = 2, tempo_bpm: float = 92.0) -> Clip:
    """A dry drum loop of the demo band's kit, mono, with room for its last stroke.

    Parameters
    ----------
    bars : of four beats
    tempo_bpm : beats a minute
    """
    from tonewright.audio.band.drums import draw_kit, play_drums
    from tonewright.audio.band.score import Hit
    from tonewright.audio.band.synthesis import SAMPLE_RATE

    rng = np.random.default_rng(7)
    eighth = 30.0 / tempo_bpm
    pattern = [("kick", 0, 1.0), ("kick", 3, 0.7), ("kick", 5, 0.85), ("snare", 2, 0.95), ("snare", 6, 1.0)]
    pattern += [("hat", step, 0.95 if step % 2 == 0 else 0.7) for step in range(8)]
    hits = [
        Hit((8 * bar + step) * eighth, piece, level) for bar in range(bars) for piece, step, level in pattern
    ]
    seconds = (8 * bars + 1) * eighth
    hits.append(Hit(8 * bars * eighth, "kick", 1.0))
    sound = play_drums(tuple(sorted(hits, key=lambda hit: hit.start_s)), draw_kit("tight", rng), seconds, rng)
    return Clip(sound.mean(axis=0, keepdims=True), SAMPLE_RATE)


def wet_loops(fit: Fit, loop: Clip) -> tuple[Clip, Clip]:
    """A dry sound through the measured response and through the network, equally long and loud.

    The measured response is cut where its decay has ended in noise, or the noise would be heard as a tail.

    Parameters
    ----------
    fit : a network and its room
    loop : the dry sound; its channels are averaged
    """
    from scipy.signal import oaconvolve

    from tonewright.reverb import render

    dry = loop.mono().resampled(fit.sample_rate)
    response = quiet_response(fit)[:MOST_CHANNELS]
    through_room = oaconvolve(dry.samples.astype(np.float64), response, axes=1)
    through_network = render(fit.network, dry, tail=True).samples[:MOST_CHANNELS]
    frames = min(through_room.shape[1], dry.frames + round(MOST_TAIL_S * fit.sample_rate))
    missing = max(0, frames - through_network.shape[1])
    through_network = np.pad(through_network, ((0, 0), (0, missing)))[:, :frames]
    gain = _LOOP_PEAK / max(float(np.abs(through_room).max(initial=0.0)), 1e-9)
    return (
        Clip((gain * through_room[:, :frames]).astype(np.float32), fit.sample_rate),
        Clip((gain * through_network).astype(np.float32), fit.sample_rate),
    )


def quiet_response(fit: Fit) -> np.ndarray:
    """The measured response until its last octave has ended in noise, faded out there, (channels, time)."""
    analysis = fit.room_analysis
    ends = analysis.truncation_s + analysis.onset_s[:, None]
    end_s = float(ends[np.isfinite(ends)].max(initial=0.1))
    response = np.array(fit.room[:, : max(1, round(end_s * fit.sample_rate))], dtype=np.float64)
    fade = min(response.shape[1], round(0.05 * end_s * fit.sample_rate))
    response[:, response.shape[1] - fade :] *= np.linspace(1.0, 0.0, fade)
    return response


def _drawn(fit: Fit, kind: str) -> Any:
    from tonewright.reverb import plot

    return plot(fit, kind=kind, labels=_SIDES)


def _decay_times(page: Report, fit: Fit) -> None:
    page.figure(
        _drawn(fit, "decays"),
        caption="Decay times, early decay times and clarity by octave. The lines should lie on each other.",
        alt="Line charts of decay time, early decay time and clarity by octave, of room and network.",
    )


def _decay(page: Report, fit: Fit) -> None:
    page.heading("Decay")
    if fit.room_analysis.channels > 1:
        page.text("The pictures show the first channel; the tables hold all.")
    _decay_times(page, fit)
    page.figure(
        _drawn(fit, "relief"),
        caption="What is left of the energy of each frequency at each moment. In the lowest picture red is "
        "where the network rings longer or louder, blue where the room does; white is right.",
        alt="Energy decay reliefs of room and network, and their difference in dB.",
    )
    page.figure(
        _drawn(fit, "curves"),
        caption="Energy decay curves by octave, each with the decay times of both. They end where the room "
        "disappears in its noise.",
        alt="Energy decay curves by octave, of room and network.",
    )
    _tables(page, fit.room_analysis, fit.analysis)


def _tables(page: Report, room: RoomAnalysis, network: RoomAnalysis) -> None:
    from tonewright.reverb.analysis.tables import band_name

    names = ("octave (Hz)", "T room (s)", "T network (s)", "off (%)", "EDT room (s)", "EDT network (s)")
    names += ("C80 room (dB)", "C80 network (dB)")
    for channel in range(room.channels):
        rows = []
        for index, hz in enumerate(room.bands_hz):
            at = (channel, index)
            times = (room.decay_s[at], network.decay_s[at])
            values = (*times, 100 * (times[1] / times[0] - 1), room.edt_s[at], network.edt_s[at])
            values += (room.c80_db[at], network.c80_db[at])
            rows.append((band_name(hz), *(_cell(value) for value in values)))
        where = f", channel {channel + 1}" if room.channels > 1 else ""
        page.table(names, rows, caption=f"Figures by octave{where}", folded=True)


def _cell(value: float) -> float | None:
    return float(f"{value:.3g}") if np.isfinite(value) else None


def _colour(page: Report, fit: Fit) -> None:
    page.heading("Colour")
    page.figure(
        _drawn(fit, "spectrum"),
        caption="Energy in third octaves, and by how much the network's differs. The lines should lie on "
        "each other.",
        alt="Spectra of room and network in third octaves, and their difference in dB.",
    )


def _echoes(page: Report, fit: Fit) -> None:
    page.heading("Echoes")
    page.figure(
        _drawn(fit, "density"),
        caption="Echo density: 0 where single echoes stand apart, 1 where they have merged into noise; the "
        "marks are where that is first so.",
        alt="Line chart of the echo density of room and network over time.",
    )


def _network(page: Report, fit: Fit) -> None:
    network = fit.network
    page.heading("The network")
    sections = 0 if network.filters is None else network.filters.shape[0]
    taps = 0 if network.early is None else network.early.positions.size
    rows = [
        ("delay lines", network.lines),
        ("delays (samples)", ", ".join(map(str, network.delays))),
        ("inputs", network.inputs),
        ("outputs", network.outputs),
        ("second-order sections of absorption in each line", sections),
        ("second-order sections of tone", 0 if network.post_eq is None else network.post_eq.shape[0]),
        ("early reflections", taps),
        ("pre-delay (samples)", network.pre_delay),
    ]
    page.table(("part", "value"), rows, caption="What it is made of", folded=True)
    if fit.log:
        names = list(dict.fromkeys(name for entry in fit.log for name in entry))
        page.table(
            names,
            [[_logged(entry.get(name)) for name in names] for entry in fit.log],
            caption="How the fit went",
            folded=True,
        )


def _logged(value: Any) -> Any:
    plain = isinstance(value, str | int | float | np.integer | np.floating) or value is None
    return value if plain else str(value)


def _next(page: Report) -> None:
    page.heading("Try next")
    page.code(
        "tonewright reverb render FOLDER drums.wav -o drums-in-the-room.wav --mix 0.3\n"
        "tonewright reverb export FOLDER --to faust",
        caption="Commands, with the folder of this page",
    )
