from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.codec.frames import LappedTransform


@settings(deadline=None, max_examples=40)
@given(length=st.integers(1, 700), hop=st.sampled_from([2, 8, 64, 128]), seed=st.integers(0, 100))
def test_the_inverse_gives_the_sound_back(length: int, hop: int, seed: int) -> None:
    transform = LappedTransform(hop)
    sound = torch.randn(2, 3, length, generator=torch.Generator().manual_seed(seed))
    coefficients = transform(sound)
    assert coefficients.shape == (2, 3, hop, transform.frames_of(length))
    assert torch.allclose(transform.inverse(coefficients, length), sound, atol=1e-5)


def test_energy_is_kept() -> None:
    sound = torch.randn(1, 5000)
    coefficients = LappedTransform(256)(sound)
    assert coefficients.square().sum() == pytest.approx(float(sound.square().sum()), rel=1e-5)


def test_coefficients_equal_the_sum_of_the_definition() -> None:
    hop = 4
    sound = torch.randn(9, dtype=torch.float64)
    padded = torch.cat([torch.zeros(hop), sound, torch.zeros(3 * hop)]).double()
    coefficients = LappedTransform(hop).double()(sound)
    for frame in range(4):
        for band in range(hop):
            expected = math.sqrt(2 / hop) * sum(
                math.sin(math.pi * (t + 0.5) / (2 * hop))
                * float(padded[frame * hop + t])
                * math.cos(math.pi / hop * (t + (1 + hop) / 2) * (band + 0.5))
                for t in range(2 * hop)
            )
            assert float(coefficients[band, frame]) == pytest.approx(expected, abs=1e-6)


def test_a_sine_lands_in_its_band() -> None:
    hop, rate, frequency = 512, 44100, 3000.0
    sound = torch.sin(2 * math.pi * frequency * torch.arange(rate) / rate)
    power = LappedTransform(hop)(sound).square().mean(-1)
    assert int(power.argmax()) == pytest.approx(frequency / (rate / 2 / hop) - 0.5, abs=1)


def test_gradients_are_exact() -> None:
    transform = LappedTransform(4).double()
    sound = torch.randn(1, 11, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(transform, sound)
    assert torch.autograd.gradcheck(lambda x: transform.inverse(transform(x).sin(), 11), sound)
