"""The descriptors in torch: those of the models in NumPy, for any batch, finite for any sound."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.clips import resample
from tonewright.audio.files import read
from tonewright.errors import UsageError
from tonewright.timbre import differentiable
from tonewright.timbre.description import model
from tonewright.timbre.differentiable import DESCRIPTORS, SCALES, TimbreLoss, describe
from tonewright.timbre.differentiable.bands import band_powers
from tonewright.timbre.differentiable.prominence import prominent
from tonewright.timbre.differentiable.resampling import resampled
from tonewright.timbre.differentiable.sounds import Sounds
from tonewright.timbre.differentiable.specific_loudness import main_loudness
from tonewright.timbre.differentiable.walk import loudness_pattern
from tonewright.timbre.names import UnmeasurableError
from tonewright.timbre.peaks import find_peaks
from tonewright.timbre.sound import Hearing
from tonewright.timbre.specific_loudness.bands import band_powers as band_powers_in_numpy
from tonewright.timbre.specific_loudness.pattern import patterns

RATE = 44_100
REAL = (
    "clips/speech_jfk",
    "clips/drums_pyfdn",
    "clips/mix_orch_sugarplum",
    "clips/guitar_em9",
    "clips/env_robin",
    "samples/bd_808",
    "samples/tabla_ghe3",
    "samples/elec_tick",
)


def in_numpy(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Values of the models in NumPy for samples (channels, time), in the order of `describe`; 0 for none."""
    values = np.zeros(len(DESCRIPTORS))
    try:
        hearing = Hearing(np.ascontiguousarray(samples), sample_rate)
    except UnmeasurableError:
        return values
    for column, name in enumerate(DESCRIPTORS):
        try:
            values[column] = model(name).value(model(name).features(hearing))
        except UnmeasurableError:
            continue
    return values


def plucked(seconds: float = 0.6, *, pitch_hz: float = 110.0, seed: int = 0) -> np.ndarray:
    """Three notes with partials that die away, and a little noise: (1, time)."""
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    sound = 0.002 * generator.standard_normal(time.size)
    for start in (0.0, seconds / 3, 2 * seconds / 3):
        after = np.maximum(time - start, 0)
        for partial in range(1, 12):
            decay = np.exp(-after * (3 + 2 * partial)) * (time >= start)
            sound += 0.2 / partial * decay * np.sin(2 * math.pi * partial * pitch_hz * (1 + start) * after)
    return sound[None]


def real(shared: Path, name: str, *, seconds: float = 1.5) -> tuple[np.ndarray, int]:
    clip = read(shared / "audio" / f"{name}.flac")
    return clip.samples[:, : int(seconds * clip.sample_rate)], clip.sample_rate


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_are_those_of_the_models(shared: Path, dtype: torch.dtype) -> None:
    for name in REAL:
        samples, rate = real(shared, name)
        found = describe(torch.tensor(samples, dtype=dtype)[None], rate)
        assert found.dtype == dtype
        np.testing.assert_allclose(found[0].numpy(), in_numpy(samples, rate), atol=0.01, err_msg=name)


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000, 96_000])
def test_values_are_those_of_the_models_at_other_rates(rate: int) -> None:
    samples = resample(plucked(), from_rate=RATE, to_rate=rate)
    found = describe(torch.tensor(samples)[None], rate)[0].numpy()
    np.testing.assert_allclose(found, in_numpy(samples, rate), atol=0.01)


def test_smooth_values_are_near(shared: Path) -> None:
    """Without the steps, roughness moves by half a point or so, and the others by less."""
    for name in REAL[:4]:
        samples, rate = real(shared, name)
        sound = torch.tensor(samples)[None]
        apart = (describe(sound, rate, exact=False) - describe(sound, rate)).abs()[0]
        assert apart.max() < 1.0, name
        assert apart[DESCRIPTORS.index("brightness")] < 1e-3


