"""Output gains under which the lines' sounds add up to the decay curves of a room."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.optimize import minimize

from tonewright.reverb.absorption import sections_response
from tonewright.reverb.fitting.bands import LEAST, decibels
from tonewright.reverb.fitting.target import Target

COHERENT_HZ = (177.0, 5700.0)
_SOFT_DB = 0.25
_CORRELATION = 5.0
_DB = 10 / np.log(10)


class Mixture:
    r"""How far sounds :math:`\sum_i c_i x_i` of the lines are from a room, and its gradient.

    The energy still to come at a point of a decay curve is :math:`c^T R c` with
    :math:`R = \sum_{n \ge n_p} x(n) x(n)^T` of the lines' sounds in a band: no sound need be rendered.

    Parameters
    ----------
    target : the room
    lines : (lines, time) what each line gives
    tone : (sections, 6, channels) filter of each output
    wanted : (channels, channels) correlation of the late sound
    """

    def __init__(self, target: Target, lines: np.ndarray, tone: np.ndarray, wanted: np.ndarray) -> None:
        self.wanted, self.target = wanted, target
        spectra = target.octaves.spectra(lines)
        self.products = [
            np.stack(list(_products(spectra * response.astype(np.complex64), target, channel)))
            for channel, response in enumerate(sections_response(tone, target.octaves.points).T)
        ]
        middle = (target.octaves.centers_hz > COHERENT_HZ[0]) & (target.octaves.centers_hz < COHERENT_HZ[1])
        whole = sum(product[middle, 0] for product in self.products)
        traces = np.trace(whole, axis1=1, axis2=2)
        self.coherent = (whole / np.maximum(traces, LEAST)[:, None, None]).sum(axis=0)

    def value_and_gradient(self, gains: np.ndarray) -> tuple[float, np.ndarray]:
        """Value, and gradient (channels, lines), for output gains (channels, lines)."""
        weights = self.target.curves.weights / max(float(self.target.curves.weights.sum()), LEAST)
        value, gradient = 0.0, np.zeros_like(gains)
        for channel, (row, products) in enumerate(zip(gains, self.products, strict=True)):
            images = products @ row
            energy = images @ row + LEAST
            apart = decibels(energy) - self.target.curves.levels_db[channel]
            size = np.sqrt(np.square(apart) + _SOFT_DB**2)
            value += float((weights[channel] * size).sum())
            slope = weights[channel] * apart / size * 2 * _DB / energy
            gradient[channel] = np.einsum("bp,bpi->i", slope, images)
        if len(gains) > 1:
            more, slope = self._uncorrelated(gains)
            value, gradient = value + more, gradient + slope
        return value, gradient

    def _uncorrelated(self, gains: np.ndarray) -> tuple[float, np.ndarray]:
        """Squared differences of the correlations from those wanted."""
        images = gains @ self.coherent
        sizes = np.sqrt(np.maximum((images * gains).sum(axis=1), LEAST))
        found = images @ gains.T / sizes / sizes[:, None]
        apart = found - self.wanted
        np.fill_diagonal(apart, 0.0)
        slope = (apart / sizes) @ images / sizes[:, None]
        slope -= (apart * found).sum(axis=1, keepdims=True) * images / np.square(sizes)[:, None]
        pairs = len(gains) * (len(gains) - 1)
        return _CORRELATION * float(np.square(apart).sum()) / pairs, 4 * _CORRELATION * slope / pairs


def better_gains(mixture: Mixture, gains: np.ndarray, *, steps: int) -> np.ndarray:
    """Output gains (channels, lines) nearer to the room.

    Parameters
    ----------
    mixture : the room and the lines
    gains : (channels, lines) to begin with
    steps : of the search
    """
    scale = np.sqrt(np.mean(np.square(gains), axis=1, keepdims=True)) + 1e-30

    def objective(free: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = mixture.value_and_gradient(free.reshape(gains.shape) * scale)
        return value, (gradient * scale).ravel()

    found = minimize(
        objective, (gains / scale).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": steps}
    )
    return found.x.reshape(gains.shape) * scale


def _products(spectra: np.ndarray, target: Target, channel: int) -> Iterator[np.ndarray]:
    """R (points, lines, lines) of each octave."""
    for band, (sound, rate) in enumerate(target.octaves.signals(spectra)):
        end = min(sound.shape[1], round(target.curves.ends_s[channel, band] * rate))
        places = np.minimum(np.round(target.curves.times_s[channel, band] * rate).astype(int), end)
        borders = zip(places, np.append(places[1:], end), strict=True)
        pieces = np.stack([sound[:, low:high] @ sound[:, low:high].T for low, high in borders])
        yield np.cumsum(pieces[::-1], axis=0, dtype=np.float64)[::-1]
