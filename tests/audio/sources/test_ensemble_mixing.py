"""The mix: stems that add up, at levels that hold, in the place and the room that a part asks for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tonewright.audio.sources.ensemble.arrangement import Part
from tonewright.audio.sources.ensemble.mixing import Desk, balance, master, narrowed, room_response
from tonewright.audio.sources.levelling import active_level_db

RATE = 44_100
FRAMES = 2 * RATE
PART = Part("chords", "other", "piano", room_db=-200.0)
NO_ROOM = np.zeros((2, 64), np.float32)


def noise(seed: int = 0, channels: int = 2) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal((channels, FRAMES))).astype(np.float32)


def mixed(part: Part, track: np.ndarray, response: np.ndarray = NO_ROOM, **options) -> np.ndarray:
    desk = Desk(FRAMES, response, **options)
    desk.add(part, track)
    return desk.stems(np.random.default_rng(0))[part.stem]


def band(sound: np.ndarray, low: float, high: float) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.shape[-1]))) ** 2
    frequencies = np.fft.rfftfreq(sound.shape[-1], 1 / RATE)
    return float(spectrum[..., (frequencies >= low) & (frequencies < high)].sum())


def song() -> dict[str, np.ndarray]:
    desk = Desk(FRAMES, room_response(0, 7, 24))
    for number, stem in enumerate(("drums", "bass", "other", "vocals")):
        desk.add(replace(PART, stem=stem, room_db=-12.0, pan=0.3), noise(number))
    return master(desk.stems(np.random.default_rng(1)), np.random.default_rng(2))


def test_the_mixture_is_the_exact_sum_of_its_stems():
    stems = song()
    assert list(stems) == ["mixture", "drums", "bass", "other", "vocals"]
    assert all(sound.dtype == np.int16 and sound.shape == (2, FRAMES) for sound in stems.values())
    total = sum(stems[name].astype(np.int64) for name in stems if name != "mixture")
    assert np.array_equal(total, stems["mixture"])
    assert all(sound.any() for sound in stems.values())


def test_songs_have_the_level_of_the_pool_and_do_not_clip():
    stems = song()
    level = active_level_db(stems["mixture"] / np.float32(32768), sample_rate=RATE)
    assert level == pytest.approx(-20.0, abs=0.2)
    assert max(np.abs(sound.astype(int)).max() for sound in stems.values()) <= 32768 * 10 ** (-1 / 20) + 1


def test_a_song_of_peaks_is_held_below_full_scale():
    clicks = np.zeros((2, FRAMES), np.float32)
    clicks[:, ::11025] = 1.0
    stems = master({"drums": clicks}, np.random.default_rng(0))
    assert np.abs(stems["drums"].astype(int)).max() <= 32768 * 10 ** (-1 / 20) + 1


def test_songs_begin_and_end_in_silence():
    stems = song()
    assert not stems["mixture"][:, 0].any()
    assert np.abs(stems["mixture"][:, -20:].astype(int)).max() <= 1


def test_loud_and_soft_takes_of_a_part_come_to_one_level():
    track = noise()
    assert np.allclose(mixed(PART, track), mixed(PART, 0.01 * track), rtol=1e-3, atol=1e-5)


def test_levels_of_parts_of_a_stem_are_kept():
    quiet = replace(PART, level_db=-40.0)
    first, second = noise(1), noise(2)
    desk = Desk(FRAMES, NO_ROOM)
    desk.add(PART, first)
    desk.add(quiet, second)
    alone = mixed(PART, first)
    assert np.sqrt(np.mean((desk.stems(np.random.default_rng(0))["other"] - alone) ** 2)) < 0.02 * alone.std()


def test_parts_stand_where_they_are_placed():
    for channels in (1, 2):
        left, right = mixed(replace(PART, pan=-0.8), noise(channels=channels))
        assert np.mean(left**2) > 4 * np.mean(right**2)
    centred = mixed(PART, noise(channels=1))
    assert np.allclose(centred[0], centred[1])
    assert balance(0.0) == pytest.approx([1.0, 1.0])
    narrow = narrowed(noise(), 0.0)
    assert np.allclose(narrow[0], narrow[1])
    assert np.allclose(narrowed(noise(), 1.0), noise(), atol=1e-6)


def test_a_room_answers_after_the_sound():
    click = np.zeros((1, FRAMES), np.float32)
    click[:, 1000] = 1.0
    dry = mixed(PART, click)
    wet = mixed(replace(PART, room_db=0.0), click, room_response(0, 12, 24))
    assert np.sum(wet[:, 3000:] ** 2) > 0.2 * np.sum(wet**2)
    assert np.sum(dry[:, 3000:] ** 2) < 1e-3 * np.sum(dry**2)
    assert np.sum(wet[:, :900] ** 2) < 1e-3 * np.sum(wet**2)


def test_rooms_decay_longer_one_after_another():
    lengths = [room_response(3, number, 24).shape[1] for number in (0, 8, 16, 23)]
    assert lengths == sorted(lengths)
    assert lengths[-1] > 4 * lengths[0]
    assert np.array_equal(room_response(3, 5, 24), room_response.__wrapped__(3, 5, 24))


def test_tone_drive_and_echo_are_heard():
    bright, dark = (mixed(replace(PART, treble_db=gain), noise()) for gain in (6.0, -6.0))
    ratio = [band(sound, 6000, 12000) / band(sound, 200, 1000) for sound in (bright, dark)]
    assert 10 * np.log10(ratio[0] / ratio[1]) == pytest.approx(10.5, abs=1.5)
    time = np.arange(FRAMES) / RATE
    sine = np.tile(0.2 * np.sin(2 * np.pi * 441 * time), (2, 1)).astype(np.float32)
    clean, driven = (mixed(replace(PART, drive=drive), sine) for drive in (0.0, 0.8))
    assert (
        band(driven, 1200, 1400) / band(driven, 400, 480)
        > 1e-3
        > band(clean, 1200, 1400) / band(clean, 400, 480)
    )
    click = np.zeros((2, FRAMES), np.float32)
    click[:, 100] = 1.0
    echo = np.abs(mixed(replace(PART, echo_s=0.25), click)[0])
    assert echo[100 + RATE // 4] == pytest.approx(0.35 * echo[100], rel=0.05)


def test_everything_ends_where_the_speech_does():
    sound = mixed(PART, noise(), highest_hz=8000.0)
    assert band(sound, 8050, 22050) < 1e-6 * band(sound, 100, 7500)
    whole = mixed(PART, noise(), highest_hz=16000.0)
    assert band(whole, 17000, 22050) > 0.01 * band(whole, 100, 7500)


def test_a_silent_part_changes_nothing():
    desk = Desk(FRAMES, NO_ROOM)
    desk.add(PART, np.zeros((2, FRAMES), np.float32))
    assert desk.stems(np.random.default_rng(0)) == {}
