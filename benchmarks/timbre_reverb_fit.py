"""Fit the regression behind the blind reverberation time to made-up rooms.

``python benchmarks/timbre_reverb_fit.py [--pool FOLDER] [--jobs 2] [--write]``: puts dry sounds
(`timbre_dry_sounds`) into rooms (`timbre_rooms`) whose decay is known, takes the figures of their falls, fits
the network of `tonewright.timbre.blind_decay.regression` to ln of the decay, and prints how well it does for
sounds and rooms that it has not seen. No measured room and no sound of the quality benchmark is used.
``--write`` puts the coefficients into the package, with a note on how they were made.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from joblib import Parallel, delayed
from scipy.stats import spearmanr

from timbre_dry_sounds import DrySound, dry_sounds
from timbre_rooms import RATE, drawn_room, in_room, measured, middle_decay_s
from tonewright.timbre.blind_decay import regression
from tonewright.timbre.blind_decay.bands import band_levels_db, frame_lengths
from tonewright.timbre.blind_decay.falls import LEAST_FRAMES, RISING, falls

DRY_S, SHORTEST_S, LONGEST_S = 0.08, 0.08, 9.0
PARTS, ROOMS = 16, 100
HIDDEN, NOISE, EPOCHS, BATCH = 8, 0.3, 60, 128
_NOTE = (
    "Regression of the blind reverberation time, made by benchmarks/timbre_reverb_fit.py from made-up rooms, "
    "the demo band's stems and what a pool held: the speech of asterisk-core-sounds-it (Carlo Flora) "
    "and -ru (Maxim), CC-BY-3.0, of festvox-ru (Nickolay V. Shmyrev), BSD, and notes of FluidR3 (Frank Wen), "
    "MIT, and tonejs-instruments, CC-BY-3.0"
)
KINDS = ("claps", "speech", "singing", "drums", "notes", "music")


class Example(NamedTuple):
    """Figures of a sound in a room, and the room's decay; 0 s for the sound as it was."""

    kind: str
    learned: bool
    decay_s: float
    figures: np.ndarray


def rooms(count: int, seed: int) -> list[tuple[np.ndarray, float]]:
    """Responses and their decays."""
    rng = np.random.default_rng(seed)
    found = []
    while len(found) < count:
        response = drawn_room(rng)
        decay_s = middle_decay_s(response)
        if 0.05 < decay_s < 10:
            response = measured(response, rng) if rng.random() < 0.45 else response
            found.append((response.astype(np.float32), decay_s))
    return found


