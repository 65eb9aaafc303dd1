"""A loss on the density of echoes."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.integrate import quad

from tonewright.reverb.losses.base import Domain, Layout, Loss, positive, response
from tonewright.reverb.losses.density_kernels import add_share_gradient, soft_shares


class EchoDensityLoss:
    """See `echo_density_loss`."""

    name = "echo_density_loss"
    domain: Domain = "time"

    def __init__(self, target: np.ndarray | None, *, length: int) -> None:
        self.length = length
        self.layout = None if target is None else Layout(target.shape, self.name)
        self.profile: np.ndarray | float = 1.0
        if target is not None and self.layout is not None:
            rows = self.layout.rows(target)
            self.profile = _gain() * self._shares(rows)[1]

    def value_and_gradient(self, y: np.ndarray) -> tuple[float, np.ndarray]:
        """Value at the response `y` (time, outputs, inputs), and the gradient."""
        layout = self.layout or Layout((*y.shape, 1, 1)[:3], self.name)
        samples = layout.rows(y)
        window, hop = self._window(samples.shape[1])
        found = self._shares(samples)
        difference = _gain() * found[1] - self.profile
        slopes = (2.0 * _gain() / difference.size) * difference
        gradient = np.zeros(samples.shape)
        add_share_gradient(samples, window, hop, found, slopes, gradient)
        return float(np.mean(difference**2)), layout.back(gradient.astype(samples.dtype, copy=False), y)

    def _shares(self, samples: np.ndarray) -> np.ndarray:
        """Variance, soft share beyond the deviation, and its moment: (3, channels, frames)."""
        window, hop = self._window(samples.shape[1])
        frames = 1 + (samples.shape[1] - window.size) // hop
        found = np.empty((3, samples.shape[0], frames))
        soft_shares(samples, window, hop, found)
        return found

    def _window(self, time: int) -> tuple[np.ndarray, int]:
        return _window(min(self.length, time))


def echo_density_loss(
    target: Any | None = None, *, sample_rate: float = 48000.0, window_s: float = 0.02
) -> Loss:
    r"""Mean squared difference of soft echo density profiles; logged as "echo_density_loss".

    Echo density (J. Abel and P. Huang, "A simple, robust measure of reverberation echo density", 2006) is the
    share of samples beyond one deviation σ of those around them, divided by that share in Gaussian noise. The
    step at σ is made soft: with a hann window w of sum 1 and q = x²/σ², σ² = Σ w x²,

    η = Σ w s(q) / E s(z²),  s(q) = q⁴ / (1 + q⁴),  z standard normal.

    A lone echo gives almost 0 and Gaussian noise 1, whatever its level; a silent frame gives 0.

    Parameters
    ----------
    target : (time,), (time, outputs) or (time, outputs, inputs), of the shape of responses, whose profile to
        have; by default Gaussian noise, with a profile of 1
    sample_rate : in Hz
    window_s : length of the window in seconds, with a hop of a quarter; a shorter response is one window
    """
    length = round(positive(window_s, "window_s") * positive(sample_rate, "sample_rate"))
    sound = None if target is None else response(target, "echo_density_loss")
    return EchoDensityLoss(sound, length=max(length, 1))


@cache
def _window(length: int) -> tuple[np.ndarray, int]:
    window = np.hanning(length + 2)[1:-1]
    return window / window.sum(), max(length // 4, 1)


@cache
def _gain() -> float:
    """1 / E s(z²) for standard normal z."""

    def integrand(z: float) -> float:
        return z**8 / (1.0 + z**8) * np.exp(-z * z / 2.0)

    return np.sqrt(np.pi / 2.0) / quad(integrand, 0.0, 40.0, points=[1.0, 2.0])[0]
