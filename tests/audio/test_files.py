"""Sound files: what is written is read, any part of it, at any rate, in any blocks."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio import files
from tonewright.audio.files import Clip
from tonewright.errors import AudioError, OutputError, UsageError

FORMATS = [
    (".wav", "pcm16"),
    (".wav", "pcm24"),
    (".wav", "float"),
    (".flac", "pcm16"),
    (".flac", "pcm24"),
    (".ogg", "vorbis"),
]


def noise(channels: int = 2, frames: int = 30_000, *, seed: int = 0, level: float = 0.1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.clip(level * generator.standard_normal((channels, frames)), -0.99, 0.99).astype(np.float32)


def joined(blocks: object) -> np.ndarray:
    return np.concatenate(list(blocks), axis=1)  # type: ignore[call-overload]


class TestRoundTrip:
    @pytest.mark.parametrize(
        ("suffix", "encoding", "step"),
        [(*f, s) for f, s in zip(FORMATS[:5], (2**-15, 2**-23, 0.0, 2**-15, 2**-23), strict=True)],
    )
    def test_differs_by_half_a_step_at_most(
        self, tmp_path: Path, suffix: str, encoding: str, step: float
    ) -> None:
        samples = noise()
        path = tmp_path / f"sound{suffix}"
        files.write(path, Clip(samples, 44_100), encoding=encoding)
        clip = files.read(path)
        assert clip.sample_rate == 44_100
        # Near 1 a float32 step is 2⁻²⁴: half of it may come on top.
        assert np.abs(clip.samples - samples).max() <= step / 2 + 2**-25
        if step:
            assert np.abs(clip.samples - samples).max() > step / 8

    @pytest.mark.parametrize(("suffix", "encoding"), FORMATS[:5])
    def test_read_and_written_again_stays_the_same(self, tmp_path: Path, suffix: str, encoding: str) -> None:
        first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
        extremes = np.array([[-1.0, 1 - 2**-23, 0.5, -0.5, 2**-15, -(2**-15)]], np.float32)
        files.write(first, Clip(np.concatenate([extremes, noise(1)], axis=1), 48_000), encoding=encoding)
        files.write(second, files.read(first), encoding=encoding)
        assert np.array_equal(files.read(first).samples, files.read(second).samples)
        assert first.read_bytes() == second.read_bytes()

    @pytest.mark.parametrize("bits", [16, 24])
    def test_every_integer_value_keeps_its_value(self, tmp_path: Path, bits: int) -> None:
        top = 2 ** (bits - 1)
        integers = np.unique(np.linspace(-top, top - 1, 65_536).astype(np.int64))
        samples = (integers / top).astype(np.float32)[None]
        files.write(tmp_path / "all.wav", Clip(samples, 8_000), encoding=f"pcm{bits}")
        stored, _ = soundfile.read(tmp_path / "all.wav", dtype="int32")
        assert np.array_equal(stored >> (32 - bits), integers)

    def test_too_loud_is_clipped_not_wrapped(self, tmp_path: Path) -> None:
        samples = np.array([[2.0, -2.0, 1.0, -1.0]], np.float32)
        files.write(tmp_path / "loud.wav", Clip(samples, 8_000), encoding="pcm16")
        top = 1 - 2**-15
        assert files.read(tmp_path / "loud.wav").samples.tolist() == [[top, -1.0, top, -1.0]]
        files.write(tmp_path / "loud.wav", Clip(samples, 8_000), encoding="float", overwrite=True)
        assert np.array_equal(files.read(tmp_path / "loud.wav").samples, samples)

    def test_ogg_is_close_to_the_original(self, tmp_path: Path) -> None:
        time = np.arange(44_100 * 2) / 44_100
        tone = 0.5 * np.sin(2 * np.pi * 440 * time).astype(np.float32)
        files.write(tmp_path / "tone.ogg", Clip(tone[None], 44_100))
        decoded = files.read(tmp_path / "tone.ogg").samples[0]
        assert len(decoded) == len(tone)
        error = np.mean((decoded - tone) ** 2) / np.mean(tone**2)
        assert 10 * math.log10(error) < -25

    def test_long_ogg(self, tmp_path: Path) -> None:
        samples = noise(2, 44_100 * 60)
        files.write(tmp_path / "long.ogg", Clip(samples, 44_100))
        assert files.probe(tmp_path / "long.ogg").frames == samples.shape[1]

    @pytest.mark.parametrize(("suffix", "encoding"), FORMATS[:5])
    def test_blocks_give_the_same_bytes_as_the_whole(
        self, tmp_path: Path, suffix: str, encoding: str
    ) -> None:
        samples = noise(2, 10_000)
        files.write(tmp_path / f"whole{suffix}", Clip(samples, 22_050), encoding=encoding)
        path = tmp_path / f"blocks{suffix}"
        with files.SoundWriter(path, sample_rate=22_050, channels=2, encoding=encoding) as writer:
            for start in range(0, 10_000, 777):
                writer.write(samples[:, start : start + 777])
        assert writer.frames == 10_000
        assert np.array_equal(files.read(path).samples, files.read(tmp_path / f"whole{suffix}").samples)

    def test_float_wav_has_no_time_stamp(self, tmp_path: Path) -> None:
        files.write(tmp_path / "a.wav", Clip(noise(), 44_100), encoding="float")
        data = (tmp_path / "a.wav").read_bytes()
        peak = data.index(b"PEAK")
        assert data[peak + 12 : peak + 16] == bytes(4)

    def test_float64_is_written_as_given(self, tmp_path: Path) -> None:
        samples = noise().astype(np.float64)
        with files.SoundWriter(
            tmp_path / "a.wav", sample_rate=44_100, channels=2, encoding="pcm24"
        ) as writer:
            writer.write(samples)
        assert np.abs(files.read(tmp_path / "a.wav").samples - samples).max() <= 2**-24

    def test_default_encoding_is_24_bits(self, tmp_path: Path) -> None:
        for name in ("a.wav", "a.flac", "A.WAV"):
            files.write(tmp_path / name, Clip(noise(), 44_100))
            assert files.probe(tmp_path / name).encoding == "PCM_24"


class TestParts:
    @pytest.mark.parametrize(("suffix", "encoding"), FORMATS)
    def test_a_part_is_that_part_of_the_whole(self, tmp_path: Path, suffix: str, encoding: str) -> None:
        path = tmp_path / f"sound{suffix}"
        files.write(path, Clip(noise(2, 50_000), 44_100), encoding=encoding)
        whole = files.read(path).samples
        for start, frames in [(0, 1), (1, 1), (12_345, 6_789), (49_999, 1), (0, 50_000), (30_000, None)]:
            part = files.read(path, start=start, frames=frames).samples
            end = 50_000 if frames is None else start + frames
            assert np.array_equal(part, whole[:, start:end])
            assert part.flags.c_contiguous
            assert part.dtype == np.float32

    def test_mp3(self, tmp_path: Path) -> None:
        samples = noise(2, 60_000)
        soundfile.write(tmp_path / "a.mp3", samples.T, 44_100)
        whole = files.read(tmp_path / "a.mp3").samples
        assert whole.shape == (2, 60_000)
        part = files.read(tmp_path / "a.mp3", start=20_011, frames=999).samples
        assert np.abs(part - whole[:, 20_011:21_010]).max() < 1e-6

    @settings(deadline=None, max_examples=30)
    @given(start=st.integers(0, 5_000), frames=st.integers(0, 5_000), block=st.integers(1, 6_000))
    def test_streams_of_any_part(
        self, tmp_path_factory: pytest.TempPathFactory, start: int, frames: int, block: int
    ) -> None:
        path = tmp_path_factory.getbasetemp() / "streamed.flac"
        samples = noise(2, 5_001)
        if not path.exists():
            files.write(path, Clip(samples, 8_000))
        if start + frames > 5_001:
            with pytest.raises(AudioError, match="holds 5001 frames"):
                list(files.stream(path, block_frames=block, start=start, frames=frames))
            return
        blocks = list(files.stream(path, block_frames=block, start=start, frames=frames))
        assert [piece.shape[1] for piece in blocks[:-1]] == [block] * max(0, len(blocks) - 1)
        expected = files.read(path, start=start, frames=frames).samples
        assert np.array_equal(joined([expected[:, :0], *blocks]), expected)

    @pytest.mark.parametrize(("start", "frames"), [(-1, 10), (0, 101), (100, 1), (101, None), (5, -1)])
    def test_parts_that_are_not_there(self, tmp_path: Path, start: int, frames: int | None) -> None:
        files.write(tmp_path / "a.wav", Clip(noise(1, 100), 8_000))
        with pytest.raises(AudioError, match="holds 100 frames"):
            files.read(tmp_path / "a.wav", start=start, frames=frames)

    def test_a_reader_reads_in_any_order(self, tmp_path: Path) -> None:
        files.write(tmp_path / "a.flac", Clip(noise(), 44_100))
        whole = files.read(tmp_path / "a.flac").samples
        with files.SoundReader(tmp_path / "a.flac") as reader:
            for start in (20_000, 5, 20_000, 29_999, 0):
                assert np.array_equal(reader.read(start=start, frames=1), whole[:, start : start + 1])


class TestRates:
    @pytest.mark.parametrize(
        ("from_rate", "to_rate"), [(48_000, 44_100), (44_100, 16_000), (8_000, 192_000), (192_000, 8_000)]
    )
    @pytest.mark.parametrize("block_frames", [1, 1_000, 1_000_000])
    def test_streaming_equals_the_whole(
        self, tmp_path: Path, from_rate: int, to_rate: int, block_frames: int
    ) -> None:
        frames = 300 if block_frames == 1 else 20_003
        files.write(tmp_path / "a.wav", Clip(noise(2, frames), from_rate), encoding="float")
        blocks = list(files.stream(tmp_path / "a.wav", block_frames=block_frames, sample_rate=to_rate))
        assert all(block.shape[1] == block_frames for block in blocks[:-1])
        assert np.array_equal(joined(blocks), files.read(tmp_path / "a.wav", sample_rate=to_rate).samples)

    @settings(deadline=None, max_examples=40)
    @given(
        rates=st.tuples(*[st.sampled_from([8_000, 11_025, 22_050, 44_100, 48_000, 96_000])] * 2),
        frames=st.integers(1, 3_000),
    )
    def test_length(self, rates: tuple[int, int], frames: int) -> None:
        resampled = files.resample(noise(1, frames), from_rate=rates[0], to_rate=rates[1])
        assert abs(resampled.shape[1] - frames * rates[1] / rates[0]) <= 1
        assert resampled.shape[1] >= 1

    def test_a_tone_stays_that_tone(self) -> None:
        tone = np.sin(2 * np.pi * 1_000 * np.arange(48_000) / 48_000)[None]
        resampled = files.resample(tone, from_rate=48_000, to_rate=44_100)
        expected = np.sin(2 * np.pi * 1_000 * np.arange(44_100) / 44_100)[None]
        assert np.abs(resampled - expected)[:, 2_000:-2_000].max() < 1e-5

    def test_what_the_new_rate_cannot_hold_is_gone(self) -> None:
        tone = np.sin(2 * np.pi * 8_500 * np.arange(44_100) / 44_100)[None]
        resampled = files.resample(tone, from_rate=44_100, to_rate=16_000)
        level = np.sqrt(np.mean(resampled[:, 1_000:-1_000] ** 2))
        assert 20 * math.log10(level) < -100

    def test_agrees_with_soxr(self) -> None:
        samples = noise(2, 10_000)
        expected = soxr.resample(samples.T, 44_100, 32_000, quality="HQ").T
        assert np.array_equal(files.resample(samples, from_rate=44_100, to_rate=32_000), expected)

    def test_one_sample_stays_one(self, tmp_path: Path) -> None:
        clip = Clip(np.array([[0.25]], np.float32), 44_100)
        files.write(tmp_path / "one.wav", clip)
        assert clip.resampled(8_000).samples.tolist() == [[0.25]]
        streamed = joined(files.stream(tmp_path / "one.wav", block_frames=10, sample_rate=8_000))
        assert streamed.tolist() == [[0.25]]

    @pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000])
    @pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
    def test_every_common_rate(self, tmp_path: Path, rate: int, suffix: str) -> None:
        files.write(tmp_path / f"a{suffix}", Clip(noise(1, 1_000), rate))
        assert files.probe(tmp_path / f"a{suffix}").sample_rate == rate


class TestChannels:
    @pytest.mark.parametrize("channels", [1, 2, 6])
    @pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
    def test_written_and_read(self, tmp_path: Path, channels: int, suffix: str) -> None:
        levels = np.linspace(0.1, 0.6, channels, dtype=np.float32)[:, None]
        time = np.arange(8_820) / 44_100
        # Low, since the sixth channel is for low frequencies alone in Vorbis.
        tones = levels * np.sin(2 * np.pi * 50 * time).astype(np.float32)
        files.write(tmp_path / f"a{suffix}", Clip(tones, 44_100))
        clip = files.read(tmp_path / f"a{suffix}")
        assert clip.samples.shape == (channels, 8_820)
        found = np.sqrt(2 * np.mean(clip.samples**2, axis=1))
        assert np.all(np.diff(found) > 0) or channels == 1
        assert np.allclose(found, levels[:, 0], atol=0.1)

    def test_rules(self) -> None:
        samples = noise(6, 100)
        assert np.array_equal(files.convert_channels(samples, 2), samples[:2])
        assert np.allclose(files.convert_channels(samples, 1), samples.mean(axis=0), atol=1e-7)
        assert np.array_equal(files.convert_channels(samples[:1], 3), samples[[0, 0, 0]])
        assert files.convert_channels(samples, 6) is samples
        with pytest.raises(UsageError, match="2 channels cannot be made 6"):
            files.convert_channels(samples[:2], 6)
        with pytest.raises(UsageError, match="at least 1 channel"):
            files.convert_channels(samples, 0)

    def test_while_reading(self, tmp_path: Path) -> None:
        files.write(tmp_path / "a.wav", Clip(noise(), 44_100), encoding="float")
        mono = files.read(tmp_path / "a.wav", channels=1)
        assert np.array_equal(mono.samples, files.read(tmp_path / "a.wav").mono().samples)


class TestClip:
    def test_facts(self) -> None:
        clip = Clip(noise(2, 22_050).astype(np.float64), 44_100)
        assert (clip.channels, clip.frames, clip.seconds) == (2, 22_050, 0.5)
        assert clip.samples.dtype == np.float32
        assert clip.resampled(44_100).samples is clip.samples

    @pytest.mark.parametrize(
        "samples", [np.zeros(5), np.zeros((1, 2, 3)), np.zeros((0, 5)), np.zeros((1, 5), int)]
    )
    def test_refuses_other_shapes_and_integers(self, samples: np.ndarray) -> None:
        with pytest.raises(UsageError):
            Clip(samples, 44_100)

    @pytest.mark.parametrize("rate", [0, -1, 44_100.5])
    def test_refuses_other_rates(self, rate: float) -> None:
        with pytest.raises(UsageError, match="sample rate"):
            Clip(np.zeros((1, 1)), rate)  # type: ignore[arg-type]


class TestNames:
    @pytest.mark.parametrize(
        "name", ["with space.wav", "Größe 你好 🎵.flac", "-rf.wav", "--help.flac", "a.b.c.wav", "%s.ogg"]
    )
    def test_are_kept(self, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        files.write(name, Clip(noise(1, 500), 8_000))
        assert [path.name for path in tmp_path.iterdir()] == [name]
        assert files.read(name).frames == 500
        assert files.probe(str(tmp_path / name)).frames == 500

    def test_that_are_no_text(self, tmp_path: Path) -> None:
        path = tmp_path / "broken \udcff name.wav"
        files.write(path, Clip(noise(1, 500), 8_000))
        assert files.read(path).frames == 500

    def test_of_the_longest_length(self, tmp_path: Path) -> None:
        name = "n" * 251 + ".wav"
        files.write(tmp_path / name, Clip(noise(1, 500), 8_000))
        assert files.read(tmp_path / name).frames == 500
        with pytest.raises(OutputError, match="name too long"):
            files.write(tmp_path / f"n{name}", Clip(noise(1, 500), 8_000))


class TestLossy:
    """Files from other encoders than libsndfile's own."""

    @pytest.fixture
    def encode(self, tmp_path: Path):
        if shutil.which("ffmpeg") is None:
            pytest.skip("ffmpeg is not installed")

        def run(name: str, *options: str) -> Path:
            source = "sine=d=3,volume=0.5[a];anoisesrc=d=3:seed=1[b];[a][b]concat=v=0:a=1"
            command = ["ffmpeg", "-v", "error", "-filter_complex", source, *options, str(tmp_path / name)]
            subprocess.run(command, check=True)
            return tmp_path / name

        return run

    @pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
    def test_constant_rate_is_counted(self, encode, rate: int) -> None:
        path = encode("a.mp3", "-ar", str(rate), "-b:a", "32k", "-write_xing", "0")
        clip = files.read(path)
        assert files.probe(path).frames == clip.frames
        assert clip.frames % 576 == 0
        assert abs(clip.seconds - 6) < 0.3

    def test_varying_rate_is_refused_and_tagged_accepted(self, encode) -> None:
        with pytest.raises(AudioError, match="bit rate varies"):
            files.probe(encode("untagged.mp3", "-q:a", "4", "-write_xing", "0"))
        assert abs(files.read(encode("tagged.mp3", "-q:a", "4")).seconds - 6) < 0.1

    @pytest.mark.parametrize(
        ("name", "options", "tolerance"),
        [
            ("low.mp3", ("-b:a", "32k"), 1e-6),
            ("varying.mp3", ("-q:a", "4"), 1e-6),
            ("bare.mp3", ("-b:a", "32k", "-write_xing", "0"), 1e-6),
            ("a.ogg", ("-c:a", "libvorbis"), 0.0),
            ("a.opus", ("-ar", "48000", "-c:a", "libopus", "-b:a", "48k"), 1e-6),
        ],
    )
    def test_parts_of_lossy_files(
        self, encode, name: str, options: tuple[str, ...], tolerance: float
    ) -> None:
        path = encode(name, *options)
        whole = files.read(path).samples
        frames = whole.shape[1]
        assert np.array_equal(joined(files.stream(path, block_frames=5_003)), whole)
        with files.SoundReader(path) as reader:
            for start in [*range(1, frames - 700, frames // 40), frames - 700, 5]:
                part = reader.read(start=start, frames=700)
                assert np.abs(part - whole[:, start : start + 700]).max() <= tolerance
                assert np.array_equal(part, files.read(path, start=start, frames=700).samples)

    def test_reading_between_blocks(self, encode) -> None:
        path = encode("a.mp3", "-q:a", "4")
        whole = files.read(path).samples
        with files.SoundReader(path) as reader:
            for number, block in enumerate(reader.blocks(30_000)):
                assert np.abs(block - whole[:, number * 30_000 :][:, :30_000]).max() < 1e-6
                reader.read(start=7 * number, frames=10)


def test_import_is_light() -> None:
    code = (
        "import sys, tonewright.audio as a; early = set(sys.modules); a.read; late = set(sys.modules);"
        "assert not early & {'numpy', 'soundfile', 'soxr', 'joblib'}, early;"
        "assert not late & {'torch', 'jax', 'scipy', 'joblib', 'matplotlib'}, late"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_public_names_exist() -> None:
    import tonewright.audio

    for name in tonewright.audio.__all__:
        assert getattr(tonewright.audio, name) is not None
    with pytest.raises(AttributeError, match="attribute nothing"):
        _ = tonewright.audio.nothing
