"""Where the sections of a graphic absorption lie, and how their levels follow from their gains.

All sections are analogue prototypes through the bilinear transform (`tonewright.dsp.biquads`), so that at an
angle ω everything follows from y = (tan(ω/2) / tan(ω₀/2))². With A = 10^(gain/40), a low shelf has the level

    10 log₁₀ A² [(A − y)² + A y/Q²] / [(1 − A y)² + A y/Q²],

a high shelf the same of 1/y, and a bell, with u = Q² (y + 1/y − 2),

    10 log₁₀ (u + A²) / (u + A⁻²).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tonewright.dsp import biquads

LOW, BELL, HIGH = -1, 0, 1
_DESIGNS = {LOW: biquads.low_shelf, BELL: biquads.peaking, HIGH: biquads.high_shelf}
# 10 / ln 10: nepers of power to dB.
_NEPER = 10 / np.log(10)


@dataclass(frozen=True, eq=False)
class Layout:
    """Corner frequencies and qualities of the sections of every line; the gains differ from line to line.

    Attributes
    ----------
    kinds : (sections,) -1 low shelf, 0 bell, 1 high shelf
    corners : (sections,) log tan(ω₀/2)
    qualities : (sections,) log Q
    """

    kinds: np.ndarray
    corners: np.ndarray
    qualities: np.ndarray

    def frequencies_hz(self, fs: float) -> np.ndarray:
        """Corners in Hz."""
        return np.arctan(np.exp(self.corners)) * (fs / np.pi)

    def sections(self, gains: np.ndarray, fs: float) -> np.ndarray:
        """Filters from gains.

        Parameters
        ----------
        gains : (sections + 1, lines) in dB, the last one of all frequencies

        Returns
        -------
        (sections, 6, lines); one section of plain gain where the layout has none
        """
        found = np.zeros((max(1, self.kinds.size), 6, gains.shape[1]))
        found[:, (0, 3)] = 1
        corners = self.frequencies_hz(fs)
        for k, kind in enumerate(self.kinds):
            b, a = _DESIGNS[kind](corners[k], np.exp(self.qualities[k]), gains[k], sample_rate=fs)
            found[k, :3], found[k, 3:] = b.T, a.T
        found[0, :3] *= 10.0 ** (gains[-1] / 20)
        return found


def octave_layout(centers_hz: np.ndarray, fs: float) -> Layout:
    """A section for every band: bells at the inner ones, shelves half a band inside the outer ones."""
    count = centers_hz.size
    if count == 1:
        return Layout(np.zeros(0, dtype=int), np.zeros(0), np.zeros(0))
    kinds = np.full(count, BELL)
    kinds[0], kinds[-1] = LOW, HIGH
    corners = centers_hz.copy()
    corners[0] = np.sqrt(centers_hz[0] * centers_hz[1])
    corners[-1] = np.sqrt(centers_hz[-2] * centers_hz[-1])
    qualities = np.where(kinds == BELL, 1.15 / np.diff(np.log2(centers_hz)).mean(), 0.5)
    return Layout(kinds, warped(corners, fs), np.log(qualities))


def warped(frequencies_hz: np.ndarray, fs: float) -> np.ndarray:
    """log tan(ω/2), the frequency axis of every section."""
    return np.log(np.tan(np.clip(np.asarray(frequencies_hz) / fs, 1e-7, 0.4999) * np.pi))


@dataclass(frozen=True, eq=False)
class Levels:
    """Levels of sections and their derivatives, each (sections, bins, lines).

    Attributes
    ----------
    level : in dB
    by_gain : per dB of gain
    curvature : second derivative by the gain
    by_corner, by_quality : per unit of log tan(ω₀/2) and of log Q
    """

    level: np.ndarray
    by_gain: np.ndarray
    curvature: np.ndarray
    by_corner: np.ndarray
    by_quality: np.ndarray


def levels(layout: Layout, gains: np.ndarray, axis: np.ndarray) -> Levels:
    """Level of each section.

    Parameters
    ----------
    gains : (sections, lines) in dB
    axis : (bins,) log tan(ω/2)

    Returns
    -------
    Levels
    """
    distance = 2 * (axis - layout.corners[:, None])[:, :, None]
    quality = np.exp(-2 * layout.qualities)[:, None, None]
    found = np.empty((5, layout.kinds.size, axis.size, gains.shape[1]))
    gains = gains[:, None, :]
    for design, these in ((_shelf, layout.kinds != BELL), (_bell, layout.kinds == BELL)):
        if these.any():
            sign = np.where(layout.kinds[these] == HIGH, -1.0, 1.0)[:, None, None]
            found[:, these] = design(gains[these], sign * distance[these], quality[these])
            found[3, these] *= -2 * sign
    return Levels(*found)


def _shelf(gain: np.ndarray, distance: np.ndarray, damping: np.ndarray) -> tuple[np.ndarray, ...]:
    """Level of a low shelf and its derivatives; `distance` is log y, `damping` 1/Q²."""
    a, y = np.exp(gain / (4 * _NEPER)), np.exp(distance)
    middle, product = a * y * damping, a * y
    above, below = (a - y) ** 2 + middle, (1 - product) ** 2 + middle
    slope_above, slope_below = 2 * a * (a - y) + middle, -2 * product * (1 - product) + middle
    bend_above, bend_below = 4 * a * a - 2 * product + middle, 4 * product**2 - 2 * product + middle
    ratio_above, ratio_below = slope_above / above, slope_below / below
    level = gain / 2 + _NEPER * np.log(above / below)
    by_gain = 0.5 + (ratio_above - ratio_below) / 4
    curvature = (bend_above / above - ratio_above**2 - bend_below / below + ratio_below**2) / (16 * _NEPER)
    by_distance = _NEPER * ((-2 * y * (a - y) + middle) / above - slope_below / below)
    by_quality = -2 * _NEPER * middle * (1 / above - 1 / below)
    return level, by_gain, curvature, by_distance, by_quality


def _bell(gain: np.ndarray, distance: np.ndarray, damping: np.ndarray) -> tuple[np.ndarray, ...]:
    """Level of a bell and its derivatives; `distance` is log y, `damping` 1/Q²."""
    a = np.exp(gain / (2 * _NEPER))
    u = (2 * np.sinh(distance / 2)) ** 2 / damping
    above, below = u + a, u + 1 / a
    level = _NEPER * np.log(above / below)
    by_gain = (a / above + 1 / (a * below)) / 2
    curvature = (a * u / above**2 - u / (a * below**2)) / (4 * _NEPER)
    by_u = _NEPER * (1 / above - 1 / below)
    return level, by_gain, curvature, by_u * 2 * np.sinh(distance) / damping, by_u * 2 * u


def response_by_gain(
    layout: Layout, gains: np.ndarray, section: int, omega: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Derivative of the logarithm of one section's complex response by its gain in dB.

    Parameters
    ----------
    gains : (sections, lines) in dB
    omega : (bins,) radians per sample

    Returns
    -------
    real, imaginary : (bins, lines)
    """
    x = np.tan(np.minimum(omega / 2, np.pi / 2 - 1e-9)) * np.exp(-layout.corners[section])
    x = x[:, None]
    a, q = np.exp(gains[section] / (4 * _NEPER)), np.exp(layout.qualities[section])
    if layout.kinds[section] == BELL:
        rest = 1 - x * x
        parts = [_quotient(0.0, width, rest, width) for width in (x * (a / q), x / (a * q))]
        real, imaginary = parts[0][0] + parts[1][0], parts[0][1] + parts[1][1]
    else:
        # A high shelf is the low shelf of 1/s, and 1/(jx) = -j/x.
        sign = 1.0 if layout.kinds[section] == LOW else -1.0
        x = x if sign > 0 else 1 / np.maximum(x, 1e-9)
        square, middle = x * x, np.sqrt(a) / q * x
        above = _quotient(a, middle / 2, a - square, middle)
        below = _quotient(-a * square, middle / 2, 1 - a * square, middle)
        real, imaginary = 1 + above[0] - below[0], sign * (above[1] - below[1])
    return real / (4 * _NEPER), imaginary / (4 * _NEPER)


def _quotient(
    real: np.ndarray | float, imaginary: np.ndarray, below_real: np.ndarray, below_imaginary: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Real and imaginary part of a complex quotient."""
    size = below_real**2 + below_imaginary**2
    return (
        (real * below_real + imaginary * below_imaginary) / size,
        (imaginary * below_real - real * below_imaginary) / size,
    )
