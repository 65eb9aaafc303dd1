"""A folder of rooms: names of their files, figures over them, and sound in the first of them."""

from __future__ import annotations

import numpy as np
import pytest

from tonewright.audio.files import Clip, read, write
from tonewright.reverb import fdn_build_gallery, render
from tonewright.reverb.network import FDNBuild, Taps
from tonewright.reverb.room_sets import RoomSet, insert, process_clip, process_file
from tonewright.reverb.training import file_names, metrics


def network(outputs: int) -> FDNBuild:
    build = fdn_build_gallery(3, fs=8000, rt=0.2, num_outputs=outputs, direct_gain=None, io_type="random")
    gains = np.random.default_rng(1).standard_normal((outputs, 1, 2))
    return build.changed(early=Taps(np.array([5, 90]), gains))


def sound(channels: int, *, rate: int = 8000, frames: int = 4000) -> Clip:
    return Clip(np.random.default_rng(2).standard_normal((channels, frames)).astype(np.float32), rate)


def test_names_of_files_are_safe_and_all_different() -> None:
    names = ["a", "a-2", "a?", "a!", "A", "hall/left", "../..", "??", "größe"]
    found = file_names(names)
    assert found == ["a", "a-2", "a-3", "a-4", "A-5", "hall-left", "room", "room-2", "größe"]
    assert len({name.casefold() for name in found}) == len(names)


def test_figures_of_validation_are_medians_of_what_could_be_measured() -> None:
    rooms = {
        "a": {"mel_distance_db": 1.0, "edt": np.nan},
        "b": {"mel_distance_db": 5.0, "edt": 2.0},
        "c": {"mel_distance_db": 3.0, "edt": 4.0},
    }
    rows = metrics(rooms)
    assert [row["validation/loss"] for row in rows] == [1.0, 3.0, 3.0]
    assert [row["train/loss"] for row in rows] == [1.0, 5.0, 3.0]
    np.testing.assert_equal([row["validation/edt"] for row in rows], [np.nan, 2.0, 3.0])


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_room_gives_as_many_channels_as_it_hears(channels: int) -> None:
    clip, build = sound(channels), network(2)
    made = process_clip(RoomSet({"room": build}), clip)
    assert made.samples.shape == clip.samples.shape
    wet = render(build, clip, tail=False).samples
    np.testing.assert_allclose(made.samples, wet[np.arange(channels) % 2], atol=1e-5)


def test_networks_that_fit_already_stay_as_they_are() -> None:
    for build, channels in ((network(1), 2), (network(2), 2)):
        assert insert(build, channels) is build


@pytest.mark.parametrize("rate", [8000, 11025])
def test_blocks_and_files_equal_the_whole(tmp_path, rate: int) -> None:
    model, clip = RoomSet({"room": network(2)}), sound(2, rate=rate)
    clip = Clip(0.05 * clip.samples, rate)
    whole = process_clip(model, clip)
    assert np.abs(whole.samples).max() > 0.01
    blocks = process_clip(model, clip, block_seconds=0.07)
    np.testing.assert_allclose(blocks.samples, whole.samples, atol=1e-5)
    write(tmp_path / "dry.wav", clip, encoding="float")
    process_file(tmp_path / "dry.wav", tmp_path / "wet.wav", model, block_seconds=0.07)
    np.testing.assert_allclose(read(tmp_path / "wet.wav").samples, whole.samples, atol=1e-5)
