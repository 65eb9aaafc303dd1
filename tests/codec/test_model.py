from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.files import Clip, read, write
from tonewright.codec import Codec, Config, reconstruct_clip, reconstruct_file
from tonewright.codec.reconstruct import reconstruct_stream
from tonewright.errors import AudioError, OutputError, UsageError

SMALL = Config(hop_samples=16, latent_dims=6, width=8, depth=2)


def lively(config: Config = SMALL, channels: int = 2, seed: int = 0) -> Codec:
    """An untrained codec whose networks are far from zero, so that they matter."""
    torch.manual_seed(seed)
    model = Codec(config, sample_rate=8000, channels=channels).eval()
    for network in (model.encode_residual, model.decode_residual):
        torch.nn.init.normal_(network.leave.weight, std=0.3)
    return model


def noise(channels: int, frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.2, (channels, frames)).astype(np.float32)


def test_the_linear_path_is_the_best_of_its_rank() -> None:
    # Untrained networks give nothing, so the codec is the linear path alone: no projection of the weighed
    # frames to as few numbers has a smaller error than their singular value decomposition.
    torch.manual_seed(0)
    config = Config(hop_samples=16, latent_dims=5, width=8, depth=1)
    model = Codec(config, sample_rate=8000, channels=2)
    mixing = torch.randn(2, 2, 9) * torch.tensor([1.0, 0.1])[:, None, None]
    sound = torch.nn.functional.conv1d(torch.randn(4, 2, 4000), mixing, padding=4)
    model.start_from(sound)
    for network in (model.encode_residual, model.decode_residual):
        torch.nn.init.zeros_(network.leave.weight)
        torch.nn.init.zeros_(network.leave.bias)
    with torch.no_grad():
        frames = model.coefficients(sound)
        made = model.decode_frames(model.posterior(frames).mode())
        latents = model.encode(sound).mode()
    flat = frames.transpose(1, 2).flatten(0, 1).numpy().astype(np.float64)
    left, values, right = np.linalg.svd(flat, full_matrices=False)
    best = (left[:, :5] * values[:5]) @ right[:5]
    error = ((flat - best) ** 2).sum()
    ours = ((frames - made) ** 2).sum().item()
    assert ours == pytest.approx(error, rel=1e-3)
    variances = latents.transpose(0, 1).flatten(1).square().mean(1)
    assert torch.allclose(variances, torch.ones(5), rtol=0.02)


def test_a_latent_hears_its_context_and_nothing_else() -> None:
    model = lively()
    hop, context = model.config.hop_samples, model.context_frames
    sound = torch.from_numpy(noise(2, 100 * hop))[None]
    with torch.no_grad():
        before = model.encode(sound).mode()
        sound[..., 50 * hop] += 1.0
        changed = (model.encode(sound).mode() - before).abs().amax((0, 1)) > 0
    # Sample 50 N lies in frames 50 and 51.
    found = torch.nonzero(changed).flatten()
    assert int(found.min()) == 50 - context
    assert int(found.max()) == 51 + context


@settings(deadline=None, max_examples=25)
@given(
    frames=st.integers(1, 900),
    cuts=st.lists(st.integers(1, 300), min_size=1, max_size=8),
    block=st.floats(0.001, 0.2),
    channels=st.sampled_from([1, 2, 3]),
)
def test_a_stream_equals_the_whole(frames: int, cuts: list[int], block: float, channels: int) -> None:
    model = lively()
    sound = noise(channels, frames)
    blocks, start = [], 0
    for cut in [*cuts, frames]:
        if sound[:, start : start + cut].size:
            blocks.append(sound[:, start : start + cut])
        start += cut
    whole = np.concatenate(list(reconstruct_stream(model, [sound], block_seconds=None)), axis=-1)
    made = np.concatenate(list(reconstruct_stream(model, blocks, block_seconds=block)), axis=-1)
    assert made.shape == whole.shape == sound.shape
    assert np.abs(made - whole).max() <= 1e-5


def test_the_whole_equals_the_model() -> None:
    model = lively()
    sound = noise(2, 1234)
    with torch.no_grad():
        direct = model(torch.from_numpy(sound)[None]).samples[0].numpy()
    assert np.allclose(reconstruct_clip(model, Clip(sound, 8000)).samples, direct, atol=1e-6)


def test_only_training_draws() -> None:
    model = lively()
    sound = torch.from_numpy(noise(2, 400))[None]
    with torch.no_grad():
        assert torch.equal(model(sound).samples, model(sound).samples)
        drawn = [model(sound, torch.Generator().manual_seed(seed)).samples for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [8000, 11025, 48000])
