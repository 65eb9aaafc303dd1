"""Every transform, found by itself: parameters decide the sound; each does what its name says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.augment import (
    TRANSFORMS,
    Chain,
    ChannelSwap,
    Filter,
    Gain,
    Noise,
    Pitch,
    Polarity,
    Remix,
    Room,
    Tempo,
    Transform,
    chain_from_settings,
)
from tonewright.errors import CorpusError, MissingExtraError, UsageError

RATE = 44100
STEMS = ("drums", "bass", "other", "vocals")
NAMES = sorted(TRANSFORMS)


def subclasses(kind: type) -> set[type]:
    return {kind for child in kind.__subclasses__() for kind in {child, *subclasses(child)}}


def sound(channels: int = 2, frames: int = 8000, seed: int = 0) -> np.ndarray:
    return (0.2 * np.random.default_rng(seed).standard_normal((channels, frames))).astype(np.float32)


def sine(frequency_hz: float, seconds: float = 1.5, channels: int = 2) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return np.tile(0.5 * np.sin(2 * np.pi * frequency_hz * time), (channels, 1)).astype(np.float32)


def frequency_of(samples: np.ndarray) -> float:
    """Frequency of the highest peak, by a parabola through the log spectrum."""
    middle = samples[0, len(samples[0]) // 8 : -len(samples[0]) // 8]
    level = np.log(np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) + 1e-12)
    peak = int(np.argmax(level))
    left, top, right = level[peak - 1 : peak + 2]
    return (peak + 0.5 * (left - right) / (left - 2 * top + right)) * RATE / len(middle)


def stems(seed: int = 0, frames: int = 8000) -> dict[str, np.ndarray]:
    parts = {name: sound(seed=seed + number, frames=frames) for number, name in enumerate(STEMS)}
    return {"mixture": np.sum(list(parts.values()), axis=0), **parts}


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Responses: a late impulse, a stereo decay at another rate, a mono decay below."""
    folder = tmp_path_factory.mktemp("rooms")
    impulse = np.zeros(900, np.float32)
    impulse[300] = 0.25
    soundfile.write(folder / "impulse.wav", impulse, RATE, subtype="FLOAT")
    generator = np.random.default_rng(1)
    decay = np.exp(-np.arange(4000) / 500)[:, None] * generator.standard_normal((4000, 2))
    decay[0] = 3.0
    soundfile.write(folder / "stereo.wav", 0.1 * decay, 48000, subtype="FLOAT")
    (folder / "deep").mkdir()
    soundfile.write(folder / "deep" / "mono.wav", 0.1 * decay[:, 0], RATE, subtype="FLOAT")
    return folder


def example(name: str, rooms: Path) -> Transform:
    """A transform with its own settings, and the few that have no default."""
    return TRANSFORMS[name](**({"folder": str(rooms)} if name == "room" else {}))


def always(name: str, rooms: Path, **values: object) -> tuple[Transform, dict]:
    """A transform and parameters under which it acts, some of them given."""
    transform = example(name, rooms)
    return transform, {**transform.draw(5), "applied": True, **values}


def run(transform: Transform, samples: np.ndarray, **values: object) -> np.ndarray:
    return transform.apply(samples, {**transform.draw(0), "applied": True, **values}, sample_rate=RATE)


def same(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(np.array_equal(one[key], other[key]) for key in one)
    return np.array_equal(np.asarray(one), np.asarray(other))


def test_the_register_holds_every_subclass() -> None:
    assert set(TRANSFORMS.values()) == {
        kind for kind in subclasses(Transform) if "tonewright" in kind.__module__
    }
    assert {"gain", "polarity", "channel_swap", "noise", "filter", "room", "pitch", "tempo", "remix"} <= set(
        NAMES
    )


@pytest.mark.parametrize("name", NAMES)
def test_draw_is_decided_by_the_seed_and_is_json(name: str, rooms: Path) -> None:
    transform = example(name, rooms)
    drawn = [transform.draw(seed) for seed in range(20)]
    assert drawn == [transform.draw(seed) for seed in range(20)]
    assert json.loads(json.dumps(drawn)) == drawn
    assert any(parameters != drawn[0] for parameters in drawn)
    assert transform.draw(-1) == transform.draw(2**64 - 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 2])
