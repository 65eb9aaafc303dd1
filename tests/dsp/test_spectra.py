from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.dsp.spectra import frame_count, istft, log_magnitude, mel_spectrogram, stft, window
from tonewright.errors import UsageError

WINDOWS = ["boxcar", "hann", "hamming", "blackman", "blackmanharris", "cosine"]


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("length", [1, 2, 15, 64])
@pytest.mark.parametrize("periodic", [True, False])
def test_windows_are_scipys(name: str, length: int, periodic: bool) -> None:
    from scipy.signal import get_window

    expected = get_window(name, length, fftbins=periodic)
    np.testing.assert_allclose(window(name, length, periodic=periodic), expected, atol=1e-12)


def test_windows_that_are_not() -> None:
    with pytest.raises(UsageError, match="did you mean hann"):
        window("han", 8)
    with pytest.raises(UsageError, match="at least 1"):
        window("hann", 0)
    with pytest.raises(UsageError, match="window_length 9"):
        stft(np.zeros(20), n_fft=8, hop_samples=2, window_length=9)


def test_a_window_is_the_callers_own() -> None:
    window("hann", 8)[:] = 7
    assert window("hann", 8)[0] == 0


@pytest.mark.parametrize("padding", ["constant", "reflect"])
@pytest.mark.parametrize(("n_fft", "hop", "window_length"), [(512, 128, None), (400, 160, 300), (64, 48, 64)])
def test_stft_is_librosas(
    padding: str, n_fft: int, hop: int, window_length: int | None, framework: Any, precision: Any
) -> None:
    librosa = pytest.importorskip("librosa")
    dtype, tolerance = precision
    x = np.random.default_rng(0).normal(size=(2, 3001))
    expected = librosa.stft(
        x, n_fft=n_fft, hop_length=hop, win_length=window_length, pad_mode=padding, dtype=np.complex128
    )
    settings = {"n_fft": n_fft, "hop_samples": hop, "window_length": window_length, "padding": padding}
    array = framework.array(x.astype(dtype))
    same = framework.numpy(stft(array, **settings, complete=False))
    scale = np.abs(expected).max()
    np.testing.assert_allclose(same, expected, rtol=tolerance, atol=tolerance * scale)
    longer = framework.numpy(stft(array, **settings))
    assert longer.shape[-1] == expected.shape[-1] + 1
    np.testing.assert_allclose(longer[..., :-1], expected, rtol=tolerance, atol=tolerance * scale)


def test_stft_is_scipys() -> None:
    from scipy.signal import ShortTimeFFT

    x = np.random.default_rng(0).normal(size=(2, 1000))
    transform = ShortTimeFFT(window("blackman", 96), hop=32, fs=1.0, phase_shift=-48)
    expected = transform.stft(x, p0=0, p1=32)
    actual = stft(x, n_fft=96, hop_samples=32, window_name="blackman")
    np.testing.assert_allclose(actual[..., :32], expected, atol=1e-9)


def test_frames_that_are_not_centred_begin_where_they_are() -> None:
    x = np.random.default_rng(0).normal(size=100)
    spectrum = stft(x, n_fft=16, hop_samples=5, window_name="boxcar", centered=False)
    for frame in (0, 3, 16):
        expected = np.fft.rfft(x[5 * frame : 5 * frame + 16])
        np.testing.assert_allclose(spectrum[:, frame], expected, atol=1e-12)


def test_stft_of_many_frames_is_that_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    from tonewright.dsp import spectra

    x = np.random.default_rng(0).normal(size=(3, 5000))
    whole = stft(x, n_fft=64, hop_samples=16)
    monkeypatch.setattr(spectra, "_SAMPLES_PER_PIECE", 500)
    np.testing.assert_array_equal(stft(x, n_fft=64, hop_samples=16), whole)


overlapping = st.tuples(st.integers(4, 40), st.floats(0.05, 0.5)).map(
    lambda t: (t[0], max(int(t[0] * t[1]), 1))
)


@settings(deadline=None, max_examples=150)
@given(
    sizes=overlapping,
    length=st.integers(0, 130),
    name=st.sampled_from(WINDOWS),
    reflect=st.booleans(),
)
def test_every_sound_comes_back(sizes: tuple[int, int], length: int, name: str, reflect: bool) -> None:
    n_fft, hop = sizes
    x = np.random.default_rng(length).normal(size=(2, length))
    kind = {"n_fft": n_fft, "hop_samples": hop, "window_name": name}
    padding = "reflect" if reflect and length else "constant"
    spectrum = stft(x, **kind, padding=padding)
    assert spectrum.shape == (2, n_fft // 2 + 1, frame_count(length, n_fft=n_fft, hop_samples=hop))
    np.testing.assert_allclose(istft(spectrum, **kind, length=length), x, atol=1e-12)
    single = stft(x.astype(np.float32), **kind, padding=padding)
    assert single.dtype == np.complex64
    back = istft(single, **kind, length=length)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, x, atol=2e-6)


