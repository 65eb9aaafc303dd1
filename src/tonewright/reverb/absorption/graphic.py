"""Graphic absorption: a chain of bells between two shelves in each line, for a decay per band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tonewright.errors import NetworkError
from tonewright.reverb.absorption.fewest import more_sections
from tonewright.reverb.absorption.layout import Layout, octave_layout, response_by_gain
from tonewright.reverb.absorption.sections import BLOCK, angles, response_at
from tonewright.reverb.absorption.solving import Problem, design_grid, expand, solve_gains
from tonewright.reverb.absorption.target import decay_curve, log_curve, octave_centers

# The realised decay is nowhere longer than this many times the one that is wanted.
LONGEST = 1.5


@dataclass(frozen=True, eq=False)
class _Design:
    """What the derivative needs of the last filters."""

    decay: np.ndarray
    problem: Problem
    gains: np.ndarray
    sections: np.ndarray


class GraphicAbsorption:
    r"""Design of the absorption of all lines from the decay per band, and its derivative.

    Line i is to have the level :math:`t_i(f) = -60\, m_i / (T(f) f_s)` dB, with T a monotone interpolation
    of the bands (`decay_curve`). The gains x of its sections are the least squares of the relative error of
    the realised decay on a dense grid, also between the bands,

    .. math:: x_i = \arg\min_x \sum_f w_f^2 \left(L(f, x) / t_i(f) - 1\right)^2,

    found by Newton's method for all lines together. As each section's level depends on its own gain only, the
    matrix of second derivatives is exact and so is the derivative of the filters by the decay.

    (V. Välimäki and J. Liski, "Accurate cascade graphic equalizer", IEEE Signal Process. Lett. 24, 2017, and
    K. Prawda et al., "Improved reverberation time control for feedback delay networks", DAFx 2019, solve for
    the gains at points; S. J. Schlecht and E. A. P. Habets, DAFx 2017, state the target.)

    Parameters
    ----------
    delays : (lines,) in samples
    fs : sample rate in Hz
    centers_hz : (bands,) where the decay is given; the octaves under 0.45 fs unless given
    layout : where the sections lie; one for each band unless given
    """

    def __init__(
        self,
        delays: ArrayLike,
        fs: float,
        *,
        centers_hz: ArrayLike | None = None,
        layout: Layout | None = None,
    ) -> None:
        self.delays = np.asarray(delays, dtype=np.float64).ravel()
        if not (self.delays > 0).all():
            raise NetworkError("delays must be above 0 samples for an absorption in proportion to them")
        self.fs = float(fs)
        centers = octave_centers(fs) if centers_hz is None else np.asarray(centers_hz, dtype=np.float64)
        self.centers_hz = np.atleast_1d(centers)
        inside = self.centers_hz[self.centers_hz < 0.45 * self.fs]
        self.layout = octave_layout(inside, self.fs) if layout is None else layout
        self.grid_hz, _, self._weights = design_grid(self.centers_hz, self.fs)
        self._design: _Design | None = None

    def problem(self, decay_s: ArrayLike, *, fine: int = 1) -> Problem:
        """The levels that the lines are to have.

        Parameters
        ----------
        decay_s : (bands,) T60
        fine : how many times denser than `grid_hz` the frequencies are
        """
        grid, axis, weights = design_grid(self.centers_hz, self.fs, fine=fine)
        curve = decay_curve(decay_s, self.centers_hz, grid)
        return Problem(axis, weights, -60 / self.fs / curve[:, None] * self.delays)

    def sections(self, decay_s: ArrayLike) -> np.ndarray:
        """Filters of all lines.

        Parameters
        ----------
        decay_s : (bands,) T60

        Returns
        -------
        (sections, 6, lines)
        """
        problem = self.problem(decay_s)
        gains = solve_gains(self.layout, problem)
        if not np.isfinite(gains).all():
            raise NetworkError("no absorption follows this decay; bring the bands' decays nearer together")
        gains[-1] -= self._excess(decay_s, problem, gains)
        sections = self.layout.sections(gains, self.fs)
        self._design = _Design(np.atleast_1d(np.asarray(decay_s, dtype=np.float64)), problem, gains, sections)
        return sections

    def _excess(self, decay_s: ArrayLike, problem: Problem, gains: np.ndarray) -> np.ndarray:
        """Level (lines,) to take from all frequencies, so that every |g| stays below 1.

        Where bands far apart make the decay much too long somewhere, all of it is shortened.
        """
        here = expand(self.layout, problem, gains)
        if here.error.min() < -0.15:
            problem = self.problem(decay_s, fine=4)
            here = expand(self.layout, problem, gains)
        return np.maximum((here.error + 1 - 1 / LONGEST) * problem.target, 0).max(axis=0)

    def error(self) -> float:
        """Largest relative error of the realised decay of the last filters within the bands."""
        design = self._last()
        realised = expand(self.layout, design.problem, design.gains).error + 1
        within = realised[self._weights == 1] if (self._weights == 1).any() else realised
        return float(np.abs(1 / np.maximum(within, 1e-9) - 1).max())

    def pullback(self, gradient: np.ndarray) -> np.ndarray:
        """∂L/∂decay from ∂L/∂g, at the last filters; near only where bands far apart had to be shortened.

        Parameters
        ----------
        gradient : (bins, lines) complex, ∂L/∂Re g + j ∂L/∂Im g at the non-negative bins of an even transform

        Returns
        -------
        (bands,)
        """
        design = self._last()
        by_level = (self._by_target(gradient) * design.problem.target).sum(axis=1)
        _, by_decay = log_curve(np.log(design.decay), np.log(self.centers_hz), np.log(self.grid_hz))
        return -(by_level @ by_decay) / design.decay

    def delay_pullback(self, gradient: np.ndarray) -> np.ndarray:
        """∂L/∂delay from ∂L/∂g, at the last filters: longer lines are to absorb more.

        Parameters
        ----------
        gradient : (bins, lines) complex, as for `pullback`

        Returns
        -------
        (lines,)
        """
        return (self._by_target(gradient) * self._last().problem.target).sum(axis=0) / self.delays

    def _last(self) -> _Design:
        if self._design is None:
            raise NetworkError("no absorption has been designed; call sections first")
        return self._design

    def _by_target(self, gradient: np.ndarray) -> np.ndarray:
        """∂L/∂t (grid, lines): the gains are a stationary point, and move with the target."""
        design = self._last()
        by_gain = self._by_gain(np.asarray(gradient))
        here = expand(self.layout, design.problem, design.gains)
        solved = np.linalg.solve(here.hessian, by_gain.T[:, :, None])[:, :, 0]
        moved = np.einsum("kfn,nk->fn", here.jacobian, solved)
        return self._weights[:, None] ** 2 * moved * (2 * here.error + 1) / design.problem.target**2

    def _by_gain(self, gradient: np.ndarray) -> np.ndarray:
        """∂L/∂gains (sections + 1, lines) from ∂L/∂g."""
        design = self._last()
        omega = angles(2 * (gradient.shape[0] - 1), None, None)
        found = np.zeros_like(design.gains)
        for start in range(0, omega.size, BLOCK):
            part = slice(start, start + BLOCK)
            weighted: Any = gradient[part].conj() * response_at(design.sections, omega[part])
            across, along = weighted.imag.copy(), weighted.real.copy()
            for k in range(self.layout.kinds.size):
                real, imaginary = response_by_gain(self.layout, design.gains, k, omega[part])
                found[k] += (along * real - across * imaginary).sum(axis=0)
            found[-1] += along.sum(axis=0) * (np.log(10) / 20)
        return found


def fewest_sections(
    decay_s: ArrayLike,
    delays: ArrayLike,
    fs: float,
    *,
    centers_hz: ArrayLike | None = None,
    tolerance: float = 0.05,
    most: int | None = None,
) -> GraphicAbsorption:
    """Absorption with as few sections as meet a decay, their corners and qualities placed for it.

    Parameters
    ----------
    decay_s : (bands,) T60
    delays : (lines,) in samples
    fs : sample rate in Hz
    centers_hz : (bands,) where the decay is given; the octaves under 0.45 fs unless given
    tolerance : relative error of the realised decay that is allowed within the bands
    most : sections at most, whatever the error then is; three more than bands unless given

    Returns
    -------
    GraphicAbsorption, whose `sections` give filters of this layout for other decays too
    """
    lengths = np.asarray(delays, dtype=np.float64).ravel()
    extremes = [lengths.min(), lengths.max()]
    layout = Layout(np.zeros(0, dtype=int), np.zeros(0), np.zeros(0))
    best = GraphicAbsorption(extremes, fs, centers_hz=centers_hz, layout=layout)
    best.sections(decay_s)
    most = best.centers_hz.size + 3 if most is None else most
    problem = best.problem(decay_s)
    longest = Problem(problem.axis, problem.weights, problem.target[:, 1:])
    while best.error() > tolerance and layout.kinds.size < most:
        layout = more_sections(layout, longest)
        tried = GraphicAbsorption(extremes, fs, centers_hz=centers_hz, layout=layout)
        tried.sections(decay_s)
        best = min((best, tried), key=GraphicAbsorption.error)
    return GraphicAbsorption(delays, fs, centers_hz=centers_hz, layout=best.layout)


def graphic_absorption(
    decay_s: ArrayLike,
    delays: ArrayLike,
    fs: float,
    centers_hz: ArrayLike | None = None,
    *,
    tolerance: float = 0.05,
    most: int | None = None,
) -> np.ndarray:
    """Filters of all lines for a decay per band, with the fewest sections that meet it.

    Parameters
    ----------
    decay_s : (bands,) T60
    delays : (lines,) in samples
    fs : sample rate in Hz
    centers_hz : (bands,) where the decay is given; the octaves under 0.45 fs unless given
    tolerance : relative error of the realised decay that is allowed within the bands
    most : sections at most, whatever the error then is; three more than bands unless given

    Returns
    -------
    (sections, 6, lines)
    """
    found = fewest_sections(decay_s, delays, fs, centers_hz=centers_hz, tolerance=tolerance, most=most)
    return found.sections(decay_s)