def test_same_parameters_same_sound(name: str, channels: int, rooms: Path) -> None:
    transform, parameters = always(name, rooms)
    original = stems() if transform.needs_stems else sound(channels)
    kept = {k: v.copy() for k, v in original.items()} if isinstance(original, dict) else original.copy()

    def apply(chosen: Transform, drawn: dict) -> object:
        return chosen.apply(original, drawn, sample_rate=RATE, donor=lambda: stems(50))

    first = apply(transform, parameters)
    assert same(first, apply(transform, json.loads(json.dumps(parameters))))
    other_settings = TRANSFORMS[name](probability=0.0, **({"folder": str(rooms)} if name == "room" else {}))
    assert same(first, apply(other_settings, parameters)), "a setting acts past the parameters"
    assert same(original, kept), "the input was written to"
    for before, after in zip(_arrays(original), _arrays(first), strict=True):
        assert after.dtype == before.dtype == np.float32
        assert np.isfinite(after).all()
        expected = round(before.shape[1] / parameters["factor"]) if name == "tempo" else before.shape[1]
        assert after.shape == (before.shape[0], expected)
        assert not np.shares_memory(before, after)
    if not (name == "channel_swap" and channels == 1):
        assert not same(first, original), "the transform did nothing"


def _arrays(value: object) -> list[np.ndarray]:
    return [np.asarray(v) for v in value.values()] if isinstance(value, dict) else [np.asarray(value)]


@pytest.mark.parametrize("name", NAMES)
def test_probability_is_how_often(name: str, rooms: Path) -> None:
    given_folder = {"folder": str(rooms)} if name == "room" else {}
    kind = TRANSFORMS[name]
    counts = [
        sum(kind(probability=p, **given_folder).draw(seed)["applied"] for seed in range(400))
        for p in (0.0, 0.3, 1.0)
    ]
    assert counts[0] == 0
    assert 80 < counts[1] < 160
    assert counts[2] == 400
    never = kind(probability=0.0, **given_folder)
    original = stems() if never.needs_stems else sound()
    assert never.apply(original, never.draw(1), sample_rate=RATE) is original


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("frames", [1, 3])
def test_silence_and_single_samples_stay_finite(name: str, frames: int, rooms: Path) -> None:
    transform, parameters = always(name, rooms)
    for level in (0.0, 0.5):
        one = np.full((2, frames), level, np.float32)
        original = dict.fromkeys(("mixture", *STEMS), one) if transform.needs_stems else one
        result = transform.apply(original, parameters, sample_rate=RATE, donor=lambda: stems(9, frames=7))
        assert all(np.isfinite(array).all() and array.shape[1] >= 1 for array in _arrays(result))


@settings(deadline=None, max_examples=30)
@given(gain_db=st.floats(-60, 60), dtype=st.sampled_from([np.float32, np.float64]))
def test_gain_is_exact_in_decibels(gain_db: float, dtype: type) -> None:
    samples = sound().astype(dtype)
    louder = run(Gain(), samples, gain_db=gain_db)
    assert louder.dtype == dtype
    measured = 20 * np.log10(
        np.linalg.norm(louder.astype(np.float64)) / np.linalg.norm(samples.astype(np.float64))
    )
    assert measured == pytest.approx(gain_db, abs=1e-4)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**63))
def test_gain_stays_in_its_range(seed: int) -> None:
    assert -3 <= Gain(low_db=-3, high_db=1).draw(seed)["gain_db"] <= 1


@pytest.mark.parametrize("transform", [Polarity(), ChannelSwap()])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_twice_is_once_too_many(transform: Transform, channels: int) -> None:
    samples = sound(channels)
    assert np.array_equal(run(transform, run(transform, samples)), samples)


def test_polarity_negates_and_swap_exchanges() -> None:
    samples = sound()
    assert np.array_equal(run(Polarity(), samples) + samples, np.zeros_like(samples))
    assert np.array_equal(run(ChannelSwap(), samples)[0], samples[1])


