"""A bank of second-order filters: what it is, its response, its sections, and sound through it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tonewright.dsp import biquads
from tonewright.errors import UsageError
from tonewright.filters.bank_checks import check_arrangement, check_limits, checked_numbers

if TYPE_CHECKING:
    from tonewright.audio.clips import Clip

# Of the sample rate: between them, filters can be designed.
LOWEST_USABLE, HIGHEST_USABLE = 1e-6, 0.49
# Numbers of a block of responses, which stay in the first caches.
_BLOCK_VALUES = 1 << 13


@dataclass(frozen=True, eq=False)
class Bank:
    r"""Filters side by side or one after another. Whatever it holds, it is stable at every sample rate.

    Side by side ("parallel"), constant-peak band-passes of one order are summed,

    .. math:: H(z) = l \sum_i g_i B_i(z)^n, \quad
        B(z) = \frac{\alpha (1 - z^{-2})}{(1 + \alpha) - 2 \cos\omega_0 z^{-1} + (1 - \alpha) z^{-2}},

    with :math:`\alpha = \sin\omega_0 / 2Q` and :math:`l` the level. One after another ("series"), bells and
    shelves are multiplied. The designs are those of `tonewright.dsp.biquads`, made for the rate that is asked
    for; filters that cannot be made at it (`usable`) are left out.

    Parameters
    ----------
    frequency_hz : (filters,) centre or corner
    q : (filters,)
    gain : (filters,) parallel: factor with a sign; series: dB
    kind : "parallel" or "series"
    shapes : of a series, "peaking", "low_shelf" or "high_shelf" for each filter; all "peaking" where empty
    order : of a parallel bank, so many equal band-passes in a row make one filter
    level_db : of the whole, in dB

    Raises
    ------
    UsageError
        If the numbers describe no bank.
    """

    frequency_hz: np.ndarray
    q: np.ndarray
    gain: np.ndarray
    kind: str = "parallel"
    shapes: tuple[str, ...] = ()
    order: int = 1
    level_db: float = 0.0

    def __post_init__(self) -> None:
        """Keep the numbers in float64, read-only, and refuse what is no bank."""
        for name in ("frequency_hz", "q", "gain"):
            object.__setattr__(self, name, checked_numbers(getattr(self, name), name))
        check_arrangement(self)
        shapes = tuple(self.shapes) or ("peaking",) * self.filters * (self.kind == "series")
        for name, value in (
            ("order", int(self.order)),
            ("level_db", float(self.level_db)),
            ("shapes", shapes),
        ):
            object.__setattr__(self, name, value)
        check_limits(self)

    @property
    def filters(self) -> int:
        """Number of filters."""
        return self.frequency_hz.size

    def usable(self, sample_rate: float = 44100) -> np.ndarray:
        """Which filters can be made at a sample rate: those up to .49 of it.

        Returns
        -------
        (filters,) of booleans
        """
        if not (math.isfinite(sample_rate) and sample_rate > 0):
            raise UsageError(f"a sample rate is a number of Hz above 0; got {sample_rate}")
        relative = self.frequency_hz / float(sample_rate)
        return (relative >= LOWEST_USABLE) & (relative <= HIGHEST_USABLE)

    def response(self, frequencies_hz: np.ndarray, *, sample_rate: float = 44100) -> np.ndarray:
        """Complex response at each frequency, in closed form.

        Parameters
        ----------
        frequencies_hz : (frequencies,)
        sample_rate : at which the filters are designed

        Returns
        -------
        (frequencies,), complex128
        """
        frequencies = np.ascontiguousarray(frequencies_hz, dtype=np.float64)
        if frequencies.ndim != 1 or not np.isfinite(frequencies).all():
            raise UsageError("the frequencies of a response are finite numbers of shape (frequencies,)")
        level = 10 ** (self.level_db / 20)
        if self.kind == "parallel":
            return level * _parallel_response(self, frequencies, float(sample_rate))
        return level * _series_response(self, frequencies, float(sample_rate))

    def magnitude_db(self, frequencies_hz: np.ndarray, *, sample_rate: float = 44100) -> np.ndarray:
        """Level of the response at each frequency, in dB; -400 where there is none.

        Parameters
        ----------
        frequencies_hz : (frequencies,)
        sample_rate : at which the filters are designed

        Returns
        -------
        (frequencies,)
        """
        magnitude = np.abs(self.response(frequencies_hz, sample_rate=sample_rate))
        return 20 * np.log10(np.maximum(magnitude, 1e-20))

    def to_sos(self, *, sample_rate: float = 44100) -> np.ndarray:
        """Second-order sections [b0 b1 b2 1 a1 a2] as `scipy.signal.sosfilt` takes them.

        Gains and level are in them. Filters that are not usable at the rate are left out; where none is, one
        section stands for what remains, silence or the level.

        Returns
        -------
        Parallel, (filters, 6): one section a filter, whose outputs are summed; of order above 1
        (filters, order, 6), a cascade a filter. Series, (filters, 6), one cascade.
        """
        b, a, gain = _sections(self, float(sample_rate))
        level = 10 ** (self.level_db / 20)
        if self.kind == "series":
            sections = np.concatenate([b, a], axis=1) if len(b) else np.eye(1, 6) + np.eye(1, 6, 3)
            sections[0, :3] *= level
            return sections
        if not len(b):
            b, a, gain = np.zeros((1, 3)), np.eye(1, 3), np.zeros(1)
        rows = np.repeat(np.concatenate([b, a], axis=1)[:, None], self.order, axis=1)
        rows[:, 0, :3] *= (level * gain)[:, None]
        return rows[:, 0] if self.order == 1 else rows

    def apply(self, clip: Clip, *, mix: float = 1.0, block_seconds: float | None = None) -> Clip:
        """A sound through the bank, of the same length, rate and channels.

        Parameters
        ----------
        clip : the sound, of any rate: the filters are designed for it
        mix : from 0, the sound as it was, to 1, the filtered sound alone
        block_seconds : work in blocks of this length, with the same result; in one where not given
        """
        from tonewright.filters.rendering.sounds import apply_bank

        return apply_bank(self, clip, mix=mix, block_seconds=block_seconds)

    def as_dict(self) -> dict[str, Any]:
        """The bank as plain numbers, lists and words, as its JSON file holds them."""
        from tonewright.filters.bank_files import bank_data

        return bank_data(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The bank that `as_dict` gave.

        Raises
        ------
        UsageError
            If the data is none.
        """
        from tonewright.filters.bank_files import bank_arguments

        return cls(**bank_arguments(data))