def test_files_keep_rate_channels_and_length(tmp_path, rate: int, channels: int) -> None:
    model = lively()
    clip = Clip(noise(channels, rate // 3 + 1), rate)
    write(tmp_path / "in.wav", clip, encoding="float")
    reconstruct_file(tmp_path / "in.wav", tmp_path / "out.wav", model, block_seconds=0.05)
    made = read(tmp_path / "out.wav")
    assert (made.sample_rate, made.samples.shape) == (rate, clip.samples.shape)
    direct = reconstruct_clip(model, clip).samples
    assert np.abs(made.samples - direct).max() < 1e-4  # float stays float, also over full scale


def test_an_output_is_not_overwritten_and_none_is_left_after_an_error(tmp_path) -> None:
    model = lively()
    clip = Clip(noise(1, 4000), 8000)
    write(tmp_path / "in.wav", clip, encoding="float")
    (tmp_path / "out.wav").write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"out\.wav"):
        reconstruct_file(tmp_path / "in.wav", tmp_path / "out.wav", model)
    assert (tmp_path / "out.wav").read_bytes() == b"mine"
    clip.samples[0, 3000] = np.nan
    write_raw_float(tmp_path / "nan.wav", clip)
    with pytest.raises(AudioError, match=r"nan\.wav"):
        reconstruct_file(tmp_path / "nan.wav", tmp_path / "new.wav", model, block_seconds=0.1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.wav", "nan.wav", "out.wav"]


def test_the_input_is_never_the_output(tmp_path) -> None:
    path = tmp_path / "in.wav"
    write(path, Clip(noise(1, 1000), 8000))
    (tmp_path / "link.wav").symlink_to(path)
    before = path.read_bytes()
    for target in (path, tmp_path / "link.wav"):
        with pytest.raises(OutputError, match="the input itself"):
            reconstruct_file(path, target, lively(), overwrite=True)
    assert path.read_bytes() == before


def test_sound_unlike_that_of_the_preparation_gets_no_runaway_latents() -> None:
    # Prepared on a single sine, then given noise: directions that the sine never used must not be blown up.
    model = lively()
    sine = 0.1 * torch.sin(torch.arange(4000) * 0.3).expand(2, 2, 4000)
    model.start_from(sine)
    with torch.no_grad():
        latents = model.encode_linear(model.coefficients(torch.from_numpy(noise(2, 4000))[None]))
    assert float(latents.abs().max()) < 1e4


def write_raw_float(path, clip: Clip) -> None:
    import soundfile

    soundfile.write(path, clip.samples.T, clip.sample_rate, subtype="FLOAT")


def test_mixed_precision_leaves_the_linear_path_exact() -> None:
    # The transform and the linear maps are not quantised: the inverse undoes the transform as in float32.
    model = lively()
    sound = torch.from_numpy(noise(2, 1000))[None]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        coefficients = model.coefficients(sound)
        again = model.samples(coefficients, 1000)
        latents = model.encode_residual(coefficients)
    assert coefficients.dtype == again.dtype == torch.float32
    assert latents.dtype == torch.bfloat16
    assert torch.allclose(again, sound, atol=1e-5)


@pytest.mark.parametrize(
    "wrong", [{"kernel": 4}, {"latent_dims": 0}, {"hop_samples": -1}, {"depth": 0}, {"width": 0}]
)
def test_sizes_that_describe_no_codec_are_refused(wrong: dict) -> None:
    with pytest.raises(UsageError, match=f"system.{next(iter(wrong))}"):
        Config(**wrong)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_length(tmp_path) -> None:
    code = (
        "import re, sys, torch; torch.set_num_threads(1)\n"
        "from tonewright.codec import Codec, Config, reconstruct_file\n"
        "model = Codec(Config(latent_dims=8, width=16, depth=1), sample_rate=44100, channels=2).eval()\n"
        "reconstruct_file(sys.argv[1], sys.argv[2], model, block_seconds=2.0)\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    peaks = []
    for seconds in (5, 150):
        path = tmp_path / f"{seconds}.wav"
        write(path, Clip(np.tile(noise(2, 44100), (1, seconds)), 44100), encoding="pcm16")
        command = [sys.executable, "-c", code, str(path), str(tmp_path / f"{seconds}.out.wav")]
        peaks.append(int(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    # 145 s more of stereo are 51 MB as float32; a whole pass would need several times that.
    assert peaks[1] - peaks[0] < 25_000
