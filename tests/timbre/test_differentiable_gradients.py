"""Gradients of the descriptors: checked numerically, and good to learn by."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from tonewright.audio.files import read
from tonewright.dsp.biquads import high_shelf, low_shelf, response
from tonewright.timbre import differentiable
from tonewright.timbre.differentiable import DESCRIPTORS, TimbreLoss, describe
from tonewright.timbre.differentiable.beats import beats
from tonewright.timbre.differentiable.loudness import normalising_gain
from tonewright.timbre.differentiable.models.depth import _moves
from tonewright.timbre.differentiable.resampling import resampled
from tonewright.timbre.differentiable.walk import loudness_pattern

RATE = 44_100
CLIPS = ("mix_orch_sugarplum", "drums_roll")


def notes(seconds: float = 0.5, *, seed: int = 0) -> torch.Tensor:
    """Four notes of two voices that beat, with noise: (1, time) float64."""
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    sound = 0.02 * generator.standard_normal(time.size)
    for note in range(4):
        after = np.maximum(time - note * seconds / 4, 0)
        for partial in range(1, 15):
            pitch_hz = 90 * partial * (1 + 0.2 * note)
            swing = np.sin(2 * math.pi * pitch_hz * after) + np.sin(2 * math.pi * (pitch_hz + 25) * after)
            sound += 0.1 / partial * np.exp(-after * (5 + partial)) * swing
    return torch.tensor(sound)[None]


def shelved(sound: torch.Tensor, low_db: torch.Tensor, high_db: torch.Tensor) -> torch.Tensor:
    """Sound (batch, time) through shelves at 300 Hz and 2 kHz."""
    n_fft = sound.shape[-1] + 4096
    frequencies_hz = torch.fft.rfftfreq(n_fft, 1 / RATE, dtype=sound.dtype)
    gain = torch.ones((), dtype=torch.complex128)
    for design, corner_hz, gain_db in ((low_shelf, 300.0, low_db), (high_shelf, 2000.0, high_db)):
        b, a = design(corner_hz, math.sqrt(0.5), gain_db, sample_rate=RATE)
        gain = gain * response(b, a, frequencies_hz, sample_rate=RATE)
    return torch.fft.irfft(torch.fft.rfft(sound, n=n_fft) * gain, n=n_fft)[..., : sound.shape[-1]]


@pytest.mark.parametrize(("seconds", "rate"), [(0.02, RATE), (0.2, RATE), (0.2, 32_000)])
def test_gradients_of_short_sounds(seconds: float, rate: int) -> None:
    """By every sample: along random directions, the difference quotients are the gradient's products."""
    sound = notes(seconds, seed=5)
    generator = torch.Generator().manual_seed(0)
    variable = sound.clone().requires_grad_()
    values = describe(variable, rate, exact=False)[0]
    slopes = torch.cat([torch.autograd.grad(value, variable, retain_graph=True)[0] for value in values])
    for _ in range(2):
        direction = torch.randn(sound.shape, generator=generator, dtype=torch.float64)
        direction /= direction.norm()
        after, before = (describe(sound + step * direction, rate, exact=False)[0] for step in (1e-6, -1e-6))
        expected = (slopes * direction).sum(-1)
        torch.testing.assert_close((after - before) / 2e-6, expected, rtol=1e-4, atol=1e-5)


def test_gradients_of_parts() -> None:
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    raw, bounds = np.arange(12.0)[::-1].copy(), np.array([0, 5, 5, 12])
    frequencies_hz = torch.linspace(100, 900, 12, dtype=torch.float64).requires_grad_()
    assert gradcheck(
        lambda places, levels, weights: beats(places, 0.1 + levels, weights, raw=raw, bounds=bounds),
        (frequencies_hz, random(12), random(12)),
    )
    core = torch.nn.functional.pad(5 * random(6, 20) ** 3, (0, 1)).detach().requires_grad_()
    assert gradcheck(lambda given: loudness_pattern(given, exact=False)[0], (core,))
    levels_db, ends = -60 * random(2, 6), np.array([[0, 2], [0, 4], [1, 5]])
    assert gradcheck(lambda given: _moves(given, ends, exact=False), (levels_db,))
    sound = random(2, 6000)
    assert gradcheck(lambda given: resampled(given, from_rate=48_000, to_rate=RATE), sound, fast_mode=True)
    lengths = np.array([6000, 5000])
    assert gradcheck(lambda given: normalising_gain(given, lengths), (random(2, 6000),), fast_mode=True)