@settings(max_examples=8, deadline=None)
@given(
    seconds=st.sampled_from([0.0003, 0.01, 0.05, 0.2, 0.45]),
    channels=st.integers(1, 3),
    level_db=st.sampled_from([-90.0, -30.0, 0.0]),
    tone_hz=st.sampled_from([0.0, 60.0, 3000.0]),
    seed=st.integers(0, 99),
)
def test_any_sound(seconds: float, channels: int, level_db: float, tone_hz: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    time = np.arange(max(int(seconds * RATE), 1)) / RATE
    samples = 0.1 * generator.standard_normal((channels, time.size)) + np.sin(2 * math.pi * tone_hz * time)
    samples *= 10 ** (level_db / 20)
    sound = torch.tensor(samples)[None].requires_grad_()
    values = describe(sound, RATE)
    values.sum().backward()
    assert sound.grad is not None
    assert values.isfinite().all()
    assert sound.grad.isfinite().all()
    np.testing.assert_allclose(values[0].detach().numpy(), in_numpy(samples, RATE), atol=0.1)


def test_a_batch_gives_what_its_sounds_give_alone() -> None:
    """Lengths differ behind the front, where silent ends are cut off; silence and NaN stay in their rows."""
    time = 26_000
    batch = torch.zeros(6, 1, time, dtype=torch.float64)
    batch[0, 0] = torch.tensor(plucked()[0, :time])
    batch[1, 0, 5000:20_000] = torch.tensor(plucked(seed=1)[0, :15_000])
    batch[2, 0, 20_000:20_900] = torch.tensor(plucked(pitch_hz=700)[0, :900])
    batch[4, 0] = torch.tensor(plucked()[0, :time]) + 0.3
    batch[5, 0] = torch.nan
    found = describe(batch, RATE)
    alone = torch.cat([describe(each[None], RATE) for each in batch])
    torch.testing.assert_close(found, alone, rtol=0, atol=1e-6, equal_nan=True)
    assert (found[3] == 0).all()
    assert found[5].isnan().all()
    assert found[:5].isfinite().all()
    torch.testing.assert_close(found[4], found[0], rtol=0, atol=0.5)


def test_shapes_names_and_order() -> None:
    sound = torch.tensor(plucked())
    together = describe(sound, RATE)
    torch.testing.assert_close(describe(sound[None].repeat(1, 2, 1), RATE), together)
    for column, name in enumerate(DESCRIPTORS):
        one = getattr(differentiable, name)(sound, RATE)
        assert one.shape == (1,)
        torch.testing.assert_close(one, together[:, column])
    high = torch.sin(2 * math.pi * 12_000 * torch.arange(RATE)[None] / RATE)
    assert differentiable.sharpness(high, RATE) > 100
    assert differentiable.sharpness(high, RATE, raw=False) == 100
    assert describe(high, RATE, raw=False).min() == 0


def test_channels_that_cancel_leave_the_loudest() -> None:
    one = plucked()
    both = np.concatenate([one, -0.9999 * one])
    found = describe(torch.tensor(both)[None], RATE)
    torch.testing.assert_close(found, describe(torch.tensor(one), RATE), rtol=0, atol=1e-6)


def test_silence_has_no_gradient() -> None:
    sound = torch.zeros(2, 1000, requires_grad=True)
    describe(sound, RATE).sum().backward()
    assert sound.grad is not None
    assert (sound.grad == 0).all()


def test_every_constant_is_made_on_the_device_of_the_sound() -> None:
    """Tensors made without saying where would be on "meta", and could not meet the sound's."""
    sound = torch.tensor(plucked(0.3)).requires_grad_()
    with torch.device("meta"):
        values = describe(sound, 48_000)
        loss = TimbreLoss(48_000)(sound, 0.5 * sound.detach().flip(-1))
    values.sum().backward()
    assert loss.device.type == values.device.type == "cpu"


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        (torch.zeros(5), RATE),
        (torch.zeros(1, 0), RATE),
        (torch.zeros(1, 9, dtype=torch.int16), RATE),
        (torch.zeros(1, 9, dtype=torch.float16), RATE),
        (torch.zeros(1, 9), 0),
        (torch.zeros(1, 9), 44_100.5),
    ],
)
def test_what_is_no_sound(samples: torch.Tensor, rate: int) -> None:
    with pytest.raises(UsageError):
        describe(samples, rate)


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_099, 48_000, 96_000])
def test_resampling_is_that_of_soxr(rate: int) -> None:
    sound = np.random.default_rng(0).standard_normal((2, rate // 7))
    expected = resample(sound, from_rate=rate, to_rate=RATE)
    found = resampled(torch.tensor(sound), from_rate=rate, to_rate=RATE).numpy()
    assert found.shape == expected.shape
    # soxr begins a sound a little differently.
    np.testing.assert_allclose(found[:, 300:], expected[:, 300:], atol=1e-5)


def test_what_the_models_share_is_equal() -> None:
    samples = plucked()
    sounds, hearing = Sounds(torch.tensor(samples), RATE), Hearing(samples, RATE)
    np.testing.assert_allclose(sounds.samples[0].numpy(), hearing.samples, atol=1e-9)
    for name in ("above_20", "above_100", "above_2000", "below_500", "below_2000"):
        branch, expected = getattr(sounds.branches, name), getattr(hearing.branches, name)
        np.testing.assert_allclose(branch[0].numpy(), expected, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(sounds.specific.pattern[0].numpy(), hearing.specific.pattern, atol=1e-5)
    np.testing.assert_allclose(sounds.specific.power[0].numpy(), hearing.specific.power, rtol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), tilt=st.floats(-3, 3), level_db=st.floats(-60, 10))
def test_patterns_are_those_of_the_models(seed: int, tilt: float, level_db: float) -> None:
    generator = np.random.default_rng(seed)
    powers = 10 ** (generator.uniform(-4, 0, (3, 28)) + tilt * np.linspace(-1, 1, 28) + level_db / 10)
    found, _ = loudness_pattern(main_loudness(torch.tensor(powers)))
    np.testing.assert_allclose(found.numpy(), patterns(powers)[0], atol=1e-9)


def test_band_powers_are_those_of_the_models() -> None:
    frames = np.random.default_rng(0).standard_normal((3, 4096)) * np.linspace(0, 1, 4096)
    expected, _ = band_powers_in_numpy(frames.reshape(-1), 3, sample_rate=RATE, either_sign=True)
    np.testing.assert_allclose(band_powers(torch.tensor(frames)).numpy(), expected, rtol=1e-4)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), steps=st.sampled_from([3, 10, 1000]), contrast=st.floats(0.05, 0.6))
