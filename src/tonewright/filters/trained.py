"""A trained model in use: sound to numbers, numbers to banks. NumPy alone; JAX is for learning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.errors import RunError, UsageError
from tonewright.filters.bank import Bank
from tonewright.filters.checkpoints import MODEL_FILE
from tonewright.filters.config import Config
from tonewright.filters.knobs import KNOBS_FILE, Knob, load_knobs, nameless
from tonewright.filters.network import Network
from tonewright.filters.spectra import FLOOR_DB, Spectrum, grid_of, heard, sound_spectrum, spectrum_of_file
from tonewright.filters.squashing import squashed
from tonewright.filters.trees import Tree, read_tree
from tonewright.learning.runs import Run, open_run

FARTHEST = 1e3  # numbers that no hand means
_LEAST_POWER = 1e-30


class Encoding(NamedTuple):
    """What a model says of a sound.

    Attributes
    ----------
    z : (latent,) the numbers
    level_db : of the sound, which the numbers leave out
    spectrum : what the model heard
    """

    z: np.ndarray
    level_db: float
    spectrum: Spectrum


class FilterModel:
    """A trained model: hears a sound as a few numbers, and answers numbers with a bank.

    Parameters
    ----------
    config : its settings
    parameters : Flax's tree, ``{"params": …}``
    knobs : what its numbers do; nameless where not given
    source : names the parameters in errors
    """

    def __init__(
        self,
        config: Config,
        parameters: Tree,
        knobs: Sequence[Knob] = (),
        *,
        source: str = "the parameters",
    ) -> None:
        self.config, self.parameters, self.grid = config, parameters, grid_of(config)
        self.network = Network(config, parameters, source)
        self.knobs = tuple(knobs) or nameless(config.latent)

    def encode(self, clip: Clip) -> Encoding:
        """The numbers of a sound of any rate; AudioError where it is silent or not finite."""
        return self.encode_spectrum(sound_spectrum(clip, config=self.config))

    def encode_file(self, path: str | Path) -> Encoding:
        """As `encode`, of a sound file, in memory that does not grow with its length."""
        return self.encode_spectrum(spectrum_of_file(path, self.config))

    def encode_spectrum(self, spectrum: Spectrum) -> Encoding:
        """As `encode`, of a spectrum on the model's grid."""
        return Encoding(self.means(spectrum.magnitude_db[None])[0], spectrum.level_db, spectrum)

    def means(self, magnitude_db: np.ndarray) -> np.ndarray:
        """The numbers of many spectra.

        Parameters
        ----------
        magnitude_db : (sounds, points), levels taken out

        Returns
        -------
        (sounds, latent)
        """
        return self.network.encode(heard(magnitude_db, self.config))[0]

    def bank(self, z: Sequence[float] | np.ndarray, *, level_db: float = 0.0) -> Bank:
        """The bank that numbers stand for.

        Parameters
        ----------
        z : (latent,) finite
        level_db : of its response, as a spectrum's level is measured

        Raises
        ------
        UsageError
            If there are more or fewer numbers than knobs, or one is not finite.
        """
        (bank,) = self._banks(self._numbers(z)[None], level_db)
        return bank

    def decode(self, z: Sequence[float] | np.ndarray) -> Spectrum:
        """The response that numbers stand for, as a sound's spectrum is given; `z` as for `bank`.

        ``level_db`` is that of the bank before: what the network gave.
        """
        raw = self._raw(self._numbers(z)[None])[0]
        magnitude_db, level_db = self._levelled(raw)
        rate = self.config.sample_rate
        return Spectrum(self.grid.frequencies_hz, magnitude_db.astype(np.float32), level_db, rate)

    def decode_db(self, z: np.ndarray) -> np.ndarray:
        """As `decode`, of many: numbers (banks, latent) to levels (banks, points) in dB."""
        return np.stack([self._levelled(bank)[0] for bank in self._raw(np.asarray(z, np.float64))])

    def _numbers(self, z: Sequence[float] | np.ndarray) -> np.ndarray:
        latent = self.config.latent
        try:
            numbers = np.asarray(z, np.float64)
        except (TypeError, ValueError) as error:
            raise UsageError(f"z is {z!r}; it must be {latent} numbers") from error
        if numbers.shape != (latent,):
            raise UsageError(
                f"z has shape {numbers.shape}; this model has {latent} knobs: give {latent} numbers"
            )
        if not (np.abs(numbers) <= FARTHEST).all():  # also where one is NaN
            raise UsageError(f"z is {numbers.tolist()}; its numbers must be finite, at most {FARTHEST:g}")
        return numbers

    def _raw(self, z: np.ndarray) -> list[Bank]:
        """Banks at the level that the network gives them."""
        frequency_hz, q, gain = squashed(self.network.decode(z), self.config)
        return [Bank(*parts, order=self.config.order) for parts in zip(frequency_hz, q, gain, strict=True)]

    def _levelled(self, bank: Bank) -> tuple[np.ndarray, float]:
        """Response on the grid with its level taken out and a floor, as spectra have them, and the level."""
        response = bank.response(self.grid.frequencies_hz, sample_rate=self.config.sample_rate)
        power = np.maximum(np.abs(response) ** 2, _LEAST_POWER)
        highest, linear = power.max(), self.config.spectrum == "linear"
        level_db = 10 * np.log10(highest if linear else self.grid.weights @ power)
        floored = np.maximum(power, highest * 10 ** (-FLOOR_DB / 10))
        return 10 * np.log10(floored) - level_db, float(level_db)

    def _banks(self, z: np.ndarray, level_db: float) -> list[Bank]:
        from dataclasses import replace

        return [replace(bank, level_db=level_db - self._levelled(bank)[1]) for bank in self._raw(z)]


def load(run: Run | str | Path) -> FilterModel:
    """The trained model of a run folder, which may come from anywhere; nothing in it is executed."""
    run = run if isinstance(run, Run) else open_run(run)
    if run.system_name != "filters":
        raise RunError(f"{run.folder}: is a run of '{run.system_name}', not of the filters")
    path = run.folder / MODEL_FILE
    if not path.is_file():
        raise RunError(f"{path}: missing; the training did not finish. Resume it with ckpt_path=last")
    knobs = load_knobs(run.folder / KNOBS_FILE, run.config.system.latent)
    return FilterModel(run.config.system, read_tree(path), knobs, source=str(path))