def clip(shared: Path, name: str, *, start_s: float = 0.5, seconds: float = 1.0) -> torch.Tensor:
    """(1, channels, time) float64 at 44.1 kHz."""
    samples = read(shared / "audio" / "clips" / f"{name}.flac").resampled(RATE).samples
    return torch.tensor(samples[:, int(start_s * RATE) :][:, : int(seconds * RATE)], dtype=torch.float64)[
        None
    ]


@pytest.mark.parametrize("name", CLIPS)
def test_slopes_on_real_sounds(shared: Path, name: str) -> None:
    """Small differences of the smooth values are the gradient; large ones of the exact values follow it."""
    sound = clip(shared, name)

    def values(low_db: float, high_db: float, *, exact: bool) -> np.ndarray:
        gains = (torch.tensor(gain, dtype=torch.float64) for gain in (low_db, high_db))
        return describe(shelved(sound, *gains), RATE, exact=exact)[0].numpy()

    gains = torch.ones(2, dtype=torch.float64, requires_grad=True)
    smooth = describe(shelved(sound, gains[0], gains[1]), RATE, exact=False)[0]
    slopes = np.stack([torch.autograd.grad(each, gains, retain_graph=True)[0].numpy() for each in smooth])
    exact = describe(shelved(sound, gains[0], gains[1]), RATE)[0]
    (of_exact,) = torch.autograd.grad(exact.sum(), gains)
    np.testing.assert_allclose(of_exact.numpy(), slopes.sum(0), rtol=0.05, atol=0.02)
    for column, direction in enumerate(np.eye(2)):
        small, large = 1e-4 * direction, 2.0 * direction
        near = (values(*(1 + small), exact=False) - values(*(1 - small), exact=False)) / 2e-4
        np.testing.assert_allclose(near, slopes[:, column], rtol=0.01, atol=1e-3)
        far = (values(*(1 + large), exact=True) - values(*(1 - large), exact=True)) / 4
        followed = [DESCRIPTORS.index(each) for each in ("brightness", "warmth", "sharpness", "boominess")]
        np.testing.assert_allclose(far[followed], slopes[followed, column], rtol=0.35, atol=0.03)
        rough = DESCRIPTORS.index("roughness")
        np.testing.assert_allclose(far[rough], slopes[rough, column], rtol=0.35, atol=0.1)


@pytest.mark.parametrize("name", DESCRIPTORS)
@pytest.mark.parametrize("sign", [-1, 1])
def test_two_shelves_learn_a_descriptor(name: str, sign: int) -> None:
    """From nothing but the gradient, shelves find a sound whose descriptor is three points off."""
    sound = notes(0.25)
    gains = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    loss = TimbreLoss(RATE, descriptors=(name,))
    target = getattr(differentiable, name)(sound, RATE) + 3 * sign
    optimizer = torch.optim.Adam([gains], lr=0.8)
    best = math.inf
    for _ in range(10):
        optimizer.zero_grad()
        error = loss.towards(shelved(sound, gains[0], gains[1]), target)
        error.backward()
        optimizer.step()
        best = min(best, error.item() * differentiable.SCALES[name])
    assert best < 0.6


def test_a_waveform_learns_the_timbre_of_another() -> None:
    """The samples themselves move until the six descriptors are near those of another sound."""
    target, sound = notes(0.3, seed=1), notes(0.3, seed=2).flip(-1)
    spectrum = torch.fft.rfft(target)
    tilt = torch.linspace(0, 1, spectrum.shape[-1], dtype=torch.float64)
    target = torch.fft.irfft(spectrum * 10 ** (tilt * 1.5), n=target.shape[-1])
    change = torch.zeros_like(sound, requires_grad=True)
    loss, optimizer = TimbreLoss(RATE), torch.optim.Adam([change], lr=4e-3)
    errors = []
    for _ in range(20):
        optimizer.zero_grad()
        error = loss(sound + change, target)
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < 0.5 * errors[0]
