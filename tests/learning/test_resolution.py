from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.dsp.spectra import mel_filterbank, window
from tonewright.learning.resolution import Constant, Filterbank, Resolution


def hann(length: int) -> Constant:
    return Constant(window("hann", length))


@given(
    time=st.integers(40, 150),
    n_fft=st.integers(2, 60),
    share=st.floats(0.1, 1.0),
    hop_share=st.floats(0.05, 1.0),
)
@settings(deadline=None, max_examples=60)
def test_the_adjoint_is_the_adjoint(time: int, n_fft: int, share: float, hop_share: float):
    # ⟨Wx, G⟩ = ⟨x, WᴴG⟩ for the real inner product
    torch.manual_seed(time)
    length = max(1, round(share * n_fft))
    part = Resolution(n_fft, max(1, round(hop_share * length)), hann(length))
    x = torch.randn(1, 2, time, dtype=torch.float64)
    spectrum = part.spectrum(x)
    other = torch.randn_like(spectrum)
    expected = (spectrum * other.conj()).real.sum()
    torch.testing.assert_close((x * part.adjoint(other, time)).sum(), expected)


@pytest.mark.parametrize(("n_fft", "hop_samples", "length"), [(128, 32, 128), (128, 30, 100), (81, 7, 80)])
def test_the_spectrum_is_that_of_torch_stft(n_fft: int, hop_samples: int, length: int):
    torch.manual_seed(0)
    x = torch.randn(2, 1, 500, dtype=torch.float64)
    weights = torch.from_numpy(window("hann", length))
    expected = torch.stft(
        x[:, 0], n_fft, hop_samples, length, weights, pad_mode="reflect", return_complex=True
    )
    found = Resolution(n_fft, hop_samples, hann(length)).spectrum(x)[:, 0].transpose(-1, -2)
    torch.testing.assert_close(found.abs(), expected.abs())
    if length == n_fft:  # a shorter window begins at sample 0 here: the same but for its phase
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("n_fft", "bands"), [(2048, 320), (512, 20), (64, 30)])
def test_a_filterbank_is_its_matrix(n_fft: int, bands: int):
    torch.manual_seed(0)
    matrix = mel_filterbank(sample_rate=44100, n_fft=n_fft, n_mels=bands).T
    bank = Filterbank(matrix)
    x = torch.rand(3, 5, n_fft // 2 + 1, dtype=torch.float64)
    np.testing.assert_allclose(bank(x).numpy(), x.numpy() @ matrix, rtol=1e-12)
    slope = torch.rand(3, 5, bands, dtype=torch.float64)
    torch.testing.assert_close((bank(x) * slope).sum(), (x * bank.adjoint(slope)).sum())


def test_a_constant_is_kept_once_for_each_dtype():
    constant = hann(8)
    single, double = torch.zeros(1), torch.zeros(1, dtype=torch.float64)
    assert constant.like(single) is constant.like(single)
    assert constant.like(single).dtype == torch.float32
    np.testing.assert_array_equal(constant.like(double).numpy(), window("hann", 8))