def test_prominent_peaks_are_those_of_the_models(seed: int, steps: int, contrast: float) -> None:
    """With equal levels as well, where few steps make them likely."""
    levels = np.floor(np.random.default_rng(seed).random(120) ** 2 * steps) / steps
    found, expected, saddles = (np.empty(61, np.int64) for _ in range(3))
    floor = levels.min() + contrast
    count = prominent(levels, levels.min(), contrast, found, saddles)
    assert found[:count].tolist() == expected[: find_peaks(levels, floor, contrast, expected)].tolist()
    rises = levels[found[:count]] - np.where(saddles[:count] >= 0, levels[saddles[:count]], -1)
    assert (rises >= contrast).all()


def test_loss_is_a_distance_in_scales() -> None:
    one, other = torch.tensor(plucked()), torch.tensor(plucked(pitch_hz=500, seed=3))
    apart = (describe(one, RATE) - describe(other, RATE)).abs()[0] / torch.tensor(list(SCALES.values()))
    loss = TimbreLoss(RATE)
    torch.testing.assert_close(loss(one, other), apart.mean())
    torch.testing.assert_close(loss(other, one), loss(one, other))
    torch.testing.assert_close(loss(one, 0.1 * one), torch.zeros((), dtype=one.dtype), atol=1e-6, rtol=0)
    torch.testing.assert_close(TimbreLoss(RATE, distance="squared")(one, other), (apart**2).mean())
    torch.testing.assert_close(loss.towards(one, describe(other, RATE)[0]), apart.mean())
    weighed = TimbreLoss(RATE, descriptors=("depth", "sharpness"), weights={"sharpness": 3})
    torch.testing.assert_close(weighed(one, other), (apart[0] + 3 * apart[4]) / 4)


def test_loss_leaves_out_what_has_no_value() -> None:
    sound = torch.tensor(plucked())
    batch, silence = torch.cat([sound, sound]), torch.zeros_like(sound)
    loss = TimbreLoss(RATE, descriptors=("brightness",))
    alone = loss.towards(sound, torch.tensor([50.0]))
    torch.testing.assert_close(loss.towards(torch.cat([sound, silence]), torch.tensor([50.0])), alone)
    torch.testing.assert_close(loss.towards(batch, torch.tensor([[50.0], [torch.nan]])), alone)
    assert loss(silence, sound) == 0
    assert loss(torch.full_like(sound, torch.nan), sound).isnan()


@pytest.mark.parametrize(
    "settings",
    [{"descriptors": ("hardness",)}, {"descriptors": ()}, {"weights": {"dept": 1}}, {"distance": "cubed"}],
)
def test_what_is_no_loss(settings: dict) -> None:
    with pytest.raises(UsageError):
        TimbreLoss(RATE, **settings)