def _sections(bank: Bank, sample_rate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients b and a (filters, 3) of the usable filters, and the factors before them, without level."""
    usable = bank.usable(sample_rate)
    frequency, q, gain = bank.frequency_hz[usable], bank.q[usable], bank.gain[usable]
    if bank.kind == "parallel":
        return *biquads.bandpass(frequency, q, sample_rate=sample_rate), gain
    b, a = biquads.peaking(frequency, q, gain, sample_rate=sample_rate)
    shapes = np.array(bank.shapes)[usable]
    for name, design in (("low_shelf", biquads.low_shelf), ("high_shelf", biquads.high_shelf)):
        chosen = shapes == name
        if chosen.any():
            b[chosen], a[chosen] = design(frequency[chosen], q[chosen], gain[chosen], sample_rate=sample_rate)
    return b, a, np.ones(len(b))


@lru_cache(maxsize=8)
def _grid(frequencies: bytes, sample_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Constants of a grid of frequencies: sin ω (points,); 1 - cos ω and -(1 + cos ω) as (2, points)."""
    half = np.frombuffer(frequencies) * (math.pi / sample_rate)
    sine, cosine = np.sin(half), np.cos(half)
    return 2 * sine * cosine, 2 * np.stack([sine**2, -(cosine**2)])


def _parallel_response(bank: Bank, frequencies: np.ndarray, sample_rate: float) -> np.ndarray:
    r"""Σ g Bⁿ in real arithmetic.

    Times z, the numerator is the same for all filters but for α, and with :math:`t_0 = \tan(\omega_0/2)`

    .. math:: B(e^{j\omega}) = \frac{s}{s + jy} = \frac{s^2 - jsy}{s^2 + y^2}, \quad s = \sin\omega, \;
        y = \frac{Q}{t_0} (1 - \cos\omega) - Q t_0 (1 + \cos\omega).
    """
    usable = bank.usable(sample_rate)
    slope = np.tan(bank.frequency_hz[usable] * (math.pi / sample_rate))
    q, gain = bank.q[usable], bank.gain[usable]
    weights = np.stack([q / slope, q * slope], axis=1)
    sine, terms = _grid(frequencies.tobytes(), sample_rate)
    made = np.empty(frequencies.size, np.complex128)
    for start in range(0, frequencies.size, step := max(1, _BLOCK_VALUES // bank.filters)):
        part = slice(start, start + step)
        s, y = sine[part], weights @ terms[:, part]
        # Where s vanishes, at 0 and half the rate, y does not.
        d = 1 / (s * s + y * y)
        if bank.order == 1:
            made.real[part], made.imag[part] = s * s * (gain @ d), -s * (gain @ (y * d))
        else:
            made[part] = gain @ (s * (s - 1j * y) * d) ** bank.order
    return made


def _series_response(bank: Bank, frequencies: np.ndarray, sample_rate: float) -> np.ndarray:
    """Π H; each quotient in real arithmetic, as NumPy divides complex numbers slowly."""
    b, a, _ = _sections(bank, sample_rate)
    sine, terms = _grid(frequencies.tobytes(), sample_rate)
    made = np.empty(frequencies.size, np.complex128)
    for start in range(0, frequencies.size, step := max(1, _BLOCK_VALUES // (2 * bank.filters))):
        part = slice(start, start + step)
        above, above_j = _polynomial(b, terms[0, part], sine[part])
        below, below_j = _polynomial(a, terms[0, part], sine[part])
        d = 1 / (below * below + below_j * below_j)
        h = np.empty(above.shape, np.complex128)
        h.real, h.imag = (above * below + above_j * below_j) * d, (above_j * below - above * below_j) * d
        made[part] = h.prod(axis=0)
    return made


def _polynomial(c: np.ndarray, cosines: np.ndarray, sine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Real and imaginary part of z (c₀ + c₁ z⁻¹ + c₂ z⁻²), as in `tonewright.dsp.biquads.response`.

    Parameters
    ----------
    c : (filters, 3)
    cosines : (points,) 1 - cos ω
    sine : (points,) sin ω
    """
    real = c.sum(axis=1)[:, None] - np.multiply.outer(c[:, 0] + c[:, 2], cosines)
    return real, np.multiply.outer(c[:, 0] - c[:, 2], sine)