@pytest.mark.parametrize("length", [1023, 5000])
@pytest.mark.parametrize("hop", [512, 1024])
def test_long_windows_come_back(length: int, hop: int, framework: Any) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, size=(1, length))
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-6)):
        spectrum = stft(framework.array(x.astype(dtype)), n_fft=2048, hop_samples=hop)
        back = framework.numpy(istft(spectrum, n_fft=2048, hop_samples=hop, length=length))
        np.testing.assert_allclose(back, x, atol=tolerance)


def test_inverse_is_librosas() -> None:
    librosa = pytest.importorskip("librosa")
    rng = np.random.default_rng(0)
    # No sound has this spectrum: the nearest one is asked for.
    spectrum = rng.normal(size=(2, 65, 40)) + 1j * rng.normal(size=(2, 65, 40))
    expected = librosa.istft(spectrum, n_fft=128, hop_length=32, win_length=100, dtype=np.float64)
    actual = istft(spectrum, n_fft=128, hop_samples=32, window_length=100)
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


def test_frames_that_are_not_centred_come_back_where_a_window_reached() -> None:
    x = np.random.default_rng(0).normal(size=200)
    kind = {"n_fft": 32, "hop_samples": 8, "centered": False}
    back = istft(stft(x, **kind), **kind, length=210)
    assert back[0] == 0
    np.testing.assert_allclose(back[1:200], x[1:], atol=1e-9)
    np.testing.assert_allclose(back[200:], 0, atol=1e-9)


def test_inverse_refuses_what_cannot_be_inverted() -> None:
    x = np.ones(100)
    with pytest.raises(UsageError, match="hop_samples=16 leaves"):
        istft(stft(x, n_fft=16, hop_samples=16), n_fft=16, hop_samples=16)
    with pytest.raises(UsageError, match="9 bins"):
        istft(stft(x, n_fft=16, hop_samples=4), n_fft=32, hop_samples=4)


def test_a_sine_stands_in_its_bin() -> None:
    # 1000 Hz at 8000 Hz is bin 32 of 256; a periodic hann window of 256 sums to 128.
    sine = np.cos(2 * np.pi * 1000 * np.arange(8000) / 8000)
    magnitude = np.abs(stft(sine, n_fft=256, hop_samples=64))[:, 10:-10]
    assert (np.argmax(magnitude, axis=0) == 32).all()
    np.testing.assert_allclose(magnitude[32], 64.0, rtol=1e-9)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_mel_spectrogram_is_librosas(power: int, scale: str, framework: Any, precision: Any) -> None:
    librosa = pytest.importorskip("librosa")
    dtype, tolerance = precision
    x = np.random.default_rng(0).normal(size=(2, 4096))
    bands = librosa.filters.mel(
        sr=22_050, n_fft=1024, n_mels=40, fmax=8000, htk=scale == "htk", dtype=np.float64
    )
    expected = bands @ np.abs(librosa.stft(x, n_fft=1024, hop_length=256, dtype=np.complex128)) ** power
    settings = {
        "n_fft": 1024,
        "hop_samples": 256,
        "n_mels": 40,
        "high_hz": 8000,
        "scale": scale,
        "power": power,
    }
    actual = mel_spectrogram(framework.array(x.astype(dtype)), sample_rate=22_050, **settings)
    np.testing.assert_allclose(framework.numpy(actual), expected, rtol=tolerance)


def test_mel_spectrogram_has_two_powers() -> None:
    with pytest.raises(UsageError, match="power 3"):
        mel_spectrogram(np.zeros(64), sample_rate=8000, n_fft=32, hop_samples=8, n_mels=4, power=3)


def test_log_magnitude() -> None:
    values = log_magnitude(np.array([0.0, 3 + 4j]), epsilon=1e-3)
    np.testing.assert_allclose(values, [np.log(1e-3), np.log(5.001)])


def test_silent_spectrum_has_a_gradient() -> None:
    torch = pytest.importorskip("torch")
    x = torch.zeros(1, 64, requires_grad=True)
    log_magnitude(stft(x, n_fft=16, hop_samples=4)).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_silent_spectrum_has_a_gradient_in_jax() -> None:
    jax = pytest.importorskip("jax")

    def loss(x: Any) -> Any:
        return log_magnitude(stft(x, n_fft=16, hop_samples=4)).sum()

    assert np.isfinite(np.asarray(jax.jit(jax.grad(loss))(jax.numpy.zeros(64)))).all()