def examples_of(sounds: list[DrySound], part: int, each: int) -> list[Example]:
    """Each sound in some rooms, and now and then in none; what is not learned from has rooms of its own."""
    rng, frame_s, found = np.random.default_rng((7, part)), frame_lengths(RATE)[1] / RATE, []
    learned, others = rooms(ROOMS, 2 * part), rooms(ROOMS // 4, 2 * part + 1)
    for dry in sounds:
        among = learned if dry.learned else others
        chosen = [among[k] for k in rng.integers(0, len(among), each)]
        for response, decay_s in [*chosen, *([(None, 0.0)] if rng.random() < 0.5 else [])]:
            levels_db = band_levels_db(in_room(dry.samples, response, rng), RATE)
            if levels_db.shape[1] >= LEAST_FRAMES:
                found.append(Example(dry.kind, dry.learned, decay_s, falls(levels_db, frame_s).figures))
    return found


def made(pool: Path | None, jobs: int, each: int) -> list[Example]:
    """All examples, made in parts."""
    sounds = list(dry_sounds(pool, 3))
    parts = Parallel(n_jobs=jobs, verbose=10)(
        delayed(examples_of)(sounds[part::PARTS], part, each) for part in range(PARTS)
    )
    return [example for part in cast(list[list[Example]], parts) for example in part]


def targets(examples: list[Example]) -> np.ndarray:
    """ln of the decays; a dry sound counts as a very short one."""
    times = np.array([example.decay_s for example in examples])
    return np.log(np.where(times > 0, np.clip(times, SHORTEST_S, LONGEST_S), DRY_S))


class Network(torch.nn.Module):
    """y = v · tanh(W x + b) + a · x + c, which may only rise with the times among its inputs."""

    def __init__(self, mean: float, rising: torch.Tensor) -> None:
        super().__init__()
        inputs = len(rising)
        weights = torch.randn(HIDDEN, inputs) / inputs**0.5
        weights[:, rising] = weights[:, rising].abs()
        self.rising = rising
        self.W = torch.nn.Parameter(weights)
        self.b, self.v = (torch.nn.Parameter(x) for x in (torch.randn(HIDDEN), torch.rand(HIDDEN) / 2))
        self.a, self.c = torch.nn.Parameter(torch.zeros(inputs)), torch.nn.Parameter(torch.tensor(mean))

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        """The hidden units, (batch, HIDDEN)."""
        return torch.tanh(x @ self.W.T + self.b)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """ln of the time, (batch,)."""
        return self.hidden(x) @ self.v + x @ self.a + self.c

    @torch.no_grad()
    def keep_rising(self) -> None:
        """Back to weights that rise."""
        self.W[:, self.rising] = self.W[:, self.rising].clamp_min(0)
        self.a[self.rising] = self.a[self.rising].clamp_min(0)
        self.v.clamp_(min=0)


def fitted(inputs: torch.Tensor, wanted: torch.Tensor, seed: int) -> Network:
    """The network after a fixed number of steps, with noise on its inputs."""
    torch.manual_seed(seed)
    network = Network(float(wanted.mean()), torch.tensor(RISING))
    optimiser = torch.optim.AdamW(network.parameters(), lr=4e-3, weight_decay=1e-3)
    steps = EPOCHS * (len(wanted) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        chosen = torch.randint(0, len(wanted), (BATCH,))
        x = inputs[chosen] + NOISE * torch.randn(BATCH, inputs.shape[1])
        loss = torch.nn.functional.smooth_l1_loss(network(x), wanted[chosen], beta=0.3)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        network.keep_rising()
    return network


def spread(hidden: torch.Tensor, errors: torch.Tensor) -> tuple[list[float], float]:
    """Weights u and d of ln of the width of the errors, u · h + d, the likeliest if they are Laplacian."""
    u, d = torch.zeros(hidden.shape[1], requires_grad=True), torch.tensor(-1.5, requires_grad=True)
    optimiser = torch.optim.Adam([u, d], lr=0.02)
    for _ in range(600):
        width = (hidden @ u + d).clamp(-4, 2)
        loss = (errors * torch.exp(-width) + width).mean() + 1e-3 * u.square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return u.detach().tolist(), float(d.detach())


def coefficients(
    network: Network, usual: np.ndarray, scale: np.ndarray, width: tuple[list[float], float]
) -> dict:
    """What `regression` reads."""
    values = {name: getattr(network, name).detach().numpy() for name in "Wbvac"}
    return {
        "note": _NOTE,
        "usual": rounded(usual),
        "scale": rounded(scale),
        **{name: rounded(value) for name, value in values.items()},
        "u": rounded(np.array(width[0])),
        "d": round(width[1], 4),
    }


def rounded(values: np.ndarray) -> list:
    """Numbers with four decimals, as lists."""
    return np.round(values.astype(float), 4).tolist()


def report(examples: list[Example], found: np.ndarray) -> None:
    """How near the times of unseen sounds in unseen rooms are."""
    wanted = targets(examples)
    for kind in KINDS:
        rows = np.array([example.kind == kind and not example.learned for example in examples])
        wet = np.array([example.decay_s > 0 for example in examples])
        both, alone = rows & wet, rows & ~wet
        if both.sum() > 3:
            order = np.asarray(spearmanr(found[both], wanted[both]))[0]
            error = np.median(np.abs(np.expm1(found[both] - wanted[both])))
            dry = f"; dry {np.exp(np.median(found[alone])):.2f} s" if alone.any() else ""
            print(
                f"{kind:8s} {both.sum():5d} wet: Spearman {order:.3f}, median error {100 * error:.0f} %{dry}"
            )


def main() -> None:
    """Make the examples, fit, report, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pool", type=Path, help="folder of a pool, for speech, singing and notes")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--each", type=int, default=10, help="rooms that each sound is put into")
    parser.add_argument("--keep", type=Path, help="file for the examples; read where it exists")
    parser.add_argument("--write", action="store_true", help="put the coefficients into the package")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    examples = kept(arguments) or made(arguments.pool, arguments.jobs, arguments.each)
    if arguments.keep and not arguments.keep.exists():
        columns = zip(*examples, strict=True)
        np.savez(arguments.keep, *(np.array(column) for column in columns))
    figures = np.array([example.figures for example in examples])
    learned = np.array([example.learned for example in examples])
    usual, scale = figures[learned].mean(axis=0), figures[learned].std(axis=0) + 1e-6
    x = torch.tensor(regression.standardised(figures, usual, scale), dtype=torch.float32)
    y = torch.tensor(targets(examples), dtype=torch.float32)
    networks = [fitted(x[learned], y[learned], seed) for seed in range(4)]
    with torch.no_grad():
        errors = [(network(x[learned]) - y[learned]).abs().mean() for network in networks]
        network = networks[int(torch.stack(errors).argmin())]
        found, hidden = network(x), network.hidden(x)
    width = spread(hidden[~learned], (found - y)[~learned].abs())
    report(examples, found.numpy())
    if arguments.write:
        text = json.dumps(coefficients(network, usual, scale, width))
        regression.COEFFICIENTS.write_text(text.replace('], "', '],\n"') + "\n")
        regression.coefficients.cache_clear()


def kept(arguments: argparse.Namespace) -> list[Example]:
    """The examples of an earlier run."""
    if not (arguments.keep and arguments.keep.exists()):
        return []
    with np.load(arguments.keep) as columns:
        return [Example(*row) for row in zip(*columns.values(), strict=True)]


if __name__ == "__main__":
    main()