@pytest.mark.parametrize("color", ["white", "pink", "brown"])
@pytest.mark.parametrize("snr_db", [-5.0, 20.0, 40.0])
def test_noise_is_at_the_stated_ratio_and_of_the_stated_color(color: str, snr_db: float) -> None:
    samples = sine(1000)
    noise = run(Noise(), samples, snr_db=snr_db, color=color).astype(np.float64) - samples
    measured = 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) / np.mean(noise**2))
    assert measured == pytest.approx(snr_db, abs=0.02)
    frequencies, power = scipy.signal.welch(noise, RATE, nperseg=4096)
    band = (frequencies > 200) & (frequencies < 10000)
    slope = np.polyfit(np.log2(frequencies[band]), 10 * np.log10(power.mean(axis=0)[band]), 1)[0]
    assert slope == pytest.approx({"white": 0, "pink": -3.01, "brown": -6.02}[color], abs=0.25)
    differences = np.diff(noise)  # without the few low frequencies that hold most of pink and brown noise
    assert abs(np.corrcoef(differences)[0, 1]) < 0.03


def test_noise_goes_to_the_mixture_or_to_each_stem_by_itself() -> None:
    noise, parameters = Noise(), {**Noise().draw(0), "applied": True, "color": "white"}
    original = stems()
    noisy = noise.apply(original, parameters, sample_rate=RATE)
    assert not np.array_equal(noisy["mixture"], original["mixture"])
    assert all(np.array_equal(noisy[stem], original[stem]) for stem in STEMS)
    del original["mixture"]
    noisy = noise.apply(original, parameters, sample_rate=RATE)
    added = [noisy[stem] - original[stem] for stem in STEMS]
    assert abs(np.corrcoef(added[0][0], added[1][0])[0, 1]) < 0.1


def cookbook(kind: str, frequency_hz: float, q: float, gain_db: float) -> tuple[list[float], list[float]]:
    """Coefficients as Bristow-Johnson's Audio EQ Cookbook prints them."""
    w, big_a = 2 * np.pi * frequency_hz / RATE, 10 ** (gain_db / 40)
    c, alpha, root = np.cos(w), np.sin(w) / (2 * q), 2 * np.sqrt(big_a) * np.sin(w) / (2 * q)
    plus, minus = big_a + 1, big_a - 1
    return {
        "lowpass": ([(1 - c) / 2, 1 - c, (1 - c) / 2], [1 + alpha, -2 * c, 1 - alpha]),
        "highpass": ([(1 + c) / 2, -1 - c, (1 + c) / 2], [1 + alpha, -2 * c, 1 - alpha]),
        "bandpass": ([alpha, 0, -alpha], [1 + alpha, -2 * c, 1 - alpha]),
        "peaking": (
            [1 + alpha * big_a, -2 * c, 1 - alpha * big_a],
            [1 + alpha / big_a, -2 * c, 1 - alpha / big_a],
        ),
        "low_shelf": (
            [
                big_a * (plus - minus * c + root),
                2 * big_a * (minus - plus * c),
                big_a * (plus - minus * c - root),
            ],
            [plus + minus * c + root, -2 * (minus + plus * c), plus + minus * c - root],
        ),
        "high_shelf": (
            [
                big_a * (plus + minus * c + root),
                -2 * big_a * (minus + plus * c),
                big_a * (plus + minus * c - root),
            ],
            [plus - minus * c + root, 2 * (minus - plus * c), plus - minus * c - root],
        ),
    }[kind]


@pytest.mark.parametrize("kind", ["lowpass", "highpass", "bandpass", "peaking", "low_shelf", "high_shelf"])
def test_filter_is_the_cookbook_through_lfilter(kind: str) -> None:
    samples, chosen = sound(), {"frequency_hz": 700.0, "q": 1.3, "gain_db": 5.0}
    b, a = cookbook(kind, **chosen)
    expected = scipy.signal.lfilter(b, a, samples.astype(np.float64))
    np.testing.assert_allclose(run(Filter(), samples, kind=kind, **chosen), expected, atol=1e-6)


def test_filter_brings_corners_down_to_what_a_low_rate_can_hold() -> None:
    parameters = {**Filter().draw(0), "applied": True, "kind": "lowpass", "frequency_hz": 12000.0}
    low = Filter().apply(sound(), parameters, sample_rate=8000)
    expected = Filter().apply(sound(), {**parameters, "frequency_hz": 3600.0}, sample_rate=8000)
    assert np.array_equal(low, expected)


