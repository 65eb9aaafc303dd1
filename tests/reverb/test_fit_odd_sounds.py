"""What is hardly a room, and arguments that cannot be meant: a fit that says what it assumed, or one line."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tonewright.audio.clips import Clip
from tonewright.errors import AudioError, UsageError
from tonewright.reverb import analyse, fit, is_stable

RATE = 16000


def small(samples: np.ndarray):
    return fit(Clip(np.atleast_2d(samples).astype(np.float32), RATE), size=4, quality="draft")


@pytest.mark.parametrize("place", [0, 1000])
def test_a_single_click_is_answered_by_a_click(place: int) -> None:
    samples = np.zeros(RATE)
    samples[place] = 0.5
    made = small(samples)
    assert is_stable(made.network)
    assert "no decay" in " ".join(made.assumptions)
    peak = int(np.abs(made.room[0]).argmax())
    assert np.abs(made.response[0]).argmax() == peak
    assert made.response[0, peak] == pytest.approx(0.5, rel=0.1)
    # What was not measured has no error, not even none.
    assert math.isnan(made.figures["decay_worst_percent"])


@pytest.mark.parametrize("frames", [2, 60, 300])
def test_what_is_shorter_than_a_delay_line_is_fitted(frames: int) -> None:
    made = small(np.random.default_rng(0).standard_normal(frames) * 0.5 ** (np.arange(frames) / 60))
    assert is_stable(made.network)
    assert np.isfinite(made.response).all()
    assert "assumed" in " ".join(made.assumptions)


def test_what_is_all_but_silent_is_no_room() -> None:
    decay = np.random.default_rng(0).standard_normal((2, 4000)) * 0.5 ** (np.arange(4000) / 300)
    with pytest.raises(AudioError, match="under -200 dB"):
        small(1e-14 * decay)
    made = small(decay * [[1e-3], [1e-14]])
    assert "channel 2 is silent" in " ".join(made.assumptions)
    assert not made.response[1].any()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"size": 7}, "^size is 7"),
        ({"quality": "good"}, "^quality is 'good'"),
        ({"budget_s": 0.0}, "^budget_s is 0"),
        ({"budget_s": math.nan}, "^budget_s is nan"),
    ],
)
def test_arguments_are_refused_by_their_own_names(arguments: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        fit(Clip(np.ones((1, 100), np.float32), RATE), **arguments)


@pytest.mark.parametrize("function", [fit, analyse])
@pytest.mark.parametrize("sound", ["hall.wav", np.ones(100)])
def test_what_is_no_clip_is_told_how_to_become_one(function, sound) -> None:
    with pytest.raises(UsageError, match=r"is no clip; tonewright\.read"):
        function(sound)
