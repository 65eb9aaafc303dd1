"""`fit`: a bank for one spectrum, found by direct optimisation, without a model."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.errors import MissingExtraError, UsageError
from tonewright.filters.bank import Bank
from tonewright.filters.bank_checks import KINDS, MOST_ORDER
from tonewright.filters.fitting.impulse import with_response
from tonewright.filters.fitting.matching import target_of_match
from tonewright.filters.fitting.problem import bank_of, problem_of
from tonewright.filters.fitting.result import Fit
from tonewright.filters.fitting.target import (
    Curve,
    Sound,
    Target,
    points_for,
    target_of_curve,
    target_of_sound,
)
from tonewright.filters.spectra import FLOOR_DB, log_spectral_distance

MOST_FILTERS = 128


def fit(
    sound: Sound | Curve,
    *,
    filters: int = 16,
    kind: str | None = None,
    reference: Sound | None = None,
    phase: bool = False,
    order: int = 1,
    sample_rate: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Fit:
    """The bank whose response comes nearest to a spectrum.

    The differences in dB at points that are equally spaced for the ear are made small by the method of
    Levenberg and Marquardt, from several guesses, with analytic derivatives by frequency, Q and gain; filters
    that do little are moved to where they are needed. The same arguments give the same bank.

    Parameters
    ----------
    sound : a clip, a sound file, or a curve: frequencies in Hz and magnitudes in dB, (values,) each
    filters : how many, 1 to 128
    kind : "parallel" for resonators with signed gains side by side, "series" for a parametric equaliser of a
        low shelf, bells and a high shelf (of one or two filters, bells); where not given "parallel", and
        with a reference "series"
    reference : a clip or a sound file; the bank turns the tone of `sound` into that of the reference
    phase : the sound is an impulse response, and its phase is fitted, too, by a parallel bank
    order : of a parallel bank, how many equal resonators in a row make one
    sample_rate : at which the bank is designed; otherwise the sound's, of a curve the lowest that holds it
    seed : of what is drawn in the search
    progress : called with (done, total)

    Returns
    -------
    Fit

    Raises
    ------
    AudioError
        If a sound is empty, silent or constant, holds NaN or infinite samples, or cannot be read.
    UsageError
        If a setting is not one of those above.
    """
    kind = kind or ("parallel" if reference is None else "series")
    _check(sound, filters, kind, reference, phase, order)
    try:
        from tonewright.filters.fitting.search import best_values
    except ImportError as error:
        raise MissingExtraError((error.name or "numba").split(".")[0], "filters") from error

    target = _target(sound, reference, phase, points_for(filters), sample_rate)
    problem = problem_of(target, filters=filters, kind=kind, order=order)
    values = best_values(problem, draw=np.random.default_rng(seed), progress=progress)
    bank = bank_of(problem, values, sample_rate=target.sample_rate, level_db=target.level_db)
    return _result(bank, target)


def _target(sound: Any, reference: Sound | None, phase: bool, points: int, sample_rate: int | None) -> Target:
    if not isinstance(sound, Clip | str | os.PathLike):
        return target_of_curve(sound, points=points, sample_rate=sample_rate)
    if reference is not None:
        return target_of_match(sound, reference, points=points, sample_rate=sample_rate)
    target = target_of_sound(sound, points=points, sample_rate=sample_rate)
    return with_response(target, sound) if phase else target


def _result(bank: Bank, target: Target) -> Fit:
    """The bank beside its target."""
    response = bank.response(target.frequencies_hz, sample_rate=target.sample_rate)
    achieved = 20 * np.log10(np.maximum(np.abs(response), 1e-20))
    if target.at_floor.any():
        achieved = np.maximum(achieved, target.level_db - FLOOR_DB)
    wanted = target.shape_db + target.level_db
    phases: dict[str, Any] = {}
    if target.response is not None:
        complex_target = target.response * 10 ** (target.level_db / 20)
        angles = np.angle(response * complex_target.conj(), deg=True)
        phases = {
            "target_response": complex_target,
            "achieved_response": response,
            "phase_error_degrees": float(np.sqrt(target.weights @ angles**2)),
        }
    return Fit(
        bank=bank,
        frequencies_hz=target.frequencies_hz,
        target_db=wanted,
        achieved_db=achieved,
        weights=target.weights,
        error_db=float(log_spectral_distance(achieved, wanted, weights=target.weights)),
        sample_rate=target.sample_rate,
        assumptions=target.assumptions,
        **phases,
    )


def _check(sound: Any, filters: int, kind: str, reference: Any, phase: bool, order: int) -> None:
    """Refuse arguments that cannot be meant."""
    if not isinstance(sound, Clip | str | os.PathLike | tuple | list):
        given = type(sound).__name__
        raise UsageError(f"fit takes a clip, a file, or a pair (frequencies_hz, magnitude_db); got {given}")
    for name, value, most in (("filters", filters, MOST_FILTERS), ("order", order, MOST_ORDER)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= most:
            raise UsageError(f"{name} is {value}; it must be a whole number from 1 to {most}")
    if kind not in KINDS:
        raise UsageError(f"kind is '{kind}'; choose from {', '.join(KINDS)}")
    if kind == "series" and order != 1:
        raise UsageError(f"order is {order}, but filters in series have order 1; use kind='parallel'")
    if phase and kind != "parallel":
        raise UsageError("phase is fitted by a parallel bank only; use kind='parallel'")
    curve = isinstance(sound, tuple | list)
    if reference is not None and not isinstance(reference, Clip | str | os.PathLike):
        raise UsageError("a reference is a clip or a sound file")
    if phase and (curve or reference is not None):
        raise UsageError("phase needs an impulse response: one sound, without a curve or a reference")
    if curve and reference is not None:
        raise UsageError("a reference is compared with a sound; a curve needs none")
