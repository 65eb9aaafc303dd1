"""Second-order filters: coefficients, their response in closed form, chains and banks of them.

Coefficients are pairs ``(b, a)``, each (…, 3) with a₀ = 1, for

    H(z) = (b₀ + b₁ z⁻¹ + b₂ z⁻²) / (1 + a₁ z⁻¹ + a₂ z⁻²).

The designs are those of R. Bristow-Johnson's "Cookbook formulae for audio EQ biquad filter coefficients":
analogue prototypes through the bilinear transform, with ω₀ = 2π f₀/f_s and α = sin ω₀ / 2Q. The terms
1 ∓ cos ω₀ are computed as 2 sin² and 2 cos² of ω₀/2, which keeps float32 exact at low frequencies.
Centre or corner frequency, Q and gain may be numbers or arrays that broadcast together; (…) is then their
common shape.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tonewright.dsp.array import Array, as_arrays, as_complex, as_like, namespace
from tonewright.errors import UsageError

BUTTERWORTH_Q = math.sqrt(0.5)


class _Corner(NamedTuple):
    """What every design starts from, broadcast to one shape."""

    cosine: Array  # cos ω₀
    low: Array  # sin²(ω₀/2) = (1 − cos ω₀)/2
    high: Array  # cos²(ω₀/2) = (1 + cos ω₀)/2
    sine: Array  # sin ω₀
    alpha: Array  # sin ω₀ / 2Q


def _checked(frequency_hz: Array | float, q: Array | float, sample_rate: float) -> None:
    # Only plain numbers can be checked: an array may be traced, and has no value yet.
    if isinstance(frequency_hz, int | float) and not 0 < frequency_hz < sample_rate / 2:
        raise UsageError(
            f"filter frequency {frequency_hz:g} Hz: must lie between 0 and half the sample rate, "
            f"{sample_rate / 2:g} Hz"
        )
    if isinstance(q, int | float) and not q > 0:
        raise UsageError(f"filter q {q:g}: must be above 0")


def _corner(frequency_hz: Array | float, q: Array | float, sample_rate: float) -> _Corner:
    _checked(frequency_hz, q, sample_rate)
    frequency, quality = as_arrays(frequency_hz, q)
    xp = namespace(frequency, quality)
    frequency, quality = xp.broadcast_arrays(frequency, quality)
    half = frequency * (math.pi / float(sample_rate))
    sine_half, cosine_half = xp.sin(half), xp.cos(half)
    sine = 2 * sine_half * cosine_half
    low, high = sine_half**2, cosine_half**2
    return _Corner(high - low, low, high, sine, sine / (2 * quality))


def _normalised(b: tuple[Array, Array, Array], a: tuple[Array, Array, Array]) -> tuple[Array, Array]:
    """Stack the coefficients on a new last axis, divided by a₀."""
    xp = namespace(*b, *a)
    a0 = a[0]
    ones = xp.ones_like(a0)
    return (
        xp.stack([value / a0 for value in b], axis=-1),
        xp.stack([ones, a[1] / a0, a[2] / a0], axis=-1),
    )


def lowpass(
    cutoff_hz: Array | float, q: Array | float = BUTTERWORTH_Q, *, sample_rate: float
) -> tuple[Array, Array]:
    """Low-pass, 12 dB per octave; |H(cutoff)| = Q.

    Parameters
    ----------
    cutoff_hz : (…)
    q : (…), 1/√2 for the maximally flat one

    Returns
    -------
    b, a : (…, 3) each
    """
    c = _corner(cutoff_hz, q, sample_rate)
    return _normalised((c.low, 2 * c.low, c.low), _poles(c))


def highpass(
    cutoff_hz: Array | float, q: Array | float = BUTTERWORTH_Q, *, sample_rate: float
) -> tuple[Array, Array]:
    """High-pass, 12 dB per octave; |H(cutoff)| = Q.

    Parameters
    ----------
    cutoff_hz : (…)
    q : (…), 1/√2 for the maximally flat one

    Returns
    -------
    b, a : (…, 3) each
    """
    c = _corner(cutoff_hz, q, sample_rate)
    return _normalised((c.high, -2 * c.high, c.high), _poles(c))


def bandpass(
    center_hz: Array | float,
    q: Array | float = 1.0,
    *,
    sample_rate: float,
    normalisation: str = "peak",
) -> tuple[Array, Array]:
    """Band-pass.

    Parameters
    ----------
    center_hz : (…)
    q : (…), centre over bandwidth between the −3 dB points
    normalisation : "peak" for |H(center)| = 1; "skirt" for skirts that do not depend on Q, and
        |H(center)| = Q

    Returns
    -------
    b, a : (…, 3) each
    """
    c = _corner(center_hz, q, sample_rate)
    if normalisation not in ("peak", "skirt"):
        raise UsageError(f"band-pass normalisation {normalisation!r}: not known; choose peak or skirt")
    gain = c.alpha if normalisation == "peak" else c.sine / 2
    return _normalised((gain, namespace(gain).zeros_like(gain), -gain), _poles(c))


def notch(center_hz: Array | float, q: Array | float = 1.0, *, sample_rate: float) -> tuple[Array, Array]:
    """Band-stop: silent at the centre, 1 far from it.

    Parameters
    ----------
    center_hz : (…)
    q : (…), centre over bandwidth between the −3 dB points

    Returns
    -------
    b, a : (…, 3) each
    """
    c = _corner(center_hz, q, sample_rate)
    ones = namespace(c.alpha).ones_like(c.alpha)
    return _normalised((ones, -2 * c.cosine, ones), _poles(c))


def allpass(
    center_hz: Array | float, q: Array | float = BUTTERWORTH_Q, *, sample_rate: float
) -> tuple[Array, Array]:
    """All-pass: |H| = 1 everywhere, phase −180° at the centre.

    Parameters
    ----------
    center_hz : (…)
    q : (…), steepness of the phase

    Returns
    -------
    b, a : (…, 3) each
    """
    c = _corner(center_hz, q, sample_rate)
    return _normalised((1 - c.alpha, -2 * c.cosine, 1 + c.alpha), _poles(c))


def peaking(
    center_hz: Array | float, q: Array | float, gain_db: Array | float, *, sample_rate: float
) -> tuple[Array, Array]:
    """Bell: `gain_db` at the centre, 0 dB far from it.

    Parameters
    ----------
    center_hz : (…)
    q : (…), centre over bandwidth between the points of half the gain in dB
    gain_db : (…)

    Returns
    -------
    b, a : (…, 3) each
    """
    c, amplitude = _corner_with_gain(center_hz, q, gain_db, sample_rate)
    boost, cut = c.alpha * amplitude, c.alpha / amplitude
    return _normalised((1 + boost, -2 * c.cosine, 1 - boost), (1 + cut, -2 * c.cosine, 1 - cut))


def low_shelf(
    cutoff_hz: Array | float, q: Array | float, gain_db: Array | float, *, sample_rate: float
) -> tuple[Array, Array]:
    """Low shelf: `gain_db` far below the corner, half of it there, 0 dB far above.

    Parameters
    ----------
    cutoff_hz : (…)
    q : (…), 1/√2 for the steepest slope without overshoot
    gain_db : (…)

    Returns
    -------
    b, a : (…, 3) each
    """
    c, amplitude = _corner_with_gain(cutoff_hz, q, gain_db, sample_rate)
    b, a = _shelf(c.low, c.high, amplitude, c.alpha)
    return _normalised((b[0], b[1], b[2]), a)


def high_shelf(
    cutoff_hz: Array | float, q: Array | float, gain_db: Array | float, *, sample_rate: float
) -> tuple[Array, Array]:
    """High shelf: `gain_db` far above the corner, half of it there, 0 dB far below.

    Parameters
    ----------
    cutoff_hz : (…)
    q : (…), 1/√2 for the steepest slope without overshoot
    gain_db : (…)

    Returns
    -------
    b, a : (…, 3) each
    """
    c, amplitude = _corner_with_gain(cutoff_hz, q, gain_db, sample_rate)
    # The mirror image of the low shelf: z → −z swaps the ends of the band and the odd coefficients' signs.
    b, a = _shelf(c.high, c.low, amplitude, c.alpha)
    return _normalised((b[0], -b[1], b[2]), (a[0], -a[1], a[2]))


def _poles(c: _Corner) -> tuple[Array, Array, Array]:
    return 1 + c.alpha, -2 * c.cosine, 1 - c.alpha


def _corner_with_gain(
    frequency_hz: Array | float, q: Array | float, gain_db: Array | float, sample_rate: float
) -> tuple[_Corner, Array]:
    """Corner and A = 10^(gain_db/40), of one shape."""
    _checked(frequency_hz, q, sample_rate)
    frequency, quality, gain = as_arrays(frequency_hz, q, gain_db)
    xp = namespace(frequency, quality, gain)
    frequency, quality, gain = xp.broadcast_arrays(frequency, quality, gain)
    return _corner(frequency, quality, sample_rate), xp.exp(gain * (math.log(10) / 40))


def _shelf(
    near: Array, far: Array, amplitude: Array, alpha: Array
) -> tuple[tuple[Array, Array, Array], tuple[Array, Array, Array]]:
    """Shelf that acts on the end of the band where `near` vanishes; `far` = 1 − near.

    (A + 1) − (A − 1) cos ω₀ = 2(A near + far) for the low shelf, and so on.
    """
    root = 2 * namespace(amplitude).sqrt(amplitude) * alpha
    zeros, poles = 2 * (amplitude * near + far), 2 * (near + amplitude * far)
    b = (amplitude * (zeros + root), 4 * amplitude * (amplitude * near - far), amplitude * (zeros - root))
    a = (poles + root, 4 * (near - amplitude * far), poles - root)
    return b, a


def response(b: Array, a: Array, frequencies_hz: Array, *, sample_rate: float) -> Array:
    """Complex response of each filter at each frequency, in closed form.

    With z = e^{jω} and both polynomials multiplied by z,

        z B(z) = (b₀ + b₁ + b₂) − 2 (b₀ + b₂) sin²(ω/2) + j (b₀ − b₂) sin ω,

    which loses no digits near ω = 0, where the plain polynomial cancels.

    Parameters
    ----------
    b, a : (…, 3)
    frequencies_hz : (frequencies,)

    Returns
    -------
    (…, frequencies)
    """
    xp = namespace(b, a)
    frequencies = frequencies_hz if hasattr(frequencies_hz, "dtype") else as_like(frequencies_hz, b)
    omega = frequencies * (2 * math.pi / float(sample_rate))
    doubled, sine = 2 * xp.sin(omega / 2) ** 2, xp.sin(omega)

    def polynomial(c: Array) -> Array:
        first, second, third = c[..., 0, None], c[..., 1, None], c[..., 2, None]
        return as_complex((first + second + third) - (first + third) * doubled, (first - third) * sine)

    return polynomial(b) / polynomial(a)


def series_response(b: Array, a: Array, frequencies_hz: Array, *, sample_rate: float) -> Array:
    """Complex response of filters one after the other: Π H.

    Parameters
    ----------
    b, a : (…, sections, 3)
    frequencies_hz : (frequencies,)

    Returns
    -------
    (…, frequencies)
    """
    sections = response(b, a, frequencies_hz, sample_rate=sample_rate)
    return namespace(sections).prod(sections, axis=-2)


def parallel_response(
    b: Array, a: Array, gains: Array, frequencies_hz: Array, *, sample_rate: float
) -> Array:
    """Complex response of filters side by side: Σ g H.

    Parameters
    ----------
    b, a : (…, sections, 3)
    gains : (…, sections), real or complex
    frequencies_hz : (frequencies,)

    Returns
    -------
    (…, frequencies)
    """
    sections = response(b, a, frequencies_hz, sample_rate=sample_rate)
    xp = namespace(sections)
    return xp.sum(xp.astype(gains, sections.dtype)[..., None] * sections, axis=-2)


def is_stable(a: Array) -> Array:
    """Whether both poles lie inside the unit circle: |a₂| < 1 and |a₁| < 1 + a₂.

    Parameters
    ----------
    a : (…, 3)

    Returns
    -------
    (…) of booleans
    """
    xp = namespace(a)
    first, second = a[..., 1] / a[..., 0], a[..., 2] / a[..., 0]
    return (xp.abs(second) < 1) & (xp.abs(first) < 1 + second)
