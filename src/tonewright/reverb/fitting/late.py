"""The late sound in a closed loop: render, compare with the room, correct decays, tone and correlation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.signal import sosfilt

from tonewright.reverb.absorption import GraphicAbsorption
from tonewright.reverb.engines.recursion import RecursionEngine
from tonewright.reverb.fitting.layout import Layout
from tonewright.reverb.fitting.mixing import COHERENT_HZ, Mixture, better_gains
from tonewright.reverb.fitting.slopes import LONGEST_S, SHORTEST_S, corrected_decays_s
from tonewright.reverb.fitting.target import Target
from tonewright.reverb.fitting.tone import Equaliser

# A curve may not ask for more than this above or below its neighbourhood.
_MOST_DB, _FIRST_DB = 15.0, 200.0
_SEARCH = 60
# More outputs than these keep the gains they were drawn with.
_MOST_MIXED = 8
_THIRDS = 0.2


@dataclass(eq=False)
class LateSound:
    """A network's late sound and what it is made of.

    Attributes
    ----------
    layout : delays, rotations and directions
    outputs : (channels, lines) gains
    decays_s : (octaves, slopes)
    gains_db : (channels, thirds) of the tone filter
    filters : (sections, 6, lines) that follow from the decays
    tone : (sections, 6, channels) that follow from the gains
    """

    layout: Layout
    outputs: np.ndarray
    decays_s: np.ndarray
    gains_db: np.ndarray
    filters: np.ndarray = field(init=False)
    tone: np.ndarray = field(init=False)

    def design(self, target: Target, equaliser: Equaliser) -> None:
        """Make the filters: `filters` (sections, 6, lines) and `tone` (sections, 6, channels)."""
        design = GraphicAbsorption(
            self.layout.delays, target.sample_rate, centers_hz=target.octaves.centers_hz
        )
        parts = [design.sections(decays) for decays in self.decays_s.T]
        self.filters = np.stack(
            [parts[group][:, :, line] for line, group in enumerate(self.layout.group)], axis=2
        )
        self.tone = np.stack([equaliser.sections(gains) for gains in self.gains_db], axis=2)

    def lines(self, length: int) -> np.ndarray:
        """What each line gives after an impulse, (lines, time)."""
        return self._response(np.eye(len(self.layout.delays)), length)

    def render(self, length: int) -> np.ndarray:
        """Response (channels, time) to an impulse."""
        dry = self._response(self.outputs, length)
        tones = np.ascontiguousarray(np.moveaxis(self.tone, 2, 0))
        return np.stack([sosfilt(tone, row) for tone, row in zip(tones, dry, strict=True)])

    def _response(self, outputs: np.ndarray, length: int) -> np.ndarray:
        layout = self.layout
        heard = max(1, length - layout.pre_delay)
        engine = RecursionEngine(layout.delays, length=heard, filters=self.filters)
        direct = np.zeros((len(outputs), 1))
        found = engine.response(layout.feedback, layout.inputs[:, None], outputs, direct)[:, :, 0].T
        return np.pad(found, ((0, 0), (layout.pre_delay, 0)))[:, :length]


@dataclass(eq=False)
class Found:
    """The best round: its late sound, its response, and the mean distance of the curves in dB."""

    late: LateSound
    response: np.ndarray
    distance_db: float


def fitted_late(
    target: Target,
    layout: Layout,
    *,
    rounds: int,
    tell: Callable[[dict[str, Any]], bool] = lambda entry: True,
) -> Found:
    """Late sound whose curves and levels are those of a room.

    Parameters
    ----------
    target : what to reach
    layout : the network
    rounds : of correction
    tell : called with the figures of each round; to return False is to stop
    """
    decays, _ = target.curves.decays_s(layout.slopes)
    length = target.samples.shape[1]
    wanted = correlation_of(target.samples, target)
    gains = np.zeros((len(target.samples), len(target.thirds.centers_hz)))
    late = LateSound(layout, layout.outputs(wanted), filled(decays, target), gains)
    equaliser = Equaliser(target.thirds.centers_hz, target.sample_rate, fraction=3)
    best: Found | None = None
    for number in range(rounds):
        late.design(target, equaliser)
        settled = number >= max(2, rounds // 2)
        if number in (max(2, rounds // 2), rounds - 1) and len(target.samples) <= _MOST_MIXED:
            mixture = Mixture(target, late.lines(length), late.tone, wanted)
            late.outputs = better_gains(mixture, late.outputs, steps=_SEARCH)
        response = late.render(length)
        missing = target.curves.levels_db - target.curves_of(response)
        thirds = np.where(target.heard, target.levels_db - target.levels_of(response), np.nan)
        distance = _distance(missing, target) + _THIRDS * _mean_size(thirds)
        if best is None or distance < best.distance_db:
            best = Found(late, response, distance)
        if not tell(
            {"round": number + 1, "curves_db": _distance(missing, target), "thirds_db": _mean_size(thirds)}
        ):
            break
        late = LateSound(
            layout,
            late.outputs,
            late.decays_s if settled else _decays(late.decays_s, missing, target),
            late.gains_db + _gains(missing, thirds, target, first=number == 0),
        )
    assert best is not None
    return best


def correlation_of(sounds: np.ndarray, target: Target) -> np.ndarray:
    """Correlation (channels, channels) of the late sound, the mean over the middle octaves."""
    if len(sounds) == 1:
        return np.ones((1, 1))
    begin = round(target.split_s * target.sample_rate)
    spectra = np.fft.rfft(sounds[:, begin:])
    frequencies = np.fft.rfftfreq(sounds.shape[1] - begin, 1 / target.sample_rate)
    found = []
    for center in target.octaves.centers_hz:
        if not COHERENT_HZ[0] < center < COHERENT_HZ[1]:
            continue
        part = spectra[:, (frequencies > center / np.sqrt(2)) & (frequencies < center * np.sqrt(2))]
        product = (part @ part.conj().T).real
        size = np.sqrt(np.maximum(np.diag(product), 1e-30))
        found.append(product / size / size[:, None])
    return np.mean(found, axis=0) if found else np.eye(len(sounds))


def filled(decays_s: np.ndarray, target: Target) -> np.ndarray:
    """Decays (octaves, slopes) with those that could not be measured taken from their neighbours."""
    known = np.flatnonzero(np.isfinite(decays_s[:, 0]))
    if not len(known):
        seconds = float(np.median(target.ends_s))
        return np.full_like(decays_s, np.clip(seconds, SHORTEST_S, 2.0))
    places = np.log(target.octaves.centers_hz)
    rows = [np.exp(np.interp(places, places[known], np.log(row[known]))) for row in decays_s.T]
    return np.clip(np.stack(rows, axis=1), SHORTEST_S, LONGEST_S)


def _decays(decays_s: np.ndarray, missing_db: np.ndarray, target: Target) -> np.ndarray:
    corrected = np.full_like(decays_s, np.nan)
    for band in np.flatnonzero(target.curves.measured):
        times, ends, missing, weights = target.curves.band(int(band), missing_db)
        corrected[band] = corrected_decays_s(decays_s[band], times, ends, missing, weights)
    return filled(corrected, target)


def _gains(missing_db: np.ndarray, thirds_db: np.ndarray, target: Target, *, first: bool) -> np.ndarray:
    """Change of the gains (channels, thirds): octaves follow the curves, thirds in them their energies."""
    places, octaves = np.log(target.thirds.centers_hz), np.log(target.octaves.centers_hz)
    most = _FIRST_DB if first else _MOST_DB
    change = np.zeros_like(thirds_db)
    for channel, weights in enumerate(target.curves.weights):
        own = _between(places, thirds_db[channel])
        usable = (weights > 0).any(axis=1)
        if usable.any():
            lacking = (weights * missing_db[channel]).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
            energies = np.array([own[np.abs(places - center) < 0.5].mean() for center in octaves])
            own = own + np.interp(places, octaves[usable], (lacking - energies)[usable])
        change[channel] = np.clip(own, -most, most)
    return change


def _between(places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values with gaps filled from their neighbours; zeros where there is none at all."""
    known = np.isfinite(values)
    return np.interp(places, places[known], values[known]) if known.any() else np.zeros(len(values))


def _distance(missing_db: np.ndarray, target: Target) -> float:
    total = float(target.curves.weights.sum())
    return float((target.curves.weights * np.abs(missing_db)).sum() / total) if total else 0.0


def _mean_size(values: np.ndarray) -> float:
    known = np.isfinite(values)
    return float(np.abs(values[known]).mean()) if known.any() else 0.0
