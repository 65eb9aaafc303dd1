"""Ways between banks: their ends, what lies between them, and that it is stable whatever it is."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import sosfilt

from tonewright.audio.clips import Clip
from tonewright.errors import AudioError, UsageError
from tonewright.filters.bank import Bank
from tonewright.filters.config import Config
from tonewright.filters.levels import as_loud
from tonewright.filters.morphing import morph, morph_banks
from tonewright.filters.network import expected
from tonewright.filters.trained import FilterModel

FREQUENCIES = np.geomspace(30, 18_000, 200)
LOG_F = st.floats(np.log(0.1), np.log(1e6))
LOG_Q = st.floats(np.log(1e-3), np.log(10.0))


def parallel(count: int, seed: int = 0) -> Bank:
    rng = np.random.default_rng(seed)
    return Bank(
        np.exp(rng.uniform(np.log(40), np.log(16_000), count)),
        np.exp(rng.uniform(np.log(0.3), np.log(8), count)),
        rng.standard_normal(count),
        level_db=rng.uniform(-6, 6),
    )


@st.composite
def banks(draw: st.DrawFn, kind: str) -> Bank:
    count = draw(st.integers(1, 5))
    several = {"min_size": count, "max_size": count}
    limit = 100.0 if kind == "series" else 1e6
    shapes = ("peaking", "low_shelf", "high_shelf")
    return Bank(
        np.clip(np.exp(draw(st.lists(LOG_F, **several))), 0.1, 1e6),
        np.clip(np.exp(draw(st.lists(LOG_Q, **several))), 1e-3, 10.0),
        draw(st.lists(st.floats(-limit, limit), **several)),
        kind,
        tuple(draw(st.lists(st.sampled_from(shapes), **several))) if kind == "series" else (),
        draw(st.integers(1, 1 if kind == "series" else 3)),
        draw(st.floats(-60, 60)),
    )


@pytest.fixture(scope="module")
def model() -> FilterModel:
    """Small random networks; nothing here asks for learned ones."""
    config, rng = Config(), np.random.default_rng(0)

    def filled(tree: dict) -> dict:
        return {
            name: filled(part)
            if isinstance(part, dict)
            else 0.1 * rng.standard_normal(part.shape).astype("f4")
            for name, part in tree.items()
        }

    return FilterModel(config, filled(expected(config)))


def test_the_ends_are_the_banks_themselves() -> None:
    a, b = parallel(12), parallel(7, seed=1)
    way = morph_banks(a, b, steps=6)
    assert len(way) == 6
    assert (way[0], way[-1]) == (a, b)


def test_a_bank_turned_into_itself_stays_itself() -> None:
    a = parallel(9)
    shuffled = np.random.default_rng(3).permutation(9)
    b = Bank(a.frequency_hz[shuffled], a.q[shuffled], a.gain[shuffled], level_db=a.level_db)
    for bank in morph_banks(a, b, steps=5):
        assert bank.response(FREQUENCIES) == pytest.approx(a.response(FREQUENCIES), rel=1e-9)


def test_one_filter_goes_in_straight_lines_of_logarithms() -> None:
    a, b = Bank([100.0], [1.0], [0.1], level_db=-4.0), Bank([1600.0], [4.0], [10.0], level_db=4.0)
    _, middle, _ = morph_banks(a, b, steps=3)
    assert middle.frequency_hz == pytest.approx([400.0])
    assert middle.q == pytest.approx([2.0])
    assert middle.gain == pytest.approx([1.0])
    assert middle.level_db == pytest.approx(0.0)
    _, through_zero, _ = morph_banks(a, Bank([1600.0], [4.0], [-0.1]), steps=3)
    assert through_zero.gain == pytest.approx([0.0])
    series = [Bank([1000.0], [1.0], [gain], "series") for gain in (-6.0, 12.0)]
    assert morph_banks(*series, steps=3)[1].gain == pytest.approx([3.0])


def test_filters_meet_their_neighbours_whatever_their_order() -> None:
    a = Bank([100.0, 1000.0, 9000.0], [1.0] * 3, [1.0] * 3)
    b = Bank([8000.0, 120.0, 1100.0], [1.0] * 3, [1.0] * 3)
    middle = morph_banks(a, b, steps=3)[1]
    assert np.sort(middle.frequency_hz) == pytest.approx(np.sqrt([100 * 120, 1000 * 1100, 9000 * 8000]))


def test_what_has_no_match_stays_where_it_is_and_fades() -> None:
    a, b = Bank([100.0, 1000.0], [1.0, 2.0], [0.5, 0.8]), Bank([110.0], [1.0], [0.5])
    middle = morph_banks(a, b, steps=3)[1]
    (alone,) = np.flatnonzero(np.isclose(middle.frequency_hz, 1000.0))
    assert (middle.q[alone], middle.gain[alone]) == (pytest.approx(2.0), pytest.approx(0.4))
    low = Bank([100.0], [0.7], [6.0], "series", ("low_shelf",))
    bell = Bank([100.0], [0.7], [6.0], "series", ("peaking",))
    both = morph_banks(low, bell, steps=3)[1]
    assert sorted(zip(both.shapes, both.gain, strict=True)) == [("low_shelf", 3.0), ("peaking", 3.0)]


@pytest.mark.parametrize("kind", ["parallel", "series"])
def test_small_steps_change_the_response_little(kind: str) -> None:
    rng = np.random.default_rng(5)
    ends = []
    for count in (10, 14):
        gain = rng.uniform(0.1, 1, count) if kind == "parallel" else rng.uniform(-6, 6, count)
        ends.append(Bank(np.geomspace(60, 12_000, count), rng.uniform(0.5, 2, count), gain, kind))
    levels = np.stack([bank.magnitude_db(FREQUENCIES) for bank in morph_banks(*ends, steps=101)])
    assert np.abs(np.diff(levels, axis=0)).max() < 1.0


@settings(max_examples=25, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["parallel", "series"]))
def test_every_bank_on_the_way_is_stable(data: st.DataObject, kind: str) -> None:
    a, b = data.draw(banks(kind)), data.draw(banks(kind))
    if a.order != b.order:
        with pytest.raises(UsageError, match="one kind and order"):
            morph_banks(a, b)
        return
    for bank in morph_banks(a, b, steps=4):
        for rate in (8_000, 192_000):
            sections = bank.to_sos(sample_rate=rate).reshape(-1, 6)
            poles = np.concatenate([np.roots(section[3:]) for section in sections])
            assert (np.abs(poles) < 1).all()


def test_limits_are_not_passed_by_rounding() -> None:
    shelf = Bank([1e6], [10.0], [120.0], "series", ("low_shelf",))
    for bank in morph_banks(shelf, Bank([0.1], [1e-3], [-120.0], "series"), steps=12)[1:-1]:
        assert bank.q.max() == 10.0
        assert bank.frequency_hz.max() == 1e6


def test_banks_of_two_kinds_do_not_mix() -> None:
    series = Bank([1000.0], [1.0], [3.0], "series")
    with pytest.raises(UsageError, match="a parallel bank of order 1 does not turn into a series one"):
        morph_banks(parallel(3), series)


@pytest.mark.parametrize("steps", [0, 1, 2.5, True, 10**6])
def test_a_way_has_two_ends(steps: int) -> None:
    with pytest.raises(UsageError, match="steps"):
        morph_banks(parallel(3), parallel(3), steps=steps)


def test_through_a_model_the_numbers_go_straight(model: FilterModel) -> None:
    a, b = [1.0, -2.0, 0.0, 0.5], np.array([-1.0, 2.0, 1.0, 0.5])
    way = morph(model, a, b, steps=5)
    assert way.z is not None
    assert way.z == pytest.approx(np.linspace(a, b, 5))
    assert way.positions == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    for bank, z in zip(way.banks, way.z, strict=True):
        assert bank.as_dict() == model.bank(z).as_dict()


def test_a_sound_stands_for_its_numbers(model: FilterModel) -> None:
    noise = Clip(0.1 * np.random.default_rng(0).standard_normal((1, 20_000)), 22_050)
    way = morph(model, noise, [0.0] * 4, steps=3)
    assert way.z is not None
    assert way.z[0] == pytest.approx(model.encode(noise).z)
    assert way.banks[0].level_db == pytest.approx(model.bank(model.encode(noise).z).level_db)


def test_a_bank_stands_for_what_the_model_hears_of_it(model: FilterModel) -> None:
    heard: list[Clip] = []

    def encode(clip: Clip) -> SimpleNamespace:
        heard.append(clip)
        return SimpleNamespace(z=np.zeros(4), level_db=model.encode(clip).level_db)

    listening = SimpleNamespace(encode=encode, bank=model.bank, knobs=model.knobs)
    bank = Bank([1000.0], [2.0], [1.0], level_db=5.0)
    louder = Bank([1000.0], [2.0], [1.0], level_db=11.0)
    way = morph(listening, bank, louder, steps=2)  # type: ignore[arg-type]
    impulse = np.zeros(heard[0].frames)
    impulse[0] = 1.0
    expected_response = sosfilt(bank.to_sos(), impulse)
    assert heard[0].samples[0] == pytest.approx(expected_response, abs=1e-6)
    assert way.banks[1].level_db - way.banks[0].level_db == pytest.approx(6.0, abs=1e-3)


@pytest.mark.parametrize("z", [[1.0], [0.0] * 5, [0, 0, 0, np.nan], [[0, 0, 0, 0]]])
def test_numbers_that_are_not_the_models(model: FilterModel, z: list) -> None:
    with pytest.raises(UsageError, match="4 finite numbers"):
        morph(model, z, [0.0] * 4)


def test_without_a_model_only_banks() -> None:
    with pytest.raises(UsageError, match="load a model"):
        morph(None, Clip(np.zeros((1, 10)), 44100), parallel(2))


def test_silence_is_no_place(model: FilterModel) -> None:
    with pytest.raises(AudioError, match="silent"):
        morph(model, Clip(np.zeros((1, 1000)), 44100), [0.0] * 4)


@pytest.mark.parametrize("rate", [2_000, 44_100])
def test_a_bank_that_leaves_sounds_as_loud_as_they_are(rate: int) -> None:
    noise = Clip(0.1 * np.random.default_rng(0).standard_normal((2, rate)), rate)
    quiet = Bank([500.0], [1.0], [0.01], level_db=-20.0)
    made = as_loud(quiet, noise).apply(noise)
    if rate >= 4_000:
        import pyloudnorm

        meter = pyloudnorm.Meter(rate)
        loud = [meter.integrated_loudness(clip.samples.T.astype(float)) for clip in (noise, made)]
        assert loud[1] == pytest.approx(loud[0], abs=0.2)
    else:
        assert np.mean(made.samples**2) == pytest.approx(np.mean(noise.samples**2), rel=1e-3)


def test_silence_stays_silent_at_any_loudness() -> None:
    silence = Clip(np.zeros((1, 1_000)), 44_100)
    assert as_loud(parallel(3), silence).level_db == 0.0
    deaf = Bank([1000.0], [1.0], [0.0])
    noise = Clip(0.1 * np.random.default_rng(0).standard_normal((1, 9_000)), 44_100)
    assert not as_loud(deaf, noise).apply(noise).samples.any()
