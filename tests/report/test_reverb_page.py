from __future__ import annotations

import numpy as np
import pytest

from tonewright.audio.files import Clip
from tonewright.errors import OutputError
from tonewright.report import reverb_report
from tonewright.report.reverb_page import drum_loop, quiet_response, wet_loops
from tonewright.reverb import FDNBuild, compare, impulse_response
from tonewright.reverb.fitting.result import Fit

RATE = 16000


@pytest.fixture(scope="module")
def fit():
    """A stereo network, and a room that is the network's response with noise and a last bit of its own."""
    decay_s, delays = 0.4, np.array([211, 263, 307, 353])
    hadamard = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2
    gains = 10 ** (-3 * delays / (decay_s * RATE))
    network = FDNBuild(
        A=hadamard * gains, B=np.ones((4, 1)) / 2, C=np.array([[1, 1, 1, 1], [1, -1, 1, -1]]) / 2,
        D=np.array([[0.9], [0.7]]), delays=delays, fs=RATE,
    )  # fmt: skip
    response = np.asarray(impulse_response(network, length=RATE)).T
    rng = np.random.default_rng(0)
    room = response + 1e-3 * rng.standard_normal(response.shape)
    difference = compare(Clip(room.astype(np.float32), RATE), Clip(response.astype(np.float32), RATE))
    return Fit(
        network=network,
        room=room,
        response=response,
        sample_rate=RATE,
        room_analysis=difference.measured,
        analysis=difference.fitted,
        figures={"decay_median_percent": 3.21, "c80_median_db": 0.4, "mel_distance_db": np.nan},
        log=({"round": 0, "distance_db": 2.5}, {"round": 1, "note": ["kept"]}),
        assumptions=("the <b>noise</b> was left out",),
        seconds=1.5,
    )


def test_a_fit_becomes_a_page_with_all_it_holds(fit, parse, tmp_path):
    path = reverb_report(fit, tmp_path / "hall.html", title="Hall <i>")
    page = parse(path.read_text(encoding="utf-8"))
    sections = [str(heading["id"]) for heading in page.named("h2")]
    assert sections == [
        f"to-{name}"
        for name in ("how-near-it-comes", "listen", "decay", "colour", "echoes", "the-network", "try-next")
    ]
    for words in (
        "Hall <i>",
        "4 delay lines, 2 outputs, 16 kHz",
        "Decay times 3.2 % off",
        "C80 0.4 dB",
        "Assumed: the <b>noise</b> was left out.",
        "211, 263, 307, 353",
        "Figures by octave, channel 2",
        "tonewright reverb export",
    ):
        assert words in page.text, words
    assert "Mel distance" not in page.text
    assert sum(str(figure.get("id")).startswith("figure-") for figure in page.named("figure")) == 5
    assert [len(samples) for samples, _ in page.sounds()] == [1, 2, 2, 2, 2]


def test_players_hold_the_response_and_the_drums_through_both(fit, parse, tmp_path):
    page = parse(reverb_report(fit, tmp_path / "page.html").read_text(encoding="utf-8"))
    (dry, rate), (room, _), (network, _), (measured, _), (answer, _) = page.sounds()
    assert rate == RATE
    assert dry.shape[1] == room.shape[1] == network.shape[1]
    np.testing.assert_allclose(room / 32768, network / 32768, atol=0.05)
    assert np.abs(measured).max() == pytest.approx(0.9 * 32768, rel=1e-3)
    gain = 0.9 / np.abs(fit.room).max()
    np.testing.assert_allclose(answer / 32768, gain * fit.response, atol=1e-4)


def test_the_loop_through_the_room_is_its_convolution(fit):
    loop = drum_loop(bars=1)
    room, network = wet_loops(fit, loop)
    dry = loop.resampled(RATE).samples[0].astype(float)
    expected = np.convolve(dry, fit.response[1])[: room.frames]
    scale = float(room.samples[1] @ expected / (expected @ expected))
    np.testing.assert_allclose(room.samples[1], scale * expected, atol=0.03)
    np.testing.assert_allclose(network.samples[1], scale * expected, atol=0.03)


def test_the_rooms_noise_is_cut_away_behind_its_decay(fit):
    quiet = quiet_response(fit)
    assert 0.2 * RATE < quiet.shape[1] < 0.7 * RATE
    assert quiet[0, -1] == 0
    np.testing.assert_array_equal(quiet[:, : RATE // 10], fit.room[:, : RATE // 10])


def test_the_loop_is_short_and_the_same_every_time():
    loop = drum_loop()
    assert loop.channels == 1
    assert 5 < loop.seconds < 6
    assert 0.05 < np.abs(loop.samples).max() <= 1.0
    np.testing.assert_array_equal(loop.samples, drum_loop().samples)


def test_an_existing_page_is_kept(fit, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("mine")
    with pytest.raises(OutputError, match=r"page\.html"):
        reverb_report(fit, path)
    assert path.read_text() == "mine"
    assert reverb_report(fit, path, overwrite=True) == path
    assert path.stat().st_size > 10_000
