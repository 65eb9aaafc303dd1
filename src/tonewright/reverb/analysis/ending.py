"""Where a decay disappears in noise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tonewright.reverb.analysis.decay import decibels

# Parts of a decay, in dB above or below its meeting with the noise.
_LATE_DB = 20.0
_BEHIND_DB = 7.0
# Behind its end a decay without a floor of noise would have fallen by less than this.
_REST_DB = 4.0
_EARLY_DB = 5.0
_GROUPS = 240
# Energies of a few degrees of freedom vary, but not by more than this factor; louder is a disturbance.
_MOST = 6.0


@dataclass(frozen=True)
class Ending:
    """Where a decay disappears in noise, and what is known of it there.

    Attributes
    ----------
    blocks : how many blocks of energy belong to the decay
    noise : mean energy of a block of noise
    fall_db : by how much the last visible part of the decay falls each block; NaN if there is no decay
    flat : whether a floor of noise was met; otherwise the decay goes on to the end of the sound
    tail : energy of what follows, if the decay went on as it does at last
    """

    blocks: int
    noise: float = 0.0
    fall_db: float = np.nan
    flat: bool = False
    tail: float = 0.0


@dataclass(frozen=True)
class _Line:
    """A decay of `start_db` at block 0 that falls by `fall_db` a block."""

    start_db: float
    fall_db: float

    def reaches(self, level_db: float) -> float:
        """The block at which the line has fallen to a level."""
        return (self.start_db - level_db) / self.fall_db

    def energy(self, blocks: np.ndarray) -> np.ndarray:
        return 10 ** ((self.start_db - self.fall_db * blocks) / 10)

    def behind(self, block: int) -> float:
        """Energy of all that follows a block."""
        return float(self.energy(np.array(block))) * 10 / np.log(10) / self.fall_db


def find_ending(energy: np.ndarray, *, least_noise: float = 0.0) -> Ending:
    """Where a band's decay meets its noise, by the iteration of Lundeby et al.

    A line is fitted to the decay above the noise and crossed with it; the noise is measured anew behind the
    crossing and the line on the part just above the noise, until the crossing stays. The line is that of
    greatest likelihood for energies that vary as those of noise do, so that beats and gaps do not end it.
    A. Lundeby, T. E. Vigran, H. Bietz and M. Vorländer, "Uncertainties of measurements in room acoustics",
    Acustica 81, 1995.

    Parameters
    ----------
    energy : (blocks,) from the onset on
    least_noise : energy of a block that noise has at least, such as that of rounding
    """
    total, loudest = len(energy), float(energy.max(initial=0.0))
    if total < 8 or not loudest > 0:
        return Ending(total)
    found = _found(energy / loudest, least_noise / loudest)
    return replace(found, noise=found.noise * loudest, tail=found.tail * loudest)


def _found(energy: np.ndarray, least_noise: float) -> Ending:
    total = len(energy)
    quietest = _quietest(energy)
    start = _after_direct(energy, quietest)
    found = _likeliest(energy, start, total, noise=max(quietest, least_noise), free=True)
    if found is None:
        return Ending(total, max(quietest, least_noise), flat=True)
    line, noise = found[0], max(found[1], least_noise)
    crossing = float(total)
    for _ in range(10):
        before, crossing = crossing, float(np.clip(line.reaches(float(decibels(noise))), 0, total))
        if abs(crossing - before) < 0.005 * total or crossing >= total:
            break
        noise = max(_noise_behind(energy, line, crossing, noise), least_noise)
        first = max(start, int(line.reaches(float(decibels(noise)) + _LATE_DB)))
        last = min(total, int(crossing + 10.0 / line.fall_db))
        line = _fitted(energy, first, last, noise=noise) or line
    return _settled(energy, line, crossing, noise, least_noise, start=start)


def _settled(
    energy: np.ndarray, line: _Line, crossing: float, noise: float, least_noise: float, *, start: int
) -> Ending:
    """The ending at a crossing, or at the end of the sound where no floor can be told from the decay."""
    total = len(energy)
    end = int(np.clip(round(crossing), 1, total))
    rest_db = (total - crossing) * line.fall_db
    if rest_db > _REST_DB and (noise <= least_noise or not _still_falls(energy[end:], line.fall_db)):
        return Ending(end, min(noise, float(energy[end:].mean())), line.fall_db, True, line.behind(end))
    last = _fitted(energy, max(start, int(total - 15.0 / line.fall_db)), total, noise=0.0) or line
    return Ending(total, 0.0, last.fall_db, False, last.behind(total))


def given_ending(energy: np.ndarray, blocks: int) -> Ending:
    """The ending of a decay without noise, cut at a known block; its rate is that of the last 15 dB."""
    blocks = int(np.clip(blocks, 1, len(energy)))
    loudest = float(energy.max(initial=0.0))
    kept = energy[:blocks] / loudest if loudest > 0 else energy[:0]
    line = _fitted(kept, 0, len(kept), noise=0.0)
    if line is None:
        return Ending(blocks)
    line = _fitted(kept, max(0, int(blocks - 15.0 / line.fall_db)), blocks, noise=0.0) or line
    return Ending(blocks, 0.0, line.fall_db, False, line.behind(blocks) * loudest)


def _after_direct(energy: np.ndarray, noise: float) -> int:
    """Where the decay curve has fallen by 5 dB, which leaves the direct sound out."""
    left = np.cumsum((energy - noise)[::-1])[::-1]
    return int(np.argmax(left <= left[0] * 10 ** (-_EARLY_DB / 10)))


def _quietest(energy: np.ndarray) -> float:
    """Mean energy of the quietest tenth of the sound."""
    size = max(1, len(energy) // 20)
    parts = energy[len(energy) % size :].reshape(-1, size).mean(axis=1)
    return float((0.5 * (parts[1:] + parts[:-1])).min()) if len(parts) > 1 else float(parts[0])


def _noise_behind(energy: np.ndarray, line: _Line, crossing: float, noise: float) -> float:
    """Mean energy of the quarter of the sound behind the crossing; what it was where too little is left."""
    total = len(energy)
    start = int(crossing + _BEHIND_DB / line.fall_db)
    part = energy[start : start + max(total // 4, int(10.0 / line.fall_db))]
    return float(part.mean()) if len(part) >= total // 20 + 1 else noise


def _still_falls(energy: np.ndarray, fall_db: float) -> bool:
    """Whether the end of a decay falls at least half as fast as the decay does."""
    half = len(energy) // 2
    if half < 2:
        return True
    first, second = energy[:half].mean(), energy[half:].mean()
    if not (first > 0 and second > 0):
        return True
    return bool(10 * np.log10(first / second) > 0.5 * fall_db * half)


def _fitted(energy: np.ndarray, first: int, last: int, *, noise: float) -> _Line | None:
    """The line of greatest likelihood for energies A e^{−kt} + N with known noise, None where none falls."""
    found = _likeliest(energy, first, last, noise=noise, free=False)
    return None if found is None else found[0]


def _likeliest(
    energy: np.ndarray, first: int, last: int, *, noise: float, free: bool
) -> tuple[_Line, float] | None:
    """Line and noise of greatest likelihood for energies μ = A e^{−kt} + N that vary in proportion to μ.

    Fisher scoring on (ln A, k, ln N): with r = e/μ − 1 the step δ solves JᵀJ δ = Jᵀr, where the columns of J
    are those of ∂ ln μ: A e^{−kt}/μ, −t A e^{−kt}/μ and N/μ.
    """
    size = max(1, (last - first) // _GROUPS)
    count = (last - first) // size
    if count < 4:
        return None
    grouped = energy[first : first + count * size].reshape(count, size).mean(axis=1)
    if not grouped.any():
        return None
    time = (np.arange(count) + 0.5) / count
    floor = max(noise, 1e-30 * float(grouped.max()))
    values = np.array([*_guess(time, grouped, floor), np.log(floor)])[: 2 + free]
    for _ in range(60):
        decay = np.exp(values[0] - values[1] * time)
        floor = float(np.exp(values[2])) if free else floor
        model = decay + floor
        columns = np.stack([decay / model, -time * decay / model, floor / model][: 2 + free])
        rest = np.clip(grouped / model, 0.0, _MOST) - 1.0
        step = np.linalg.solve(columns @ columns.T + 1e-9 * count * np.eye(2 + free), columns @ rest)
        step *= min(1.0, 3.0 / max(1e-12, float(np.abs(step).max())))
        values = values + step
        if np.abs(step).max() < 1e-4:
            break
    if not (np.isfinite(values).all() and values[1] > 1e-3):
        return None
    fall = 10 / np.log(10) * float(values[1]) / (count * size)
    return _Line(10 / np.log(10) * float(values[0]) + fall * first, fall), floor


def _guess(time: np.ndarray, grouped: np.ndarray, floor: float) -> tuple[float, float]:
    """A first line, through the centre of gravity in time of what is above the noise."""
    above = np.maximum(grouped - floor, 0.0)
    total = float(above.sum())
    centre = float(above @ time) / total if total > 0 else 0.5
    rate = 1.0 / max(centre, 1e-3)
    return float(np.log(max(total / len(time) * rate, 1e-300))), rate
