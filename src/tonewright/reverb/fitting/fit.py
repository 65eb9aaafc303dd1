"""`fit`: from a measured response to a network, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.errors import UsageError
from tonewright.reverb.analysis.doubts import check_clip
from tonewright.reverb.analysis.tables import band_name
from tonewright.reverb.config import Config
from tonewright.reverb.fitting.effort import EFFORTS, Effort
from tonewright.reverb.fitting.figures import figures_of
from tonewright.reverb.fitting.late import Found, fitted_late
from tonewright.reverb.fitting.layout import LEAST_FOR_TWO, draw_layout
from tonewright.reverb.fitting.reflections import early_reflections
from tonewright.reverb.fitting.result import Fit
from tonewright.reverb.fitting.room import NAME, Room, prepare
from tonewright.reverb.fitting.target import Target, target_of
from tonewright.reverb.network import FDNBuild, Taps
from tonewright.reverb.response import impulse_response
from tonewright.reverb.stability import check_stable

# A second slope is worth its lines where it brings the curves nearer by this part.
_WORTH = 0.9


def fit(
    clip: Clip,
    *,
    size: int = 16,
    quality: str = "standard",
    budget_s: float | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Fit:
    """A network that decays and sounds as a measured room does.

    The response is analysed in octaves. A network is drawn whose delays suit the room; its absorption, tone
    and output gains are corrected in a closed loop until the late sound decays as the room does, with two
    slopes where the room has them. Reflections of up to the first 80 ms become a sparse filter that makes up
    for what the late sound lacks there.

    Parameters
    ----------
    clip : impulse response of the room; a channel becomes an output
    size : number of delay lines
    quality : "draft", "standard" or "best": how many early reflections, and how many rounds of correction
    budget_s : no new round of correction begins later than this; without it the result depends on nothing
        but the sound and the seed
    seed : of the delays and gains that are drawn
    progress : called with (done, total)

    Returns
    -------
    Fit

    Raises
    ------
    AudioError
        If there is nothing to fit: the response is empty, silent, constant, or not finite.
    UsageError
        If a setting is not one of those above.
    """
    _check(clip, size, quality, budget_s)
    work = _Work(EFFORTS[quality], budget_s, progress)
    room = prepare(clip)
    target = target_of(room, longest_s=work.effort.longest_s)
    found = _best_late(target, size, seed, work)
    taps, early_db = early_reflections(
        target, found.response, count=work.effort.taps, steps=work.effort.polish, go_on=work.in_time
    )
    work.tell({"early_db": early_db})
    network = _network(found, taps, room)
    check_stable(network, "the fitted network")
    response = _response(network, room)
    work.tell({})
    figures, analysis = figures_of(
        room.analysis, Clip(response[~room.silent].astype(np.float32), room.sample_rate)
    )
    work.finish()
    return Fit(
        network=network,
        room=room.samples,
        response=response,
        sample_rate=room.sample_rate,
        room_analysis=room.analysis,
        analysis=analysis,
        figures=figures,
        log=tuple(work.log),
        assumptions=(*room.assumptions, *_assumed(target)),
        seconds=time.perf_counter() - work.begun,
    )


def _check(clip: Clip, size: int, quality: str, budget_s: float | None) -> None:
    """Refuse arguments that cannot be meant."""
    check_clip(clip, NAME)
    try:
        Config(size=size, quality=quality)
    except UsageError as error:
        raise UsageError(str(error).removeprefix("system.")) from None
    if budget_s is not None and not budget_s > 0:
        raise UsageError(f"budget_s is {budget_s:g}; it must be above 0 seconds, or None")


class _Work:
    """What was done so far, and whether there is time for more."""

    def __init__(
        self, effort: Effort, budget_s: float | None, progress: Callable[[int, int], None] | None
    ) -> None:
        self.effort, self.budget_s, self.progress = effort, budget_s, progress
        self.begun = time.perf_counter()
        self.log: list[dict[str, Any]] = []
        self.done, self.total = 0, effort.draws * effort.rounds + 2

    def in_time(self) -> bool:
        """Whether the budget allows more."""
        return self.budget_s is None or time.perf_counter() - self.begun < self.budget_s

    def tell(self, entry: dict[str, Any]) -> bool:
        """Note an entry, report progress, and say whether there is time for more."""
        self.done += 1
        if entry:
            self.log.append(entry)
        if self.progress is not None:
            self.progress(min(self.done, self.total), self.total)
        return self.in_time()

    def finish(self) -> None:
        """Report the end."""
        if self.progress is not None:
            self.progress(self.total, self.total)


def _best_late(target: Target, size: int, seed: int, work: _Work) -> Found:
    """The best late sound of several networks."""
    single, distance = target.curves.decays_s(1)
    two = size >= LEAST_FOR_TWO and target.curves.decays_s(2)[1] < _WORTH * distance
    middle = single[len(single) // 2 - 1 :][: max(1, len(single) // 3)]
    decay = float(np.median(middle[np.isfinite(middle)])) if np.isfinite(middle).any() else 1.0
    best: Found | None = None
    for draw in range(work.effort.draws):
        if best is not None and not work.in_time():
            break
        layout = draw_layout(
            size, len(target.samples), slopes=1 + two, decay_s=decay,
            split_s=target.split_s, sample_rate=target.sample_rate, rng=np.random.default_rng([seed, draw]),
        )  # fmt: skip

        def tell(entry: dict[str, Any], draw: int = draw) -> bool:
            return work.tell({"draw": draw, **entry})

        found = fitted_late(target, layout, rounds=work.effort.rounds, tell=tell)
        if best is None or found.distance_db < best.distance_db:
            best = found
    assert best is not None
    return best


def _network(found: Found, taps: Taps, room: Room) -> FDNBuild:
    """The network, with outputs for silent channels as well."""
    late, layout = found.late, found.late.layout
    heard = np.flatnonzero(~room.silent)
    channels = len(room.silent)
    outputs = np.zeros((channels, len(layout.delays)))
    gains = np.zeros((channels, 1, len(taps.positions)))
    tone = np.zeros((late.tone.shape[0], 6, channels))
    tone[:, [0, 3]] = 1.0
    outputs[heard], gains[heard], tone[:, :, heard] = late.outputs, taps.gains, late.tone
    return FDNBuild(
        A=layout.feedback,
        B=layout.inputs[:, None],
        C=outputs,
        D=np.zeros((channels, 1)),
        delays=layout.delays,
        fs=room.sample_rate,
        filters=late.filters,
        post_eq=tone,
        early=Taps(taps.positions, gains),
        pre_delay=layout.pre_delay,
    )


def _response(network: FDNBuild, room: Room) -> np.ndarray:
    """The network's response (channels, time), as long as the room's."""
    found = impulse_response(network, room.samples.shape[1])
    return np.ascontiguousarray(found.reshape(len(found), -1).T)


def _assumed(target: Target) -> list[str]:
    """What could not be measured, in words."""
    unknown = target.octaves.centers_hz[~target.curves.measured]
    if not len(unknown):
        return []
    names = ", ".join(band_name(center) for center in unknown)
    if len(unknown) == len(target.octaves.centers_hz):
        return [f"{NAME} shows no decay in any octave; one as long as the sound was assumed, 2 s at most"]
    return [f"the decay could not be measured at {names} Hz; that of the nearest octaves was assumed"]
