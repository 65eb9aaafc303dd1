"""Sound through a network: in memory, in blocks, from file to file."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import fftconvolve, sosfilt

from tonewright.audio.files import Clip, probe, read, write
from tonewright.errors import AudioError, NetworkError, OutputError
from tonewright.reverb import (
    FDNBuild,
    Renderer,
    Taps,
    build_fdn,
    extract_build,
    impulse_response,
    render,
    render_arrays,
    render_file,
)
from tonewright.reverb.engines.recursion import RecursionEngine
from tonewright.reverb.response import decay_radius, settling_samples

STEADY = settings(deadline=None, max_examples=20, derandomize=True)
RATE = 8000


def network(inputs: int = 1, outputs: int = 1, *, decay_s: float = 0.3, seed: int = 0, **parts) -> FDNBuild:
    """A network that fades evenly."""
    rng = np.random.default_rng(seed)
    delays = np.array([31, 47, 59, 73, 101])
    filters = np.zeros((1, 6, 5))
    filters[0, 0], filters[0, 3] = 10 ** (-3 * delays / (decay_s * RATE)), 1
    a = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    b, c = rng.normal(size=(5, inputs)) / 3, rng.normal(size=(outputs, 5)) / 3
    d = rng.normal(size=(outputs, inputs)) / 2
    return FDNBuild(a, b, c, d, delays, fs=RATE, **{"filters": filters, **parts})


def furnished(inputs: int = 1, outputs: int = 1, *, taps: int = 5) -> FDNBuild:
    """A network with everything that a network can have."""
    rng = np.random.default_rng(4)
    plain = network(inputs, outputs)
    filters = np.zeros((2, 6, 5))
    filters[0] = plain.filters
    filters[1, 0], filters[1, 1], filters[1, 3], filters[1, 4] = 0.45, 0.45, 1, -0.1
    tone = np.zeros((1, 6, outputs))
    tone[0, 0], tone[0, 1], tone[0, 3], tone[0, 5] = 0.7, 0.2, 1, 0.3
    positions = np.sort(rng.choice(900, taps, replace=False))
    early = Taps(positions, rng.normal(size=(outputs, inputs, taps)) / 5)
    return plain.changed(filters=filters, post_eq=tone, early=early, pre_delay=211)


def noise(channels: int = 1, frames: int = 3000, seed: int = 9) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(channels, frames)) / 10


def convolved(build: FDNBuild, samples: np.ndarray, frames: int) -> np.ndarray:
    response = impulse_response(build, frames).reshape(frames, build.outputs, build.inputs)
    return np.stack(
        [
            sum(fftconvolve(samples[k], response[:, o, k])[:frames] for k in range(build.inputs))
            for o in range(build.outputs)
        ]
    )


def test_the_response_is_made_of_its_parts():
    build = furnished(2, 3)
    late = RecursionEngine(build.delays, length=789, filters=build.filters).response(
        build.A, build.B, build.C, np.zeros((3, 2))
    )
    expected = np.zeros((1000, 3, 2))
    assert build.post_eq is not None
    assert build.early is not None
    expected[211:] = sosfilt(build.post_eq[:, :, 0].copy(), late, axis=0)
    expected[0] += build.D
    for position, gain in zip(build.early.positions, np.moveaxis(build.early.gains, 2, 0), strict=True):
        expected[position] += gain
    np.testing.assert_allclose(impulse_response(build, 1000), expected, atol=1e-12)


def test_the_response_has_the_shape_of_the_network():
    assert impulse_response(network(), 10).shape == (10,)
    assert impulse_response(network(1, 3), 10).shape == (10, 3)
    assert impulse_response(network(2, 1), 10, dtype="float32").shape == (10, 1, 2)
    with pytest.raises(NetworkError, match="at least 1 sample"):
        impulse_response(network(), 0)


def test_the_response_lasts_until_it_has_faded():
    build = network(decay_s=0.25).changed(D=0.0)
    response = impulse_response(build)
    assert response.size == settling_samples(build) == pytest.approx(0.25 * RATE + 101, abs=2)
    first, last = (np.sqrt(np.mean(part**2)) for part in (response[101:301], response[-100:]))
    assert 20 * np.log10(last / first) == pytest.approx(-60 * (1 - 250 / response.size), abs=3)
    assert impulse_response(build.changed(filters=None)).size == 2 * RATE + 101
    assert settling_samples(network(decay_s=500)) == 60 * RATE + 101
    assert decay_radius(build) == pytest.approx(10 ** (-3 / (0.25 * RATE)))


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (2, 3)])
@pytest.mark.parametrize("taps", [3, 700])
def test_rendering_is_convolution_with_the_response(inputs, outputs, taps):
    build, samples = furnished(inputs, outputs, taps=taps), noise(inputs)
    found = render(build, samples)
    assert found.dtype == np.float64
    assert found.shape[1] == 3000 + settling_samples(build)
    np.testing.assert_allclose(found, convolved(build, samples, found.shape[1]), atol=1e-12)
    single = render(build, samples.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, found, atol=2e-6 * np.abs(found).max())


@STEADY
@given(
    cuts=st.lists(st.integers(0, 30000), max_size=6),
    taps=st.sampled_from([1, 40, 700]),
    channels=st.integers(1, 2),
)
def test_blocks_equal_the_whole(cuts, taps, channels):
    build, samples = furnished(taps=taps), noise(channels, 30000).astype(np.float32)
    whole = Renderer(build, channels)
    expected = np.concatenate([whole.process(samples), whole.tail()], axis=1)
    stream = Renderer(build, channels)
    made = [stream.process(block) for block in np.split(samples, sorted(cuts), axis=1)]
    made += [stream.tail(1000), stream.tail(stream.tail_samples - 1000)]
    np.testing.assert_allclose(np.concatenate(made, axis=1), expected, atol=1e-6)


def test_sample_by_sample():
    build, samples = furnished(2, 2, taps=60), noise(2, 600)
    stream = Renderer(build, dtype="float64")
    made = np.concatenate([stream.process(samples[:, n : n + 1]) for n in range(600)], axis=1)
    np.testing.assert_allclose(made, render(build, samples, tail=False), atol=1e-12)


def test_the_tail_is_kept_or_cut():
    build, samples = network(), noise()
    whole = render(build, samples)
    np.testing.assert_array_equal(render(build, samples, tail=False), whole[:, :3000])
    assert np.abs(whole[:, 3000:3100]).max() > 100 * np.abs(whole[:, -100:]).max() > 0


def test_mix_goes_from_dry_to_wet():
    build, samples = network(1, 2), noise()
    wet, dry = render(build, samples), render(build, samples, mix=0)
    np.testing.assert_array_equal(dry[:, :3000], np.repeat(samples, 2, axis=0))
    assert not dry[:, 3000:].any()
    np.testing.assert_allclose(render(build, samples, mix=0.3), 0.3 * wet + 0.7 * dry, atol=1e-15)
    for mix in (-0.1, 1.1, float("nan")):
        with pytest.raises(NetworkError, match="choose from 0"):
            render(build, samples, mix=mix)


def test_channels_find_their_inputs():
    mono, stereo = noise(1), noise(2)
    one, wide, full = network(), network(1, 2), network(2, 2)
    apart = [render(one, stereo[k : k + 1])[0] for k in range(2)]
    np.testing.assert_array_equal(render(one, stereo), apart)
    np.testing.assert_allclose(
        render(wide, stereo), render(wide, stereo.mean(axis=0, keepdims=True)), atol=1e-15
    )
    np.testing.assert_array_equal(render(full, mono), render(full, np.repeat(mono, 2, axis=0)))
    assert render(full, stereo).shape == render(full, mono).shape
    np.testing.assert_array_equal(render(one, mono[0]), render(one, mono))
    with pytest.raises(NetworkError, match="3 channels and the network 2 inputs"):
        render(full, noise(3))


def test_dry_sound_goes_through_on_time_at_any_rate():
    build = network().changed(C=np.zeros((1, 5)), D=np.ones((1, 1)))
    time = np.arange(11025) / 11025
    clip = Clip((np.sin(2 * np.pi * 440 * time) * np.hanning(time.size))[None], 11025)
    made = render(build, clip, tail=False)
    assert (made.sample_rate, made.frames) == (11025, clip.frames)
    np.testing.assert_allclose(made.samples, clip.samples, atol=1e-4)


def test_the_tail_is_as_long_at_another_rate():
    build = network()
    clip = Clip(noise(1, 22050), 22050)
    made = render(build, clip, mix=0.5)
    assert made.frames == 22050 + int(np.ceil(settling_samples(build) * 22050 / RATE))
    at_own = render(build, clip.resampled(RATE), mix=0.5)
    assert made.seconds == pytest.approx(at_own.seconds, abs=1e-3)


def test_silence_nothing_and_a_single_sample():
    build = furnished(1, 2, taps=50)
    assert not render(build, np.zeros((1, 5000))).any()
    assert render(build, np.zeros((1, 0))).shape == (2, 0)
    assert Renderer(build).process(np.zeros((1, 0))).shape == (2, 0)
    response = impulse_response(build, settling_samples(build) + 1)
    np.testing.assert_allclose(render(build, np.full((1, 1), 0.5)), 0.5 * response.T, atol=1e-13)
    assert render(build, Clip(np.ones((1, 1), np.float32), 44100)).channels == 2


def test_wrong_sound_is_refused():
    build = network()
    for bad in (np.nan, np.inf):
        samples = noise()
        samples[0, 77] = bad
        with pytest.raises(NetworkError, match="NaN or infinite"):
            render(build, samples)
    for shape in ((2, 3, 4), (0, 4)):
        with pytest.raises(NetworkError, match=r"must be \(channels, time\)"):
            render(build, np.zeros(shape))
    with pytest.raises(NetworkError, match=r"must be \(1, time\)"):
        Renderer(build).process(np.zeros((2, 10)))
    with pytest.raises(NetworkError, match="at least 1 channel"):
        Renderer(build, 0)


def test_an_unstable_network_is_refused():
    build = network().changed(filters=None)
    for matrix in (build.A * 1.01, np.diag([0.5, 0.5, 1.2, 0.1, 0.1])):
        with pytest.raises(NetworkError, match="unstable"):
            render(build.changed(A=matrix), noise())
    assert np.isfinite(render(build, noise())).all()


def test_arrays_are_a_network():
    build, samples = network(1, 2), noise()
    parts = (build.A, build.B, build.C, build.D, build.delays, build.filters)
    found = render_arrays(samples, *parts, sample_rate=RATE, mix=0.4, tail=True)
    np.testing.assert_array_equal(found, render(build, samples, mix=0.4))
    assert render_arrays(samples, *parts, dtype="float32").shape == (2, 3000)


@pytest.mark.parametrize(
    ("rate", "mix", "tail"), [(RATE, 1.0, True), (11025, 0.4, True), (11025, 0.4, False)]
)
def test_a_file_sounds_like_the_clip(tmp_path, rate, mix, tail):
    build, seen = furnished(1, 2, taps=400), []
    clip = Clip(noise(2, 30000), rate)
    write(tmp_path / "dry.wav", clip, encoding="float")
    made = render_file(
        tmp_path / "dry.wav",
        tmp_path / "wet.wav",
        build,
        mix=mix,
        tail=tail,
        block_seconds=0.11,
        progress=lambda done, total: seen.append((done, total)),
    )
    expected = render(build, clip, mix=mix, tail=tail)
    assert probe(made).encoding == "FLOAT"
    np.testing.assert_allclose(read(made).samples, expected.samples, atol=1e-6)
    assert seen[-1] == (expected.frames, expected.frames)
    assert len(seen) > 10
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_what_goes_over_full_scale(tmp_path, caplog):
    build = network().changed(D=np.full((1, 1), 9.0))
    write(tmp_path / "dry.wav", Clip(noise() * 3, RATE))
    with caplog.at_level(logging.WARNING, "tonewright"):
        render_file(tmp_path / "dry.wav", tmp_path / "kept.wav", build, encoding="float")
        assert not caplog.records
        render_file(tmp_path / "dry.wav", tmp_path / "cut.flac", build)
    assert "went over full scale and was clipped" in caplog.text
    kept, cut = read(tmp_path / "kept.wav").samples, read(tmp_path / "cut.flac").samples
    assert np.abs(kept).max() > 2
    np.testing.assert_allclose(cut, kept.clip(-1, 1 - 2.0**-23), atol=2.0**-23)


def test_outputs_are_whole_or_not_there(tmp_path):
    build, source, target = network(), tmp_path / "dry.wav", tmp_path / "wet.wav"
    write(source, Clip(noise(), RATE), encoding="float")
    with pytest.raises(OutputError, match="is the input itself"):
        render_file(source, source, build, overwrite=True)
    render_file(source, target, build)
    before = target.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        render_file(source, target, build, mix=0.5)
    broken = bytearray(source.read_bytes())
    broken[-4:] = np.float32(np.nan).tobytes()
    source.write_bytes(broken)
    with pytest.raises(AudioError, match="NaN"):
        render_file(source, target, build, overwrite=True, block_seconds=0.1)
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dry.wav", "wet.wav"]


def test_a_trainable_network_is_rendered_as_it_stands():
    model = build_fdn(delays=[101, 143, 165, 177], rt=0.1, fs=RATE, nfft=2048, rng=0)
    build, samples = extract_build(model), noise()
    assert impulse_response(model).size == 2048
    np.testing.assert_array_equal(impulse_response(model, 500), impulse_response(build, 500))
    np.testing.assert_array_equal(render(model, samples), render(build, samples))