def test_room_is_a_convolution_without_the_delay_of_the_response(rooms: Path) -> None:
    room, samples = Room(folder=str(rooms)), sound()
    np.testing.assert_allclose(run(room, samples, response="impulse.wav", wet=1.0), samples, atol=1e-6)
    response, _ = soundfile.read(rooms / "deep" / "mono.wav")
    begin = int(np.argmax(np.abs(response) >= 0.1 * np.abs(response).max()))
    response = response[begin:] / np.linalg.norm(response)
    wet = np.stack([np.convolve(channel, response)[: samples.shape[1]] for channel in samples])
    for share in (1.0, 0.3):
        result = run(room, samples, response="deep/mono.wav", wet=share)
        np.testing.assert_allclose(result, share * wet + (1 - share) * samples, atol=1e-5)


def test_room_keeps_the_level_of_noise_and_the_channels_of_the_response(rooms: Path) -> None:
    samples = sound(frames=RATE)
    for name in ("stereo.wav", "deep/mono.wav"):
        wet = run(Room(folder=str(rooms)), samples, response=name, wet=1.0)
        assert 20 * np.log10(np.std(wet) / np.std(samples)) == pytest.approx(0, abs=0.7)
    left = np.stack([sound(1)[0], np.zeros(8000, np.float32)])
    wet = run(Room(folder=str(rooms)), left, response="stereo.wav", wet=1.0)
    assert np.abs(wet[0]).max() > 0.1
    assert np.abs(wet[1]).max() < 1e-6


def test_room_draws_from_every_file_at_any_depth(rooms: Path) -> None:
    room = Room(folder=str(rooms))
    assert {room.draw(seed)["response"] for seed in range(60)} == {
        "impulse.wav",
        "stereo.wav",
        "deep/mono.wav",
    }


def test_room_without_responses_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no impulse responses"):
        Room(folder=str(tmp_path)).draw(0)
    soundfile.write(tmp_path / "nothing.wav", np.zeros(100), RATE)
    with pytest.raises(CorpusError, match=r"nothing\.wav: a silent impulse response"):
        run(Room(folder=str(tmp_path / ".")), sound())


