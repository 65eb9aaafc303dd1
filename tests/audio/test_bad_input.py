"""Missing, damaged and odd files, and places that cannot be written: a right answer or a clear error."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tonewright.audio import files, writing
from tonewright.audio.corpus import load_corpus
from tonewright.audio.files import Clip
from tonewright.errors import AudioError, OutputError, UsageError


def noise(channels: int = 2, frames: int = 40_000) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (channels, frames)).astype(np.float32)


def everything_fails(path: Path, message: str) -> None:
    """Reading, streaming and indexing all give the same one-line reason, with the name of the file."""
    for attempt in (
        lambda: files.read(path),
        lambda: list(files.stream(path, block_frames=1_000)),
        lambda: list(files.stream(path, block_frames=1_000, sample_rate=8_000)),
    ):
        with pytest.raises(AudioError, match=message) as caught:
            attempt()
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


class TestReading:
    def test_missing(self, tmp_path: Path) -> None:
        everything_fails(tmp_path / "a.wav", "there is no such file")

    def test_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "a.wav").mkdir()
        everything_fails(tmp_path / "a.wav", "is a folder")

    def test_a_pipe(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "a.wav")
        everything_fails(tmp_path / "a.wav", "is not a regular file")

    def test_a_path_through_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        everything_fails(tmp_path / "file" / "a.wav", "cannot be opened")

    def test_no_permission(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        files.write(tmp_path / "a.wav", Clip(noise(), 44_100))
        monkeypatch.setattr(os, "access", lambda path, mode: False)
        everything_fails(tmp_path / "a.wav", "permission denied")

    @pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
    def test_empty(self, tmp_path: Path, suffix: str) -> None:
        (tmp_path / f"a.{suffix}").touch()
        everything_fails(tmp_path / f"a.{suffix}", "is empty")

    @pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "aiff"])
    def test_text(self, tmp_path: Path, suffix: str) -> None:
        (tmp_path / f"a.{suffix}").write_text("once upon a time " * 500)
        everything_fails(tmp_path / f"a.{suffix}", "is not a sound file that can be read")

    def test_headerless(self, tmp_path: Path) -> None:
        (tmp_path / "a.raw").write_bytes(bytes(1_000))
        everything_fails(tmp_path / "a.raw", "has no header")

    @pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
    def test_zero_length(self, tmp_path: Path, subtype: str) -> None:
        soundfile.write(tmp_path / "a.wav", np.zeros((0, 2)), 44_100, subtype=subtype)
        assert files.probe(tmp_path / "a.wav").frames == 0
        everything_fails(tmp_path / "a.wav", "holds no samples")

    @pytest.mark.parametrize(
        ("name", "subtype"),
        [
            *(("a.wav", "PCM_16"), ("a.wav", "FLOAT"), ("a.aiff", "PCM_24"), ("a.au", "PCM_16")),
            *(("a.flac", "PCM_16"), ("a.ogg", "VORBIS"), ("a.ogg", "OPUS"), ("a.mp3", "MPEG_LAYER_III")),
        ],
    )
    @pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
    def test_truncated(self, tmp_path: Path, name: str, subtype: str, share: float) -> None:
        path = tmp_path / name
        soundfile.write(path, noise().T, 48_000, subtype=subtype)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        everything_fails(path, "is truncated" if subtype != "OPUS" else "is truncated|is malformed")

    @pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "au"])
    def test_cut_anywhere_is_never_taken_for_whole(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"a.{suffix}"
        soundfile.write(path, noise(1, 3_000).T, 44_100)
        content = path.read_bytes()
        for length in range(0, len(content) - 500, 97):
            path.write_bytes(content[:length])
            with pytest.raises(AudioError):
                files.read(path)

    @pytest.mark.parametrize("suffix", ["wav", "flac"])
    def test_what_is_there_of_a_truncated_file_is_counted(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"a.{suffix}"
        soundfile.write(path, noise().T, 44_100, subtype="PCM_16")
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(AudioError, match=r"promises 40000 frames, (\d+) are there") as caught:
            files.read(path)
        present = int(caught.value.reason.split("frames, ")[1].split()[0])
        assert 40_000 * 0.4 < present < 40_000 * 0.55

    def test_the_sound_part_of_a_truncated_flac_can_be_read(self, tmp_path: Path) -> None:
        path = tmp_path / "a.flac"
        files.write(path, Clip(noise(), 44_100))
        whole = files.read(path).samples
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert np.array_equal(files.read(path, start=5_000, frames=5_000).samples, whole[:, 5_000:10_000])

    @pytest.mark.parametrize("length", [0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F000])
    def test_a_wav_from_a_pipe_has_no_length_and_is_whole(self, tmp_path: Path, length: int) -> None:
        path = tmp_path / "a.wav"
        soundfile.write(path, noise().T, 44_100, subtype="PCM_16")
        content = bytearray(path.read_bytes())
        place = content.index(b"data") + 4
        content[place : place + 4] = length.to_bytes(4, "little")
        path.write_bytes(content)
        assert files.read(path).frames == 40_000

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
    def test_nonfinite(self, tmp_path: Path, value: float, subtype: str) -> None:
        path = tmp_path / "a.wav"
        samples = noise()
        samples[1, 12_345] = value
        soundfile.write(path, samples.T, 44_100, subtype=subtype)
        everything_fails(path, r"NaN or infinite samples \(1 in the part read, the first at frame 12345\)")
        assert np.array_equal(files.read(path, frames=12_345).samples, samples[:, :12_345])
        with files.SoundReader(path, allow_nonfinite=True) as reader:
            assert np.array_equal(reader.read(), samples, equal_nan=True)

    def test_float64_beyond_float32(self, tmp_path: Path) -> None:
        soundfile.write(tmp_path / "a.wav", np.array([[0.5], [1e300]]), 44_100, subtype="DOUBLE")
        with np.errstate(over="ignore"):
            everything_fails(tmp_path / "a.wav", "the first at frame 1")

    def test_float64_is_rounded_to_float32(self, tmp_path: Path) -> None:
        samples = np.random.default_rng(0).uniform(-2, 2, 1_000)
        soundfile.write(tmp_path / "a.wav", samples, 44_100, subtype="DOUBLE")
        assert np.array_equal(files.read(tmp_path / "a.wav").samples[0], samples.astype(np.float32))

    @pytest.mark.parametrize("value", [0.0, 0.25, -1.0])
    @pytest.mark.parametrize("frames", [1, 2, 10_000])
    def test_silence_and_offset(self, tmp_path: Path, value: float, frames: int) -> None:
        for suffix in (".wav", ".flac"):
            path = tmp_path / f"a{suffix}"
            files.write(path, Clip(np.full((1, frames), value), 44_100))
            assert np.array_equal(files.read(path).samples, np.full((1, frames), value))
            resampled = files.read(path, sample_rate=48_000).samples
            assert np.isfinite(resampled).all()
            assert resampled.shape[1] >= 1

    def test_odd_formats(self, tmp_path: Path) -> None:
        ramp = np.linspace(-0.5, 0.5, 1_000)
        for subtype, step in [("PCM_U8", 2**-7), ("ULAW", 0.02), ("ALAW", 0.02), ("IMA_ADPCM", 0.05)]:
            soundfile.write(tmp_path / "a.wav", ramp, 192_000, subtype=subtype)
            clip = files.read(tmp_path / "a.wav", frames=1_000)
            assert clip.sample_rate == 192_000
            assert np.abs(clip.samples[0] - ramp).max() < step

    def test_a_corpus_of_all_this(self, tmp_path: Path) -> None:
        files.write(tmp_path / "good.wav", Clip(noise(), 44_100))
        (tmp_path / "empty.wav").touch()
        (tmp_path / "text.wav").write_text("text")
        (tmp_path / "folder.wav").mkdir()
        os.mkfifo(tmp_path / "pipe.wav")
        (tmp_path / "dead.wav").symlink_to("nowhere")
        soundfile.write(tmp_path / "zero.wav", np.zeros((0, 1)), 44_100)
        corpus = load_corpus(tmp_path)
        assert [track.name for track in corpus.tracks] == ["good"]
        assert {Path(bad.path).name: bad.reason for bad in corpus.unreadable} == {
            "dead.wav": "is a link to nothing",
            "empty.wav": "is empty (0 bytes)",
            "text.wav": "is not a sound file that can be read (Format not recognised)",
            "zero.wav": "holds no samples",
        }


class TestWriting:
    @pytest.fixture(autouse=True)
    def nothing_half_written(self, tmp_path: Path):
        """No test here may leave a file behind that it did not mean to."""
        yield
        assert [path.name for path in tmp_path.rglob(".tonewright-*")] == []

    def test_refuses_to_overwrite(self, tmp_path: Path) -> None:
        path = tmp_path / "a.wav"
        path.write_text("precious")
        with pytest.raises(OutputError, match=r"a\.wav: exists already"):
            files.write(path, Clip(noise(), 44_100))
        assert path.read_text() == "precious"
        files.write(path, Clip(noise(), 44_100), overwrite=True)
        assert files.read(path).frames == 40_000

    def test_a_file_that_appears_in_the_meantime_stays(self, tmp_path: Path) -> None:
        def write_while_another_does() -> None:
            with files.atomic_output(tmp_path / "a") as temporary:
                temporary.write_text("mine")
                (tmp_path / "a").write_text("theirs")

        with pytest.raises(OutputError, match="exists already"):
            write_while_another_does()
        assert (tmp_path / "a").read_text() == "theirs"

    @pytest.mark.parametrize("overwrite", [False, True])
    def test_a_folder_is_not_replaced(self, tmp_path: Path, overwrite: bool) -> None:
        (tmp_path / "a.wav").mkdir()
        with pytest.raises(OutputError, match="is a folder"):
            files.write(tmp_path / "a.wav", Clip(noise(), 44_100), overwrite=overwrite)

    def test_makes_the_folder(self, tmp_path: Path) -> None:
        files.write(tmp_path / "new" / "er" / "a.wav", Clip(noise(), 44_100))
        assert files.probe(tmp_path / "new" / "er" / "a.wav").channels == 2

    def test_a_file_for_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(OutputError, match="file is not a folder"):
            files.write(tmp_path / "file" / "a.wav", Clip(noise(), 44_100))

    @pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
    def test_read_only_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        def touch(path: Path, mode: int = 0o666, exist_ok: bool = True) -> None:
            raise OSError(number, os.strerror(number), str(path))

        monkeypatch.setattr(Path, "touch", touch)
        with pytest.raises(OutputError, match=r"a\.wav: its folder cannot be written"):
            files.write(tmp_path / "a.wav", Clip(noise(), 44_100))

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
    def test_full_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        def write(sound: soundfile.SoundFile, data: np.ndarray) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(soundfile.SoundFile, "write", write)
        with pytest.raises(OutputError, match=r"a\.wav: the disk is full"):
            files.write(tmp_path / "a.wav", Clip(noise(), 44_100))
        assert list(tmp_path.iterdir()) == []

    def test_full_disk_as_libsndfile_reports_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def write(sound: soundfile.SoundFile, data: np.ndarray) -> None:
            raise soundfile.LibsndfileError(2)

        monkeypatch.setattr(soundfile.SoundFile, "write", write)
        monkeypatch.setattr(writing, "_FULL_BYTES", 2**62)
        with pytest.raises(OutputError, match=r"a\.wav: the disk is full"):
            files.write(tmp_path / "a.wav", Clip(noise(), 44_100))
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
    @pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
    def test_a_limit_that_really_stops_the_writing(self, tmp_path: Path, suffix: str, share: float) -> None:
        files.write(tmp_path / f"whole{suffix}", Clip(noise(), 44_100))
        limit = int((tmp_path / f"whole{suffix}").stat().st_size * share)
        script = f"""
            import resource, sys
            import numpy as np
            from tonewright.audio import files
            from tonewright.errors import OutputError
            samples = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 40_000)).astype(np.float32)
            resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
            try:
                files.write("cut{suffix}", files.Clip(samples, 44_100))
            except OutputError as error:
                assert "cut{suffix}: " in str(error), error
                sys.exit(7)
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 7, done.stderr
        assert sorted(path.name for path in tmp_path.iterdir()) == [f"whole{suffix}"]

    @pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
    @pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, MemoryError])
    def test_an_interrupted_write_leaves_the_old_file(
        self, tmp_path: Path, suffix: str, error: type[BaseException]
    ) -> None:
        path = tmp_path / f"a{suffix}"
        files.write(path, Clip(noise(), 44_100))
        before = path.read_bytes()

        def interrupted() -> None:
            with files.SoundWriter(path, sample_rate=44_100, channels=2, overwrite=True) as writer:
                writer.write(noise())
                raise error

        with pytest.raises(error):
            interrupted()
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]

    def test_errors_of_other_files_stay_what_they_are(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError), files.atomic_output(tmp_path / "a"):
            (tmp_path / "other").read_bytes()

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_nonfinite(self, tmp_path: Path, value: float) -> None:
        samples = noise()
        samples[0, -1] = value
        for encoding in ("pcm16", "float"):
            with pytest.raises(AudioError, match="NaN or infinite"):
                files.write(tmp_path / "a.wav", Clip(samples, 44_100), encoding=encoding)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
    def test_nothing_to_write(self, tmp_path: Path, suffix: str) -> None:
        with pytest.raises(AudioError, match="there are no samples"):
            files.write(tmp_path / f"a{suffix}", Clip(np.zeros((2, 0)), 44_100))
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("name", "options", "message"),
        [
            ("a.mp3", {}, r"cannot write \.mp3; use \.wav"),
            ("a", {}, "cannot write a name without suffix"),
            ("a.flac", {"encoding": "float"}, "no encoding 'float'; use pcm24 or pcm16"),
            ("a.wav", {"encoding": "pcm32"}, "no encoding 'pcm32'"),
            ("a.flac", {"channels": 9}, "1 to 8 channels; got 9"),
            ("a.wav", {"channels": 0}, "channels; got 0"),
            ("a.ogg", {"sample_rate": 384_000}, "rates to 200000 Hz; got 384000"),
            ("a.wav", {"sample_rate": 0}, "got 0"),
        ],
    )
    def test_what_a_format_cannot_hold(self, tmp_path: Path, name: str, options: dict, message: str) -> None:
        settings = {"sample_rate": 44_100, "channels": 2, **options}
        with pytest.raises(UsageError, match=message):
            files.SoundWriter(tmp_path / name, **settings)
        assert list(tmp_path.iterdir()) == []

    def test_blocks_of_another_shape(self, tmp_path: Path) -> None:
        for block in (noise(1), noise()[0]):
            with (
                pytest.raises(UsageError, match=r"blocks have shape \(2, time\)"),
                files.SoundWriter(tmp_path / "a.wav", sample_rate=44_100, channels=2) as writer,
            ):
                writer.write(block)
        assert list(tmp_path.iterdir()) == []

    def test_a_wav_of_more_than_four_gigabytes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(writing, "_WAV_BYTES", 100_000)
        with pytest.raises(OutputError, match=r"at most 4 GiB; choose \.flac"):
            files.write(tmp_path / "a.wav", Clip(noise(), 44_100))
        files.write(tmp_path / "a.flac", Clip(noise(), 44_100))

    def test_permissions_are_those_of_any_new_file(self, tmp_path: Path) -> None:
        files.write(tmp_path / "a.wav", Clip(noise(), 44_100))
        (tmp_path / "plain").touch()
        assert (tmp_path / "a.wav").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_a_long_file_in_little_memory(tmp_path: Path) -> None:
    """Fifteen minutes of stereo, 318 MB as float32, are written, resampled and inspected in under 200."""
    script = """
        import re
        import numpy as np
        from tonewright.audio import files
        from tonewright.audio.inspection import report_of
        block = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 441_000)).astype(np.float32)
        with files.SoundWriter("long.wav", sample_rate=44_100, channels=2, encoding="pcm16") as writer:
            for _ in range(90):
                writer.write(block)
        with files.SoundWriter("other.wav", sample_rate=16_000, channels=2, encoding="pcm16") as writer:
            for piece in files.stream("long.wav", block_frames=65_536, sample_rate=16_000):
                writer.write(piece)
        assert writer.frames == 900 * 16_000
        assert report_of("other.wav").seconds == 900
        assert files.read("long.wav", start=800 * 44_100, frames=44_100).seconds == 1
        # The usual ru_maxrss would count the process that started this one too.
        print(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 200
