"""What holds of every loss: its gradient, its precision, silence, any length, clear refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.errors import NetworkError
from tonewright.reverb import losses
from tonewright.reverb.losses import Loss

RATE = 8000.0
OTHER: Any = "loud"
WINDOWS: dict[str, Any] = {"windows": (32, 64)}

OF_TIME: dict[str, Callable[[np.ndarray], Loss]] = {
    "spectrogram": lambda target: losses.spectrogram_loss(target, **WINDOWS, sample_rate=RATE),
    "spectrogram uneven": lambda target: losses.spectrogram_loss(
        target, **WINDOWS, bins="peer", sample_rate=RATE
    ),
    "spectrogram of any length": lambda target: losses.spectrogram_loss(
        target, windows=(30, 41), scaling="peer", sample_rate=RATE
    ),
    "spectrogram as the peer": lambda target: losses.spectrogram_loss(
        target, **WINDOWS, scaling="peer", bins="peer", sample_rate=RATE
    ),
    "mel": lambda target: losses.mel_loss(target, **WINDOWS, sample_rate=RATE),
    "mel as the peer": lambda target: losses.mel_loss(
        target, **WINDOWS, bands=(6, 9), scaling="peer", bins="peer", sample_rate=RATE
    ),
    "octaves": lambda target: losses.decay_relief_loss(target, window=64, sample_rate=RATE),
    "thirds": lambda target: losses.decay_relief_loss(target, window=128, bands="third", sample_rate=RATE),
    "mel decay": lambda target: losses.decay_relief_loss(target, window=128, bands="mel", sample_rate=RATE),
    "energy": lambda target: losses.energy_decay_loss(target),
    "density": lambda target: losses.echo_density_loss(target, sample_rate=RATE),
}
OF_SPECTRA: dict[str, Callable[[np.ndarray], Loss]] = {
    "flat": lambda target: losses.colorless_loss(),
    "log magnitude": lambda target: losses.log_magnitude_loss(target),
    "third octaves": lambda target: losses.log_magnitude_loss(target, per_octave=3, sample_rate=RATE),
    "colour": lambda target: losses.colouration_loss(),
    "colour of octaves": lambda target: losses.colouration_loss(per_octave=1, sample_rate=RATE),
    "modes": lambda target: losses.modal_loss(),
    "peaks": lambda target: losses.modal_loss(measure="peaks"),
}


def decaying(shape: tuple[int, ...], seed: int, samples: float = 150.0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(shape)
    return noise * np.exp(-np.arange(shape[0]) / samples).reshape(-1, *[1] * (len(shape) - 1))


def spectrum(shape: tuple[int, ...], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def assert_gradient(loss: Loss, y: np.ndarray, *, step: float = 1e-6, tolerance: float = 1e-5) -> None:
    """The gradient gives the slope along random directions."""
    value, gradient = loss.value_and_gradient(y)
    assert isinstance(value, float)
    assert gradient.shape == y.shape
    assert gradient.dtype == y.dtype
    size = np.linalg.norm(y) / np.sqrt(y.size)
    for seed in range(3):
        direction = np.random.default_rng(seed).standard_normal(y.shape) * size
        if np.iscomplexobj(y):
            direction = direction + 1j * np.random.default_rng(seed + 10).standard_normal(y.shape) * size
        above, _ = loss.value_and_gradient(y + step * direction)
        below, _ = loss.value_and_gradient(y - step * direction)
        slope = float(np.real(np.vdot(gradient, direction)))
        scale = np.linalg.norm(gradient) * np.linalg.norm(direction) / np.sqrt(y.size)
        assert (above - below) / (2 * step) == pytest.approx(slope, rel=tolerance, abs=tolerance * scale)


@pytest.mark.parametrize("name", OF_TIME)
@pytest.mark.parametrize("shape", [(700, 1, 1), (351, 2, 2)])
def test_gradients_of_losses_of_the_response(name: str, shape: tuple[int, ...]) -> None:
    loss = OF_TIME[name](decaying(shape, 1, 100.0))
    assert loss.domain == "time"
    assert_gradient(loss, decaying(shape, 2))


@pytest.mark.parametrize("name", OF_SPECTRA)
@pytest.mark.parametrize("shape", [(129, 1, 1), (65, 2, 3)])
def test_gradients_of_losses_of_the_spectrum(name: str, shape: tuple[int, ...]) -> None:
    loss = OF_SPECTRA[name](spectrum(shape, 1))
    assert loss.domain == "spectrum"
    assert_gradient(loss, spectrum(shape, 2))


def test_gradient_of_echo_density_without_a_target() -> None:
    assert_gradient(losses.echo_density_loss(sample_rate=RATE), decaying((700, 2, 1), 3))


@pytest.mark.parametrize("lines", [1, 2, 5])
def test_gradient_of_sparsity(lines: int) -> None:
    loss = losses.sparsity_loss()
    assert loss.domain == "feedback"
    assert_gradient(loss, np.random.default_rng(lines).standard_normal((lines, lines)))


@pytest.mark.parametrize("name", OF_TIME)
def test_single_precision_is_near_double(name: str) -> None:
    loss = OF_TIME[name](decaying((1200, 1, 1), 1))
    y = decaying((1200, 1, 1), 2)
    value, gradient = loss.value_and_gradient(y)
    single_value, single_gradient = loss.value_and_gradient(y.astype(np.float32))
    assert single_value == pytest.approx(value, rel=2e-6)
    assert single_gradient.dtype == np.float32
    assert np.linalg.norm(single_gradient - gradient) < 1e-4 * np.linalg.norm(gradient)


@pytest.mark.parametrize("name", OF_SPECTRA)
def test_single_precision_spectra(name: str) -> None:
    loss = OF_SPECTRA[name](spectrum((65, 1, 1), 1))
    y = spectrum((65, 1, 1), 2)
    value, gradient = loss.value_and_gradient(y)
    single_value, single_gradient = loss.value_and_gradient(y.astype(np.complex64))
    assert single_value == pytest.approx(value, rel=1e-5)
    assert single_gradient.dtype == np.complex64
    np.testing.assert_allclose(single_gradient, gradient, atol=1e-5 * np.abs(gradient).max())


@pytest.mark.parametrize("name", OF_TIME)
def test_nothing_is_lost_at_the_target(name: str) -> None:
    target = decaying((700, 2, 1), 1)
    value, gradient = OF_TIME[name](target).value_and_gradient(target)
    assert value == pytest.approx(0.0, abs=1e-12)
    assert np.abs(gradient).max() < 1e-6


@pytest.mark.parametrize("name", OF_TIME)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_silence_has_a_value_and_a_gradient(name: str, dtype: type) -> None:
    sound, silence = decaying((300, 1, 1), 1).astype(dtype), np.zeros((300, 1, 1), dtype)
    for target, y in ((sound, silence), (silence, sound), (silence, silence)):
        value, gradient = OF_TIME[name](target).value_and_gradient(y)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", OF_SPECTRA)
def test_a_spectrum_of_zeros_has_a_value_and_a_gradient(name: str) -> None:
    nothing = np.zeros((33, 1, 1), np.complex128)
    for target in (nothing, spectrum((33, 1, 1), 1)):
        value, gradient = OF_SPECTRA[name](target).value_and_gradient(nothing)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


@settings(max_examples=25, deadline=None)
@given(time=st.integers(1, 200), channels=st.integers(1, 3), name=st.sampled_from(sorted(OF_TIME)))
def test_any_length(time: int, channels: int, name: str) -> None:
    loss = OF_TIME[name](decaying((time, channels, 1), 1))
    y = decaying((time, channels, 1), 2)
    if time > 3:
        assert_gradient(loss, y, tolerance=1e-4)
    value, gradient = loss.value_and_gradient(y)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", ["spectrogram", "mel", "octaves", "energy"])
def test_a_target_may_have_fewer_axes(name: str) -> None:
    target, y = decaying((300,), 1), decaying((300,), 2)
    value, gradient = OF_TIME[name](target).value_and_gradient(y)
    same, _ = OF_TIME[name](target[:, None, None]).value_and_gradient(y[:, None, None])
    assert value == same
    assert gradient.shape == y.shape


@pytest.mark.parametrize("name", OF_TIME)
def test_a_loss_gives_the_same_twice(name: str) -> None:
    loss = OF_TIME[name](decaying((400, 1, 1), 1))
    y = decaying((400, 1, 1), 2)
    first_value, first = loss.value_and_gradient(y)
    kept = first.copy()
    loss.value_and_gradient(2 * y)
    second_value, second = loss.value_and_gradient(y)
    assert first_value == second_value
    np.testing.assert_array_equal(second, kept)
    np.testing.assert_array_equal(first, kept)


def test_names_are_those_of_the_log() -> None:
    target = decaying((64, 1, 1), 1)
    found = [
        loss.name
        for loss in (
            losses.colorless_loss(),
            losses.spectrogram_loss(target),
            losses.mel_loss(target),
            losses.sparsity_loss(),
        )
    ]
    assert found == ["mse_loss", "mss_loss", "mel_mss_loss", "_ColorlessSparsity"]
    assert isinstance(losses.modal_loss(), Loss)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: losses.spectrogram_loss(np.zeros((2, 2, 2, 2))), "target has shape"),
        (lambda: losses.spectrogram_loss(np.zeros(0)), "target has shape"),
        (lambda: losses.mel_loss(np.full(9, np.nan)), "not finite"),
        (lambda: losses.spectrogram_loss(np.ones(9), scaling=OTHER), "scaling"),
        (lambda: losses.spectrogram_loss(np.ones(9), bins=OTHER), "bins"),
        (lambda: losses.spectrogram_loss(np.ones(9), windows=()), "windows"),
        (lambda: losses.spectrogram_loss(np.ones(9), windows=(2,)), "windows"),
        (lambda: losses.spectrogram_loss(np.ones(9), sample_rate=0), "sample_rate"),
        (lambda: losses.mel_loss(np.ones(9), bands=(4,)), "mel bands"),
        (lambda: losses.decay_relief_loss(np.ones(9), bands="half"), "bands"),
        (lambda: losses.echo_density_loss(window_s=-1), "window_s"),
        (lambda: losses.log_magnitude_loss(np.full(5, np.inf)), "finite"),
        (lambda: losses.log_magnitude_loss(np.ones(5), per_octave=0), "per_octave"),
        (lambda: losses.modal_loss(measure="all"), "measure"),
        (lambda: losses.spectrogram_loss(np.ones(9)).value_and_gradient(np.ones(8)), "make them equal"),
        (lambda: losses.colorless_loss().value_and_gradient(np.ones(8)), "bins, outputs, inputs"),
        (lambda: losses.sparsity_loss().value_and_gradient(np.ones((2, 3))), "square"),
        (
            lambda: losses.log_magnitude_loss(np.ones(5)).value_and_gradient(np.ones((4, 1, 1))),
            "spectrum has shape",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_line(make: Callable[[], object], words: str) -> None:
    with pytest.raises(NetworkError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)
