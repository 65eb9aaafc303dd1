"""Early reflections: positions chosen greedily, gains found by a search on what is heard."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from tonewright.reverb.fitting.bands import Bands, decibels
from tonewright.reverb.fitting.energies import EnergyCurves, point_starts
from tonewright.reverb.fitting.taps import chosen_taps
from tonewright.reverb.fitting.target import Target
from tonewright.reverb.losses import mel_loss
from tonewright.reverb.network import Taps

# Short windows follow the reflections, long ones their colour.
_WINDOWS_S = (0.005, 0.02)
_BEYOND_S = 0.02
_FADE = 0.2
_STEP_S = 0.0025
_LOWEST_THIRD_HZ = 90.0
_WEIGHTS = {"mel": 4.0, "curves": 4.0, "thirds": 2.0}


def early_reflections(
    target: Target,
    late: np.ndarray,
    *,
    count: int,
    steps: int,
    go_on: Callable[[], bool] = lambda: True,
) -> tuple[Taps, float]:
    """Early reflections that together with a late sound make the room.

    Parameters
    ----------
    target : the room
    late : (channels, time) response of the late sound alone
    count : number of reflections
    steps : of the search for their gains
    go_on : asked before each step

    Returns
    -------
    taps : gains (channels, 1, taps)
    distance_db : mean distance of the decay curves up to the late sound
    """
    length = min(max(1, round(target.split_s * target.sample_rate)), target.samples.shape[1])
    room = target.samples[:, :length]
    fade = np.minimum(1.0, np.arange(length, 0, -1) / max(1.0, _FADE * length))
    missing = (room - late[:, :length]) * fade
    positions = chosen_taps(missing, room, target.sample_rate, count=count)
    search = _Search(target, late, positions, length)
    gains = search.run(missing[:, positions], steps=steps, go_on=go_on)
    return Taps(positions, gains[:, None, :]), search.curves.value_and_gradient(search.early(gains))[0]


class _Search:
    """Gains of reflections against the mel spectrogram, the decay curves and the thirds of a room."""

    def __init__(self, target: Target, late: np.ndarray, positions: np.ndarray, length: int) -> None:
        self.positions, self.length = positions, length
        beyond = min(target.samples.shape[1], length + round(_BEYOND_S * target.sample_rate))
        self.late = late[:, :beyond]
        windows = [_power_of_two(seconds * target.sample_rate) for seconds in _WINDOWS_S]
        self.mel = mel_loss(
            target.samples[:, :beyond].T,
            windows=[min(window, _power_of_two(beyond)) for window in windows],
            sample_rate=target.sample_rate,
        )
        points = max(2, round(length / target.sample_rate / _STEP_S))
        self.curves = _energies(target.octaves, target, late, length, target.ends_s, points, 0.0)
        self.thirds = _energies(
            target.thirds, target, late, length, target.thirds_ends_s, 2, _LOWEST_THIRD_HZ
        )

    def early(self, gains: np.ndarray) -> np.ndarray:
        """The sound of the first part, (channels, length)."""
        return self._sound(gains)[:, : self.length]

    def run(self, gains: np.ndarray, *, steps: int, go_on: Callable[[], bool]) -> np.ndarray:
        """Better gains (channels, taps)."""
        scale = (np.abs(gains) + 0.1 * np.abs(gains).mean() + 1e-12).ravel()
        shape = gains.shape

        def objective(free: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = self._value_and_gradient((free * scale).reshape(shape))
            return value, gradient.ravel() * scale

        def stop(_: np.ndarray) -> None:
            if not go_on():
                raise StopIteration

        options = {"maxiter": steps, "maxfun": 2 * steps}
        found = minimize(
            objective, gains.ravel() / scale, jac=True, method="L-BFGS-B", options=options, callback=stop
        )
        return (found.x * scale).reshape(shape)

    def _sound(self, gains: np.ndarray) -> np.ndarray:
        sound = self.late.copy()
        sound[:, self.positions] += gains
        return sound

    def _value_and_gradient(self, gains: np.ndarray) -> tuple[float, np.ndarray]:
        sound = self._sound(gains)
        value, slope = self.mel.value_and_gradient(sound.T)
        value *= _WEIGHTS["mel"]
        gradient = _WEIGHTS["mel"] * slope.reshape(sound.T.shape).T
        for name, term in (("curves", self.curves), ("thirds", self.thirds)):
            more, slope = term.value_and_gradient(sound[:, : self.length])
            value += _WEIGHTS[name] * more
            gradient[:, : self.length] += _WEIGHTS[name] * slope
        return value, gradient[:, self.positions]


def _energies(
    bands: Bands,
    target: Target,
    late: np.ndarray,
    length: int,
    ends_s: np.ndarray,
    points: int,
    lowest_hz: float,
) -> EnergyCurves:
    """What the first part's energies must be, so that curves from its beginning on are the room's."""
    rate = target.sample_rate
    times = np.append(point_starts(length, points), length)[None] / rate
    times = np.repeat(times, len(bands.centers_hz), axis=0)
    ends = np.maximum(ends_s, length / rate)
    rows = zip(target.samples, ends, strict=True)
    wanted = np.stack([bands.remaining(sound, times, end) for sound, end in rows])
    rows = zip(late, ends, strict=True)
    rest = np.stack([bands.remaining(sound, times[:, -1:], end)[:, 0] for sound, end in rows])
    weights = (bands.centers_hz >= lowest_hz)[:, None] * np.ones((len(target.samples), 1, points))
    weights = weights * (wanted[..., :1] > 1e-12 * wanted.max())
    return EnergyCurves(bands, decibels(wanted[..., :-1]), rest, weights, length=length)


def _power_of_two(samples: float) -> int:
    return 2 ** max(4, int(np.log2(max(samples, 16.0)) + 0.5))
