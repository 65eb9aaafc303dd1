from __future__ import annotations

import numpy as np
import pytest

from tonewright.dsp import loudness
from tonewright.dsp.loudness import integrated_loudness, k_weighting
from tonewright.errors import UsageError


def _programme(sample_rate: int, channels: int, seconds: float, seed: int = 0) -> np.ndarray:
    """Noise whose level moves by 60 dB, so that both gates have work to do."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    level_db = -50 + 30 * np.sin(2 * np.pi * 0.3 * time + 1)
    level_db[time > 0.8 * seconds] = -100
    return rng.normal(size=(channels, len(time))) * 10 ** (level_db / 20)


def _pyloudnorm(samples: np.ndarray, sample_rate: int) -> float:
    pyloudnorm = pytest.importorskip("pyloudnorm")
    # "DeMan" is the design of the standard's table; the default one differs from it by some 0.01 dB.
    return pyloudnorm.Meter(sample_rate, filter_class="DeMan").integrated_loudness(samples.T.astype(float))


@pytest.mark.parametrize("sample_rate", [8000, 16_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_agrees_with_pyloudnorm(sample_rate: int, channels: int) -> None:
    samples = _programme(sample_rate, channels, 5.0)
    expected = _pyloudnorm(samples, sample_rate)
    assert integrated_loudness(samples, sample_rate=sample_rate) == pytest.approx(expected, rel=1e-9)
    single = samples.astype(np.float32)
    assert integrated_loudness(single, sample_rate=sample_rate) == pytest.approx(expected, rel=1e-5)


def test_table_of_the_standard() -> None:
    b, a = k_weighting(48_000)
    np.testing.assert_allclose(b[0], [1.53512485958697, -2.69169618940638, 1.19839281085285], atol=1e-11)
    np.testing.assert_allclose(a[0], [1, -1.69065929318241, 0.73248077421585], atol=1e-11)
    np.testing.assert_allclose(b[1], [1, -2, 1], atol=0)
    np.testing.assert_allclose(a[1], [1, -1.99004745483398, 0.99007225036621], atol=1e-11)


@pytest.mark.parametrize("sample_rate", [44_100, 48_000])
def test_full_scale_sine_of_the_standard(sample_rate: int) -> None:
    # The standard: a 0 dB FS sine at 997 Hz in one front channel reads −3.01 LKFS.
    time = np.arange(3 * sample_rate) / sample_rate
    sine = np.sin(2 * np.pi * 997 * time)
    silent = np.zeros_like(sine)
    assert integrated_loudness(np.stack([sine, silent]), sample_rate=sample_rate) == pytest.approx(
        -3.01, abs=0.01
    )
    assert integrated_loudness(np.stack([sine, sine]), sample_rate=sample_rate) == pytest.approx(
        0.0, abs=0.01
    )
    surround = np.stack([silent, silent, silent, sine, silent])
    louder = 10 * np.log10(1.41)
    assert integrated_loudness(surround, sample_rate=sample_rate) == pytest.approx(-3.01 + louder, abs=0.01)


@pytest.mark.parametrize(("sample_rate", "excess_db"), [(8000, 0.216), (44_100, 0.004), (96_000, -0.022)])
def test_rates_differ_by_what_is_stated(sample_rate: int, excess_db: float) -> None:
    at_rate, at_48_khz = (
        integrated_loudness(np.sin(2 * np.pi * 200 * np.arange(rate) / rate)[None], sample_rate=rate)
        for rate in (sample_rate, 48_000)
    )
    assert at_rate - at_48_khz == pytest.approx(excess_db, abs=2e-3)


def test_gain_moves_loudness_by_its_decibels() -> None:
    steady = np.random.default_rng(0).normal(size=(2, 22_050))
    base = integrated_loudness(steady, sample_rate=22_050)
    assert integrated_loudness(steady * 0.1, sample_rate=22_050) == pytest.approx(base - 20, abs=1e-9)


def test_gates() -> None:
    rate = 8000
    loud = np.random.default_rng(0).normal(size=(1, 4 * rate)) * 0.1
    base = integrated_loudness(loud, sample_rate=rate)
    # Silence, and then music 30 dB lower, is gated away but for the blocks that straddle the border.
    for rest in (np.zeros_like(loud), loud * 10**-1.5):
        joined = integrated_loudness(np.concatenate([loud, rest, rest], axis=-1), sample_rate=rate)
        assert base - 0.4 < joined < base + 0.1
    # 6 dB lower is not.
    softer = integrated_loudness(np.concatenate([loud, loud / 2], axis=-1), sample_rate=rate)
    assert softer == pytest.approx(base + 10 * np.log10((1 + 0.25) / 2), abs=0.1)


def test_silence_is_infinitely_quiet() -> None:
    for samples in (np.zeros((2, 16_000)), np.zeros((2, 10)), np.zeros((2, 0)), np.full((2, 16_000), 1e-6)):
        assert integrated_loudness(samples, sample_rate=16_000) == -np.inf


def test_silence_has_gradient_zero() -> None:
    torch = pytest.importorskip("torch")
    samples = torch.zeros(1, 8000, requires_grad=True)
    integrated_loudness(samples, sample_rate=8000).backward()
    assert (samples.grad == 0).all()


def test_a_short_sound_is_one_block() -> None:
    rate = 48_000
    short = np.random.default_rng(0).normal(size=(1, round(0.399 * rate)))
    exact = np.random.default_rng(0).normal(size=(1, round(0.4 * rate)))
    b, a = k_weighting(rate)
    from scipy.signal import sosfilt

    for samples in (short, exact, short[:, :100], short[:, :1]):
        weighted = sosfilt(np.concatenate([b, a], axis=1), samples)
        expected = -0.691 + 10 * np.log10(np.mean(weighted**2))
        assert integrated_loudness(samples, sample_rate=rate) == pytest.approx(expected, abs=1e-9)


def test_only_whole_blocks_count() -> None:
    samples = _programme(8000, 1, 2.0)
    longer = np.concatenate([samples, np.ones((1, 799))], axis=-1)
    whole = integrated_loudness(samples, sample_rate=8000)
    assert integrated_loudness(longer, sample_rate=8000) == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("sample_rate", [8000, 11_025])
def test_pieces_of_a_long_sound_make_the_whole(monkeypatch: pytest.MonkeyPatch, sample_rate: int) -> None:
    samples = _programme(sample_rate, 2, 6.0)
    monkeypatch.setattr(loudness, "_STEPS_PER_PIECE", 1000)
    whole = integrated_loudness(samples, sample_rate=sample_rate)
    monkeypatch.setattr(loudness, "_STEPS_PER_PIECE", 7)
    assert integrated_loudness(samples, sample_rate=sample_rate) == pytest.approx(whole, abs=1e-9)


def test_steps_that_are_no_whole_number_of_samples() -> None:
    from scipy.signal import sosfilt

    samples = _programme(11_025, 1, 0.4)
    b, a = k_weighting(11_025)
    weighted = sosfilt(np.concatenate([b, a], axis=1), samples)[..., : int(0.4 * 11_025)]
    expected = -0.691 + 10 * np.log10(np.sum(weighted**2) / (0.4 * 11_025))
    assert integrated_loudness(samples, sample_rate=11_025) == pytest.approx(expected, abs=1e-9)


def test_a_batch_is_its_members() -> None:
    batch = np.stack([_programme(8000, 2, 2.0, seed) for seed in range(3)])
    batch[1] = 0
    expected = [integrated_loudness(member, sample_rate=8000) for member in batch]
    np.testing.assert_allclose(integrated_loudness(batch, sample_rate=8000), expected, rtol=1e-12)


def test_what_is_not_a_number_is_not_gated_away() -> None:
    samples = _programme(8000, 1, 2.0)
    samples[0, 9000] = np.nan
    assert np.isnan(integrated_loudness(samples, sample_rate=8000))


def test_channels() -> None:
    six = _programme(8000, 6, 1.0)
    five = np.delete(six, 3, axis=0)
    expected = integrated_loudness(five, sample_rate=8000)
    assert integrated_loudness(six, sample_rate=8000) == pytest.approx(expected)
    even = integrated_loudness(six, sample_rate=8000, channel_weights=[0, 0, 0, 1, 0, 0])
    assert even == pytest.approx(integrated_loudness(six[3:4], sample_rate=8000))
    with pytest.raises(UsageError, match="7 channels"):
        integrated_loudness(np.zeros((7, 8000)), sample_rate=8000)
    with pytest.raises(UsageError, match="2 channels"):
        integrated_loudness(np.zeros((2, 8000)), sample_rate=8000, channel_weights=[1.0])
    with pytest.raises(UsageError, match="channels, time"):
        integrated_loudness(np.zeros(8000), sample_rate=8000)
    with pytest.raises(UsageError, match="resample"):
        integrated_loudness(np.zeros((1, 8000)), sample_rate=2000)


@pytest.mark.parametrize("length", [1, 2, 7, 17, 61_441, 65_537, 99_991])
def test_transforms_have_a_quick_length(length: int) -> None:
    from scipy.fft import next_fast_len

    best = min(
        n for n in (2**a * 3**b * 5**c for a in range(18) for b in range(12) for c in range(9)) if n >= length
    )
    assert loudness._fast_length(length) == best >= next_fast_len(length)
