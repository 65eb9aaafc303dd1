"""Responses of parallel banks in JAX: closed form, real arithmetic, an analytic gradient.

A band-pass of R. Bristow-Johnson's cookbook with a peak of 1 has the numerator α(1 − z⁻²), whatever its
frequency. Multiplied by z, numerator and denominator are 2jα sin ω and 2(cos ω − cos ω₀) + 2jα sin ω, so
that with t₀ = tan(ω₀/2)

    H(ω) = s / (s + j y),    s = sin ω,    y = (Q/t₀)(1 − cos ω) − Q t₀ (1 + cos ω).

The numerator s is shared by all filters; 1 ∓ cos ω are constants of the grid, computed as 2 sin²(ω/2) and
2 cos²(ω/2) in float64, so that nothing cancels at low frequencies. With d = 1/(s² + y²), the one division a
filter and frequency,

    Σ g H = s (s Σ g d − j Σ g y d).
"""

from __future__ import annotations

from tonewright.dsp.array import Array
from tonewright.filters.squashing import BankArrays


def bank_response(
    bank: BankArrays, frequencies_hz: Array, *, sample_rate: float, order: int = 1
) -> tuple[Array, Array]:
    """Σ g H^order, its real and its imaginary part; the gradient reaches frequency, Q and gain.

    Parameters
    ----------
    bank : frequency_hz, q, gain, (batch, filters) each
    frequencies_hz : (points,), 0 to half the sample rate; NumPy, a constant

    Returns
    -------
    real, imaginary : (batch, points) each
    """
    raise NotImplementedError


def bank_power(bank: BankArrays, frequencies_hz: Array, *, sample_rate: float, order: int = 1) -> Array:
    """|Σ g H^order|², (batch, points)."""
    raise NotImplementedError


def bank_magnitude(bank: BankArrays, frequencies_hz: Array, *, sample_rate: float, order: int = 1) -> Array:
    """|Σ g H^order|, (batch, points), with gradient 0 where it is 0."""
    raise NotImplementedError
