"""Every public function on every framework: one answer, one precision, one device, right gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tonewright import dsp

RATE = 8000
FREQUENCIES = np.array([0.0, 50.0, 700.0, 2500.0, 4000.0])


def _noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def _stable(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    b, a = dsp.lowpass(np.array([300.0, 900.0, 2000.0]), np.array([0.6, 1.0, 3.0]), sample_rate=RATE)
    return b + 0.1 * _noise(3, 3, seed=seed), a


@dataclass(frozen=True)
class Case:
    """A function of arrays, with arrays to try it on."""

    call: Callable[..., Any]
    inputs: tuple[np.ndarray, ...]


HZ, QUALITY, GAIN = np.array([80.0, 900.0, 3000.0]), np.array([0.5, 1.0, 4.0]), np.array([-9.0, 3.0, 12.0])
SPECTRUM = _noise(2, 9, 6) + 1j * _noise(2, 9, 6, seed=1)
STFT = {"n_fft": 16, "hop_samples": 4}
MEL = {"sample_rate": RATE, "n_fft": 64, "n_mels": 6}

# Functions of arrays whose derivative is meant.
SMOOTH = {
    "a_weighting_db": Case(dsp.a_weighting_db, (np.array([30.0, 400.0, 1000.0, 9000.0]),)),
    "allpass": Case(lambda f, q: dsp.allpass(f, q, sample_rate=RATE), (HZ, QUALITY)),
    "amplitude_from_db": Case(dsp.amplitude_from_db, (GAIN,)),
    "bandpass": Case(lambda f, q: dsp.bandpass(f, q, sample_rate=RATE), (HZ, QUALITY)),
    "bandpass skirt": Case(
        lambda f, q: dsp.bandpass(f, q, sample_rate=RATE, normalisation="skirt"), (HZ, QUALITY)
    ),
    "db_from_amplitude": Case(dsp.db_from_amplitude, (_noise(2, 5),)),
    "db_from_amplitude of silence": Case(dsp.db_from_amplitude, (np.zeros(3),)),
    "frames": Case(lambda x: dsp.frames(x, frame_length=5, hop_samples=2), (_noise(2, 14),)),
    "frames far apart": Case(lambda x: dsp.frames(x, frame_length=2, hop_samples=3), (_noise(2, 14),)),
    "guarded_norm": Case(lambda x: dsp.guarded_norm(x, axis=-1, epsilon=0.1), (_noise(2, 5),)),
    "guarded_norm of silence": Case(lambda x: dsp.guarded_norm(x, axis=-1, epsilon=0.1), (np.zeros((2, 5)),)),
    "high_shelf": Case(lambda f, q, g: dsp.high_shelf(f, q, g, sample_rate=RATE), (HZ, QUALITY, GAIN)),
    "highpass": Case(lambda f, q: dsp.highpass(f, q, sample_rate=RATE), (HZ, QUALITY)),
    "hz_from_mel": Case(dsp.hz_from_mel, (np.array([1.0, 14.0, 30.0]),)),
    "hz_from_mel htk": Case(lambda m: dsp.hz_from_mel(m, scale="htk"), (np.array([1.0, 140.0, 3000.0]),)),
    "integrated_loudness": Case(lambda x: dsp.integrated_loudness(x, sample_rate=RATE), (_noise(2, 4200),)),
    "integrated_loudness of a moment": Case(
        lambda x: dsp.integrated_loudness(x, sample_rate=RATE), (_noise(2, 40),)
    ),
    "integrated_loudness, uneven steps": Case(
        lambda x: dsp.integrated_loudness(x, sample_rate=4003), (_noise(1, 2100),)
    ),
    "istft": Case(lambda s: dsp.istft(s, **STFT, length=19), (SPECTRUM,)),
    "left_right": Case(dsp.left_right, (_noise(3, 2, 4),)),
    "log_magnitude": Case(dsp.log_magnitude, (_noise(2, 5),)),
    "log_magnitude of a spectrum": Case(dsp.log_magnitude, (SPECTRUM,)),
    "low_shelf": Case(lambda f, q, g: dsp.low_shelf(f, q, g, sample_rate=RATE), (HZ, QUALITY, GAIN)),
    "lowpass": Case(lambda f, q: dsp.lowpass(f, q, sample_rate=RATE), (HZ, QUALITY)),
    "mel_from_hz": Case(dsp.mel_from_hz, (np.array([10.0, 400.0, 3000.0]),)),
    "mel_from_hz htk": Case(lambda f: dsp.mel_from_hz(f, scale="htk"), (np.array([10.0, 400.0, 3000.0]),)),
    "mel_spectrogram": Case(lambda x: dsp.mel_spectrogram(x, **MEL, hop_samples=16), (_noise(2, 70),)),
    "mel_spectrogram of energy": Case(
        lambda x: dsp.mel_spectrogram(x, **MEL, hop_samples=16, power=2), (_noise(2, 70),)
    ),
    "mid_side": Case(dsp.mid_side, (_noise(3, 2, 4),)),
    "notch": Case(lambda f, q: dsp.notch(f, q, sample_rate=RATE), (HZ, QUALITY)),
    "overlap_add": Case(lambda x: dsp.overlap_add(x, hop_samples=2), (_noise(2, 4, 5),)),
    "pad_last": Case(lambda x: dsp.pad_last(x, 2, 3), (_noise(2, 5),)),
    "pad_last reflect": Case(lambda x: dsp.pad_last(x, 7, 12, mode="reflect"), (_noise(2, 5),)),
    "parallel_response": Case(
        lambda b, a, g: dsp.parallel_response(b, a, g, dsp.array.as_like(FREQUENCIES, b), sample_rate=RATE),
        (*_stable(), _noise(3)),
    ),
    "peak": Case(dsp.peak, (_noise(2, 9),)),
    "peaking": Case(lambda f, q, g: dsp.peaking(f, q, g, sample_rate=RATE), (HZ, QUALITY, GAIN)),
    "Range linear": Case(lambda u: dsp.GAIN_DB.to_unit(dsp.GAIN_DB.from_unit(u) ** 2), (_noise(4),)),
    "Range log": Case(lambda u: dsp.FREQUENCY.to_unit(dsp.FREQUENCY.from_unit(u) + 100.0), (_noise(4),)),
    "response": Case(
        lambda b, a, f: dsp.response(b, a, f, sample_rate=RATE),
        (*_stable(), FREQUENCIES + np.arange(1.0, 6.0)),
    ),
    "rms": Case(dsp.rms, (_noise(2, 9),)),
    "series_response": Case(
        lambda b, a, f: dsp.series_response(b, a, f, sample_rate=RATE), (*_stable(), FREQUENCIES)
    ),
    "stft": Case(lambda x: dsp.stft(x, **STFT), (_noise(2, 21),)),
    "stft, reflected, short window": Case(
        lambda x: dsp.stft(x, n_fft=16, hop_samples=3, window_length=10, padding="reflect"), (_noise(2, 5),)
    ),
    "stft, not centred": Case(lambda x: dsp.stft(x, **STFT, centered=False), (_noise(2, 21),)),
    "true_peak": Case(lambda x: dsp.true_peak(x, sample_rate=48_000), (_noise(2, 30),)),
    "true_peak at 96 kHz": Case(lambda x: dsp.true_peak(x, sample_rate=96_000), (_noise(2, 100),)),
}
# The rest: constants, answers of yes or no, things that are not functions of arrays.
OTHERS = {"is_stable", "mel_filterbank", "namespace", "window", "FREQUENCY", "GAIN_DB", "Q", "SECONDS"}

everywhere = pytest.mark.parametrize("case", SMOOTH.values(), ids=SMOOTH.keys())


def _outputs(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def _cast(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return values.astype(np.result_type(dtype, np.complex64) if np.iscomplexobj(values) else dtype)


def _close(actual: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    scale = np.max(np.abs(expected))
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance * max(scale, 1e-3))


def test_every_public_name_has_a_case() -> None:
    assert {name.split()[0].rstrip(",") for name in SMOOTH} | OTHERS == set(dsp.__all__)


# JAX is left to the traced test below: eagerly it would compile every operation for every shape.
@pytest.mark.parametrize("framework", ["numpy", "torch", "strict"], indirect=True)
@everywhere
def test_answer_is_the_same_everywhere(case: Case, framework: Any, precision: Any) -> None:
    dtype, tolerance = precision
    expected = _outputs(case.call(*case.inputs))
    arrays = [framework.array(_cast(values, dtype)) for values in case.inputs]
    for actual, reference in zip(_outputs(case.call(*arrays)), expected, strict=True):
        assert type(actual) is type(arrays[0]) or isinstance(actual, np.generic)
        actual = framework.numpy(actual)
        assert actual.dtype == _cast(reference, dtype).dtype
        _close(actual, reference, tolerance * (5 if dtype == np.float32 else 1))


@everywhere
def test_constants_follow_the_device(case: Case) -> None:
    torch = pytest.importorskip("torch")
    arrays = [torch.tensor(values, device="meta") for values in case.inputs]
    expected = _outputs(case.call(*case.inputs))
    for actual, reference in zip(_outputs(case.call(*arrays)), expected, strict=True):
        assert actual.device.type == "meta"
        assert tuple(actual.shape) == reference.shape


@everywhere
def test_numbers_need_not_be_known_in_advance(case: Case) -> None:
    jax = pytest.importorskip("jax")
    expected = _outputs(case.call(*case.inputs))
    traced = _outputs(jax.jit(jax.vmap(case.call))(*(values[None] for values in case.inputs)))
    for actual, reference in zip(traced, expected, strict=True):
        _close(np.asarray(actual)[0], reference, 1e-9)
    singles = [jax.numpy.asarray(_cast(values, np.dtype(np.float32))) for values in case.inputs]
    for actual, reference in zip(_outputs(jax.eval_shape(case.call, *singles)), expected, strict=True):
        assert (actual.shape, actual.dtype) == (reference.shape, _cast(reference, np.dtype(np.float32)).dtype)


@everywhere
def test_gradient_in_torch(case: Case) -> None:
    torch = pytest.importorskip("torch")
    arrays = [torch.tensor(values, requires_grad=True) for values in case.inputs]
    fast = sum(values.size for values in case.inputs) > 20
    assert torch.autograd.gradcheck(case.call, arrays, fast_mode=fast, eps=1e-6, atol=1e-5, rtol=1e-4)


@everywhere
def test_gradient_in_jax(case: Case) -> None:
    jax = pytest.importorskip("jax")
    from jax.test_util import check_grads

    # Complex inputs are given as pairs: real differences say all there is to say.
    complex_inputs = [np.iscomplexobj(values) for values in case.inputs]

    def call(*parts: Any) -> tuple[Any, ...]:
        remaining = iter(parts)
        arrays = [
            next(remaining) + 1j * next(remaining) if pair else next(remaining) for pair in complex_inputs
        ]
        outputs = _outputs(case.call(*arrays))
        return tuple(part for output in outputs for part in (output.real, output.imag))

    parts: list[np.ndarray] = []
    for values, pair in zip(case.inputs, complex_inputs, strict=True):
        parts += [values.real, values.imag] if pair else [values]
    check_grads(jax.jit(call), tuple(parts), order=1, modes=["rev"], eps=1e-6, atol=1e-4, rtol=1e-4)