@pytest.mark.parametrize("semitones", [-5.0, 0.0, 3.0])
def test_pitch_moves_a_sine_and_keeps_its_length(semitones: float) -> None:
    moved = run(Pitch(), sine(440), semitones=semitones)
    assert frequency_of(moved) == pytest.approx(440 * 2 ** (semitones / 12), rel=2e-3)
    assert moved.shape == sine(440).shape


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.25])
def test_tempo_changes_the_rate_and_not_the_pitch(factor: float) -> None:
    beats = np.zeros((1, 4 * RATE), np.float32)
    for beat in range(8):
        place = round((0.25 + 0.5 * beat) * RATE)
        beats[0, place : place + 2000] = sine(880, channels=1)[0, :2000] * np.hanning(2000)
    changed = run(Tempo(), beats, factor=factor)
    assert changed.shape[1] == round(beats.shape[1] / factor)
    assert frequency_of(run(Tempo(), sine(440), factor=factor)) == pytest.approx(440, rel=2e-3)
    envelope = np.convolve(np.abs(changed[0]), np.ones(500) / 500, mode="same")
    peaks, _ = scipy.signal.find_peaks(envelope, height=0.3 * envelope.max(), distance=RATE // 5)
    assert np.mean(np.diff(peaks)) / RATE == pytest.approx(0.5 / factor, rel=0.01)


@settings(deadline=None, max_examples=200)
@given(frames=st.integers(1, 200_000), factor=st.floats(0.25, 4))
def test_tempo_asks_for_enough_to_fill_the_window(frames: int, factor: float) -> None:
    parameters = {"transform": "tempo", "applied": True, "factor": factor}
    assert round(Tempo().input_frames(frames, parameters) / factor) >= frames
    assert Tempo().input_frames(frames, {**parameters, "applied": False}) == frames


def test_remix_sums_what_it_gives_and_swaps_whole_stems() -> None:
    original, elsewhere = stems(), stems(100, frames=9000)
    gains_db = {"drums": 6.0, "bass": 0.0, "other": -60.0, "vocals": -6.0}
    parameters = {**Remix().draw(0), "applied": True, "gains_db": gains_db, "swapped": ["bass"]}
    mixed = Remix().apply(original, parameters, sample_rate=RATE, donor=lambda: elsewhere)
    assert list(mixed) == list(original)
    np.testing.assert_allclose(mixed["mixture"], sum(mixed[stem] for stem in STEMS), atol=1e-6)
    np.testing.assert_allclose(mixed["bass"], elsewhere["bass"][:, :8000], rtol=1e-6)
    np.testing.assert_allclose(mixed["vocals"], original["vocals"] * 10 ** (-6 / 20), rtol=1e-5)
    unchanged = {**parameters, "gains_db": dict.fromkeys(STEMS, 0.0), "swapped": []}
    again = Remix().apply(original, unchanged, sample_rate=RATE)
    np.testing.assert_allclose(again["mixture"], original["mixture"], atol=1e-6)


def test_remix_says_what_it_lacks() -> None:
    parameters = {**Remix().draw(0), "applied": True, "swapped": ["drums"]}
    with pytest.raises(UsageError, match="no donor"):
        Remix().apply(stems(), parameters, sample_rate=RATE)
    with pytest.raises(UsageError, match="needs stems by name"):
        Remix().apply(sound(), parameters, sample_rate=RATE)
    with pytest.raises(UsageError, match="lack the stem vocals"):
        Remix().apply({s: sound() for s in STEMS[:3]}, parameters, sample_rate=RATE, donor=stems)


def test_chain_applies_in_order_with_seeds_of_its_own() -> None:
    chain = chain_from_settings({"gain": {"low_db": -12, "high_db": 3}, "polarity": {"probability": 1}})
    assert chain == Chain((Gain(low_db=-12, high_db=3), Polarity(probability=1)))
    parameters = json.loads(json.dumps(chain.draw(3)))
    gain_db = parameters["steps"][0]["gain_db"]
    expected = -sound() * 10 ** (gain_db / 20)
    np.testing.assert_allclose(chain.apply(sound(), parameters, sample_rate=RATE), expected, rtol=1e-6)
    twice = Chain((Gain(), Gain())).draw(0)["steps"]
    assert twice[0]["gain_db"] != twice[1]["gain_db"]
    assert Chain().apply(sound(), Chain().draw(0), sample_rate=RATE).shape == (2, 8000)


def test_chain_asks_for_what_all_its_tempi_need() -> None:
    chain = Chain((Tempo(low_factor=1.5, high_factor=1.5), Gain(), Tempo(low_factor=1.2, high_factor=1.2)))
    parameters = chain.draw(0)
    needed = chain.input_frames(6000, parameters)
    assert needed == pytest.approx(6000 * 1.5 * 1.2, abs=4)
    assert chain.apply(sound(frames=needed), parameters, sample_rate=RATE).shape[1] >= 6000


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"gian": {}}, "augment.gian is not a transform; did you mean gain?"),
        ({"gain": {"lo_db": 1}}, "augment.gain.lo_db is not a setting; did you mean low_db?"),
        ({"gain": {"low_db": "loud"}}, "augment.gain.low_db is 'loud': must be a number"),
        ({"gain": {"low_db": float("nan")}}, "must be a number"),
        ({"gain": {"low_db": 3, "high_db": 1}}, "augment.gain.low_db is 3: exceeds high_db, 1"),
        ({"polarity": {"probability": 1.5}}, "augment.polarity.probability is 1.5: must lie between 0 and 1"),
        ({"noise": {"colors": "white"}}, "augment.noise.colors is 'white': must be a list of names"),
        ({"noise": {"colors": ["violet"]}}, "choose among white, pink, brown"),
        ({"filter": {"kinds": []}}, "choose among lowpass"),
        ({"filter": {"low_hz": 0}}, "must be above 0"),
        ({"room": {}}, "augment.room.folder is missing"),
        ({"room": {"folder": "x", "high_wet": 2}}, "between 0 and 1"),
        ({"pitch": {"keep_formants": 1}}, "augment.pitch.keep_formants is 1: must be true or false"),
        ({"tempo": {"low_factor": 0}}, "must be above 0"),
    ],
)
def test_wrong_settings_are_named(wrong: dict, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        chain_from_settings(wrong)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_parameters_of_another_transform_are_refused() -> None:
    with pytest.raises(UsageError, match="gain: these are parameters of polarity"):
        Gain().apply(sound(), Polarity().draw(0), sample_rate=RATE)


def test_stretching_without_pedalboard_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pedalboard", None)
    with pytest.raises(MissingExtraError, match=r"tonewright\[augment\]"):
        run(Pitch(), sound())


def test_importing_loads_no_heavy_library() -> None:
    code = (
        "import sys, tonewright.audio.augment, tonewright.audio.windows;"
        "print([m for m in ('torch', 'jax', 'pedalboard', 'scipy.signal', 'matplotlib') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
