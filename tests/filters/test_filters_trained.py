"""Trained filters in use: the same numbers as Flax's, sound through its own bank, strangers' files."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from flax import serialization
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tonewright.audio.files import Clip
from tonewright.errors import AudioError, RunError, UsageError
from tonewright.filters.config import Config
from tonewright.filters.model import ParametricVAE
from tonewright.filters.network import Network, expected
from tonewright.filters.reconstruct import process_clip
from tonewright.filters.spectra import FLOOR_DB, log_spectral_distance
from tonewright.filters.squashing import squashed
from tonewright.filters.trained import FilterModel, load
from tonewright.filters.training import example, weights
from tonewright.filters.trees import leaves
from tonewright.learning.runs import Run
from tonewright.timbre.loudness import loudness

CONFIGS = {
    "default": Config(),
    "classic": Config(
        encoder="convolutional", spectrum="linear", n_fft=1024, signed=False, initialiser="flax"
    ),
    "odd": Config(encoder="convolutional", points=33, latent=5, filters=7),
    "shallow": Config(blocks=0, width=9, order=2),
}


def random_parameters(config: Config, seed: int = 0) -> Any:
    """Parameters as training might leave them: no bias is zero."""
    generator = np.random.default_rng(seed)
    return jax.tree.map(
        lambda part: (generator.standard_normal(part.shape) / max(part.shape[:-1], default=1) ** 0.5).astype(
            np.float32
        ),
        expected(config),
    )


@pytest.fixture(scope="module")
def model(learned_filters: Run) -> FilterModel:
    return load(learned_filters)


@pytest.mark.parametrize("name", CONFIGS)
def test_numpy_says_what_flax_says(name: str) -> None:
    config = CONFIGS[name]
    parameters, vae = random_parameters(config), ParametricVAE(config)
    network = Network(config, parameters)
    heard = np.random.default_rng(1).normal(0, 10, (5, config.size)).astype(np.float32)
    answer: Any = vae.apply(parameters, heard)
    mean, log_variance = network.encode(heard)
    np.testing.assert_allclose(mean, answer.mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(log_variance, answer.log_variance, rtol=1e-5, atol=1e-5)
    z = np.random.default_rng(2).standard_normal((5, config.latent)).astype(np.float32)
    theirs: Any = vae.apply(parameters, z, method="decode")
    for ours, their in zip(squashed(network.decode(z), config), theirs, strict=True):
        np.testing.assert_allclose(ours, their, rtol=1e-5, atol=1e-5 * np.abs(their).max())


def test_the_expected_tree_is_that_of_flax() -> None:
    for config in CONFIGS.values():
        made = jax.eval_shape(ParametricVAE(config).init, jax.random.key(0), jnp.zeros((1, config.size)))
        ours, theirs = dict(leaves(expected(config))), dict(leaves(made))
        assert {name: part.shape for name, part in ours.items()} == {
            name: part.shape for name, part in theirs.items()
        }


class PlainDecoder(nn.Module):
    """The decoder as anybody could write it from the documentation."""

    width: int
    outputs: int

    @nn.compact
    def __call__(self, z: jax.Array) -> jax.Array:
        x = nn.Dense(self.width)(z)
        inner = nn.Dense(self.width)(nn.silu(x))
        x = x + nn.Dense(self.width)(nn.silu(inner))
        return nn.Dense(self.outputs)(nn.silu(x))


@pytest.mark.parametrize("place", ["model.msgpack", "checkpoints/model.msgpack"])
def test_plain_flax_reads_the_parameters(place: str, learned_filters: Run, model: FilterModel) -> None:
    config = model.config
    content = (learned_filters.folder / place).read_bytes()
    plain = PlainDecoder(config.width, 3 * config.filters)
    z = np.array([[0.3, -1.0, 0.5, 1.2]], np.float32)
    template = plain.init(jax.random.key(0), z)["params"]
    stored = serialization.msgpack_restore(content)["params"]["decoder"]
    raw = plain.apply({"params": serialization.from_state_dict(template, stored)}, z)
    frequency_hz, q, gain = squashed(np.asarray(raw, np.float64).reshape(3, -1), config)
    bank = model.bank(z[0])
    np.testing.assert_allclose(bank.frequency_hz, frequency_hz, rtol=1e-5)
    np.testing.assert_allclose(bank.q, q, rtol=1e-5)
    np.testing.assert_allclose(bank.gain, gain, rtol=1e-4)
    # And with the system's own module, from a template.
    variables = ParametricVAE(config).init(jax.random.key(0), np.zeros((1, config.size), np.float32))
    restored = serialization.from_bytes(variables, content)
    assert dict(leaves(restored)).keys() == weights(learned_filters).keys()


@settings(deadline=None, max_examples=40)
@given(arrays.arrays(np.float64, 4, elements=st.floats(-4, 4)), st.floats(-60, 20))
def test_any_numbers_are_a_stable_bank_of_the_level_asked_for(z: np.ndarray, level_db: float) -> None:
    config = Config(width=16, blocks=1)
    model = FilterModel(config, random_parameters(config))
    bank = model.bank(z, level_db=level_db)
    poles = [np.roots(row[3:]) for row in bank.to_sos()]
    assert np.abs(np.concatenate(poles)).max() < 1
    achieved_db = bank.magnitude_db(model.grid.frequencies_hz)
    # The level of a spectrum is its mean power over the grid.
    assert 10 * np.log10(model.grid.weights @ 10 ** (achieved_db / 10)) == pytest.approx(level_db, abs=1e-6)
    # Given as spectra are, which have a floor.
    floored_db = np.maximum(achieved_db, achieved_db.max() - FLOOR_DB)
    np.testing.assert_allclose(model.decode(z).magnitude_db + level_db, floored_db, atol=1e-4)


@pytest.mark.parametrize(
    "z",
    [
        [1.0],
        [0.0] * 5,
        [[0.0] * 4],
        [],
        [0.0, np.nan, 0.0, 0.0],
        [np.inf, 0, 0, 0],
        "abcd",
        [1e9, 0, 0, 0],
        None,
    ],
)
def test_numbers_that_are_none_are_refused(z: Any, model: FilterModel) -> None:
    for asked in (model.bank, model.decode):
        with pytest.raises(UsageError, match=r"^z .*(4 numbers|finite)") as error:
            asked(z)
        assert "\n" not in str(error.value)


def test_level_is_taken_out_and_given_back(model: FilterModel, band_noise: Callable[..., Clip]) -> None:
    loud = band_noise(1000.0, seed=5)
    quiet = Clip(loud.samples * np.float32(0.1), loud.sample_rate)
    first, second = model.encode(loud), model.encode(quiet)
    np.testing.assert_allclose(first.z, second.z, atol=1e-4)
    assert first.level_db - second.level_db == pytest.approx(20, abs=0.01)
    bank = model.bank(first.z, level_db=first.level_db)
    measured_db = first.spectrum.magnitude_db + first.level_db
    difference = log_spectral_distance(bank.magnitude_db(model.grid.frequencies_hz), measured_db)
    assert difference < 6


@pytest.mark.parametrize("rate", [44100, 16000])
def test_noise_through_its_own_bank_keeps_loudness_and_colour(rate: int, model: FilterModel) -> None:
    generator = np.random.default_rng(0)
    clip = Clip(0.1 * generator.standard_normal((2, 2 * rate)), rate)
    made = process_clip(model, clip)
    before, after = (
        loudness(np.ascontiguousarray(sound.samples, np.float64), sample_rate=rate) for sound in (clip, made)
    )
    assert after == pytest.approx(before, abs=0.05)
    assert np.abs(made.samples - clip.samples).max() > 0.01


def test_what_has_no_spectrum_comes_back_as_it_is(model: FilterModel) -> None:
    for samples in (np.zeros((2, 0)), np.zeros((1, 1)), np.zeros((2, 500)), np.full((1, 4000), 0.3)):
        clip = Clip(samples, 44100)
        assert np.array_equal(process_clip(model, clip).samples, clip.samples)
        with pytest.raises(AudioError):
            model.encode(clip)


def test_an_example_has_both_sounds_and_a_distance(
    model: FilterModel, band_noise: Callable[..., Clip]
) -> None:
    sounds, numbers = example(model, band_noise(700.0, seed=2))
    assert list(sounds) == ["original", "through its own bank"]
    assert 0 < numbers["distance_db"] < 6


def test_use_loads_neither_jax_nor_torch(learned_filters: Run, tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np\n"
        "import tonewright.filters as filters\n"
        "assert not {'jax', 'torch', 'numba', 'matplotlib'} & set(sys.modules)\n"
        "from tonewright.audio.files import Clip\n"
        "model = filters.load(sys.argv[1])\n"
        "z = model.encode(Clip(np.random.default_rng(0).standard_normal((1, 9000)), 44100)).z\n"
        "model.decode(z); model.bank(z).to_sos()\n"
        "from tonewright.learning.registry import load_system\n"
        "load_system('filters')\n"
        "print(sorted({'jax', 'flax', 'optax', 'torch', 'lightning', 'numba'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(learned_filters.folder)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


def copied(run: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run.folder, tmp_path / "copy", dirs_exist_ok=True))


def test_a_model_of_other_shapes_is_refused(learned_filters: Run, model: FilterModel, tmp_path: Path) -> None:
    folder = copied(learned_filters, tmp_path)
    strange = {
        "another width": random_parameters(dataclasses.replace(model.config, width=8)),
        "another kind": random_parameters(CONFIGS["classic"]),
        "no parameters": {"params": {}},
        "numbers for arrays": {"params": {"encoder": 1, "decoder": 2}},
        "nothing": {},
    }
    for parameters in strange.values():
        (folder / "model.msgpack").write_bytes(serialization.msgpack_serialize(parameters))
        with pytest.raises(RunError, match=r"model\.msgpack: does not fit config\.yaml") as error:
            load(folder)
        assert "\n" not in str(error.value)
    broken = jax.tree.map(np.copy, model.parameters)
    broken["params"]["decoder"]["Dense_0"]["bias"][3] = np.nan
    (folder / "model.msgpack").write_bytes(serialization.msgpack_serialize(broken))
    with pytest.raises(RunError, match=r"model\.msgpack: holds NaN"):
        load(folder)
    (folder / "model.msgpack").write_bytes(b"\x80\x04cos\nsystem\n(S'echo'\ntR.")
    with pytest.raises(RunError, match=r"model\.msgpack"):
        load(folder)
    (folder / "model.msgpack").unlink()
    with pytest.raises(RunError, match="did not finish"):
        load(folder)


def test_a_run_of_another_system_is_refused(learned_filters: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such run folder"):
        load(tmp_path / "gone")
    folder = copied(learned_filters, tmp_path)
    other = dataclasses.replace(learned_filters.config, system_name="codec")
    with pytest.raises(RunError, match="is a run of 'codec', not of the filters"):
        load(Run(folder, other))
