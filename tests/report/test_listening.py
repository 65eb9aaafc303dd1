from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.files import Clip
from tonewright.report.listening import listening_group


def group(sounds, caption="listen"):
    return listening_group(sounds, caption=caption, prefix="listen-1")


@settings(deadline=None, max_examples=20)
@given(
    channels=st.integers(1, 2),
    frames=st.integers(1, 4000),
    rate=st.sampled_from([8000, 22050, 44100, 48000, 96000, 192000]),
    seed=st.integers(0, 99),
)
def test_what_is_played_is_the_clip_to_sixteen_bits(parse, channels, frames, rate, seed):
    samples = np.random.default_rng(seed).uniform(-1, 1, (channels, frames)).astype(np.float32)
    ((played, played_rate),) = parse(group([("one", Clip(samples, rate))])).sounds()
    assert played_rate == rate
    assert np.abs(played - np.minimum(samples * 32768.0, 32767.0)).max() <= 0.5


def test_a_group_over_full_scale_is_turned_down_alike_and_says_so(parse):
    loud, soft = np.array([[2.0, -1.0, 0.5]]), np.array([[0.4, 0.2, -0.2]])
    page = parse(group([("loud", Clip(loud, 8000)), ("soft", Clip(soft, 8000))]))
    (first, _), (second, _) = page.sounds()
    np.testing.assert_allclose(first / 32768, loud / 2, atol=1 / 32768)
    np.testing.assert_allclose(second / 32768, soft / 2, atol=1 / 32768)
    assert "6.0 dB quieter" in page.text


def test_broken_samples_are_silent_and_counted(parse):
    page = parse(group([("one", Clip(np.array([[0.5, np.nan, np.inf, -0.5]]), 8000))]))
    np.testing.assert_array_equal(page.sounds()[0][0], [[16384, 0, 0, -16384]])
    assert "2 samples were not numbers" in page.text


def test_more_than_two_channels_are_averaged(parse):
    samples = np.random.default_rng(0).uniform(-1, 1, (6, 100))
    page = parse(group([("six", Clip(samples, 8000))]))
    np.testing.assert_allclose(
        page.sounds()[0][0] / 32768, samples.mean(axis=0, keepdims=True), atol=1 / 32768
    )
    assert "6 channels are averaged" in page.text


def test_an_empty_sound_has_no_player_and_a_silent_one_has(parse):
    page = parse(group([("empty", Clip(np.zeros((1, 0)), 8000)), ("silent", Clip(np.zeros((2, 80)), 8000))]))
    assert len(page.sounds()) == 1
    assert "This sound is empty." in page.text
    assert "silent" in page.text


def test_every_control_and_picture_has_a_name_and_labels_are_escaped(parse, tones):
    label = '<script>alert("x")</script>'
    html = group([(label, clip) for _, clip in tones], caption="<b>bold</b>")
    page = parse(html)
    assert not page.named("script")
    assert "<b>bold" not in html
    assert "<b>bold</b>" in page.text
    players = page.named("audio")
    assert [player["aria-label"] for player in players] == [label, label]
    assert all("controls" in player for player in players)
    assert all(label in str(image["alt"]) for image in page.named("img"))
    assert page.named("button")[0]["aria-label"] == "Play"
    ranges = [control for control in page.named("input") if control["type"] == "range"]
    assert ranges[0]["aria-label"]


def test_levels_and_times_are_those_of_the_sound(parse):
    time = np.arange(8000) / 8000
    page = parse(group([("sine", Clip(0.5 * np.sin(2 * np.pi * 100 * time)[None], 8000))]))
    assert "8 kHz, mono, 1.00 s, peak −6.0 dBFS, RMS −9.0 dBFS" in page.text


def test_a_shorter_sound_covers_its_share_of_the_time_axis(parse):
    page = parse(group([("long", Clip(np.ones((1, 800)), 8000)), ("short", Clip(np.ones((1, 200)), 8000))]))
    widths = [image["style"] for image in page.named("img")]
    assert widths == ["width: 100.000%", "width: 25.000%"]


@pytest.mark.parametrize("count", [1, 3, 27])
def test_a_switch_is_there_when_there_is_something_to_switch(parse, count):
    sounds = [(f"sound {index}", Clip(np.zeros((1, 8)), 8000)) for index in range(count)]
    choices = [control for control in parse(group(sounds)).named("input") if control["type"] == "radio"]
    assert len(choices) == (count if count > 1 else 0)
    assert sum("checked" in choice for choice in choices) == (1 if count > 1 else 0)
