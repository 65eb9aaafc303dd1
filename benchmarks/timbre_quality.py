"""How near the timbre descriptors are to timbral_models, how the two modes differ, and what hard cases give.

``python benchmarks/timbre_quality.py [--sounds FOLDER] [--quick] [--json]``: the peer measures every sound in
the same run, in two processes of an environment of its own (some 20 minutes for 222 sounds and 324 variants).
It ends with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import math
import queue
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from scipy.signal import oaconvolve
from scipy.stats import spearmanr

from harness import Report, Row, SkippedError, Worker, say
from timbre_sounds import at_rates, hard_cases, sounds_of, variants
from tonewright.audio.files import Clip, read
from tonewright.reverb import RoomAnalysis, analyse
from tonewright.timbre import DESCRIPTORS, describe, reverb
from tonewright.timbre.description import Description, model
from tonewright.timbre.names import Mode, UnmeasurableError
from tonewright.timbre.sound import Hearing

COMPARED = ("classic", "hard", "damaged")  # with the peer
PARTS = ("classic", "modes", "rates", "hard", "damaged", "rooms")
POINTS = [name for name in DESCRIPTORS if name != "reverb"]
EXACT = 0.001
HARDNESS_MOST, HARDNESS_WORST, HARDNESS_SHARE = 0.01, 0.5, 98.0
RATES_APART = 0.2
SAME_ORDER = 0.98
ROOMS_ORDER = 0.85


class Peers:
    """Two processes of the peer, whichever is free."""

    def __init__(self, count: int = 2) -> None:
        self.free: queue.Queue[Worker] = queue.Queue()
        for _ in range(count):
            self.free.put(Worker("timbral"))
        self.versions = self.free.queue[0].versions
        self.count = count

    def measure(self, paths: Sequence[Path], *, features: bool = False) -> Iterator[dict[str, Any]]:
        """Answers in the order of the paths."""
        with ThreadPoolExecutor(self.count) as pool:
            yield from pool.map(lambda path: self._ask(path, features), paths)

    def _ask(self, path: Path, features: bool) -> dict[str, Any]:
        worker = self.free.get()
        try:
            return worker.ask(path=str(path), features=features)
        finally:
            self.free.put(worker)


def any_sound(path: Path) -> tuple[np.ndarray, int]:
    """Samples (channels, time), NaN and emptiness included, as the peer's reader gives them."""
    samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    return np.ascontiguousarray(samples.T), rate


def ours(path: Path, mode: Mode) -> Description:
    samples, rate = any_sound(path)
    return describe(samples, rate, mode=mode, raw=True)


def apart(ours: float, theirs: float | None) -> float:
    return math.nan if theirs is None else abs(ours - theirs)


def undefined_in_peer(path: Path) -> bool:
    """Its hardness reads memory that was never written where a sound has 512 to 1023 samples."""
    info = soundfile.info(path)
    return 512 <= info.frames * max(1.0, 44100 / info.samplerate) < 1024


def exact_rows(files: list[Path], peers: Peers) -> list[Row]:
    """Classic values and features against the peer's, sound by sound."""
    found: dict[str, list[tuple[float, str]]] = {name: [] for name in DESCRIPTORS}
    inner: dict[str, list[float]] = {name: [] for name in DESCRIPTORS}
    times: list[float] = []
    for path, theirs in zip(files, peers.measure(files, features=True), strict=True):
        described = ours(path, "classic")
        samples, rate = any_sound(path)
        hearing = Hearing(samples, rate, mode="classic")
        for name in DESCRIPTORS:
            if name == "hardness" and undefined_in_peer(path):
                continue
            found[name].append((apart(described[name], theirs["values"][name]), path.name))
            inner[name].append(feature_error(name, hearing, theirs["features"].get(name)))
        if theirs["features"].get("reverb"):
            times.append(apart(described["reverb_time_s"], theirs["features"]["reverb"][0]))
    rows = [exact_row(name, found[name]) for name in POINTS]
    wrong = [name for error, name in found["reverb"] if error != 0]
    rows.append(Row("classes of reverb that differ", "", len(wrong), required="0", met=not wrong))
    rows.append(
        Row("time of reverb, largest error", "s", max(times), required="≤ 1e-6", met=max(times) <= 1e-6)
    )
    for name in POINTS:
        worst, bar = np.nanmax(inner[name]), HARDNESS_WORST if name == "hardness" else EXACT
        rows.append(
            Row(
                f"features of {name}, each put in place of ours",
                "points",
                worst,
                required=f"≤ {bar}",
                met=worst <= bar,
            )
        )
    return rows


def exact_row(name: str, found: list[tuple[float, str]]) -> Row:
    worst, where = max(found)
    note = f"{len(found)} sounds; median {np.median([error for error, _ in found]):.1e}, worst {where}"
    if name == "hardness":
        share = 100 * float(np.mean([error <= HARDNESS_MOST for error, _ in found]))
        met = share >= HARDNESS_SHARE and worst <= HARDNESS_WORST
        required = f"≤ {HARDNESS_MOST} on {HARDNESS_SHARE:.0f} %, ≤ {HARDNESS_WORST}"
        return Row(
            f"{name}, largest error",
            "points",
            worst,
            required=required,
            met=met,
            note=verdict(met, f"≤ .01 on {share:.1f} %; {note}"),
        )
    return Row(
        f"{name}, largest error",
        "points",
        worst,
        required=f"≤ {EXACT}",
        met=worst <= EXACT,
        note=verdict(worst <= EXACT, note),
    )


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Rank correlation of (n,) and (n,)."""
    return float(np.asarray(spearmanr(first, second))[0])


def verdict(met: bool, words: str) -> str:
    return f"{'met' if met else 'MISSED'}; {words}"


def feature_error(name: str, hearing: Hearing, theirs: list[float | None] | None) -> float:
    """Largest change of the value when one feature of ours is replaced by the peer's."""
    if not theirs or any(value is None for value in theirs):
        return math.nan
    try:
        features = model(name).features(hearing)
    except UnmeasurableError:
        return math.nan
    value, largest = model(name).value(features), 0.0
    for field, replacement in zip(features._fields, theirs, strict=True):
        changed = model(name).value(features._replace(**{field: replacement}))
        largest = max(largest, abs(changed - value))
    return largest


def mode_rows(files: list[Path]) -> list[Row]:
    """The corrected mode against the classic one."""
    values = {mode: [ours(path, mode) for path in files] for mode in ("classic", "corrected")}
    rows = []
    for name in (*POINTS, "reverb_probability"):
        both = np.array([[described[name] for described in values[mode]] for mode in values])
        both = both[:, np.isfinite(both).all(axis=0)]
        order = spearman(both[0], both[1])
        differences = np.abs(both[1] - both[0])
        median, most, worst = np.quantile(differences, (0.5, 0.95, 1.0))
        note = f"{both.shape[1]} sounds; apart: median {median:.2g}, 95 % {most:.2g}, largest {worst:.2g}"
        rows.append(
            Row(
                f"{name}: order of the two modes",
                "(Spearman)",
                order,
                required=f"≥ {SAME_ORDER}",
                met=order >= SAME_ORDER,
                note=verdict(order >= SAME_ORDER, note),
            )
        )
    same = np.mean([a["reverb"] == b["reverb"] for a, b in zip(*values.values(), strict=True)])
    rows.append(Row("reverb: same class in both modes", "%", 100 * float(same)))
    return rows


def rate_row(files: list[Path]) -> Row:
    """The corrected mode of the same sounds at three rates."""
    worst, where, over = 0.0, "", 0
    for path in files:
        found = [describe(sound, rate, raw=True) for rate, sound in at_rates(path)]
        for name in POINTS:
            values = [described[name] for described in found]
            over += bool(np.isfinite(values).any() and not (np.ptp(values) <= RATES_APART))
            if np.isfinite(values).any() and not (np.ptp(values) <= worst):
                worst, where = float(np.ptp(values)), f"{name} of {path.name}"
    met = worst <= RATES_APART
    return Row(
        "corrected at 44.1, 48 and 96 kHz, largest spread",
        "points",
        worst,
        required=f"≤ {RATES_APART}",
        met=met,
        note=verdict(met, f"{len(files)} sounds; {where}; {over} of {len(POINTS) * len(files)} values"),
    )


def hard_rows(kind: str, cases: list[Path], peers: Peers) -> list[Row]:
    """Sounds that break things: nothing may raise, and every NaN has its reason; classic beside the peer."""
    missing, raised, silent_nan, without = 0, 0, 0, 0
    errors: dict[str, list[tuple[float, str]]] = {name: [] for name in POINTS}
    for path, theirs in zip(cases, peers.measure(cases), strict=True):
        without += sum(theirs["values"][name] is None for name in DESCRIPTORS)
        for mode in ("classic", "corrected"):
            try:
                described = ours(path, mode)
            except Exception as error:
                say(f"{path.name}, {mode}: {type(error).__name__}: {error}")
                raised += 1
                continue
            for name in DESCRIPTORS:
                if math.isnan(described[name]):
                    missing += mode == "corrected"
                    silent_nan += not described.reasons.get(name)
                elif (
                    mode == "classic"
                    and name != "reverb"
                    and not (name == "hardness" and undefined_in_peer(path))
                ):
                    errors[name].append(
                        (apart(described[name], theirs["values"][name]), f"{path.parent.name}/{path.name}")
                    )
    bad = raised + silent_nan
    note = (
        f"{len(cases)} sounds in both modes; no value, for a stated reason: {missing} of {8 * len(cases)} in "
        f"the corrected mode; the peer has none in {without}"
    )
    rows = [
        Row(
            f"{kind}: raised, or NaN without a reason",
            "",
            bad,
            required="0",
            met=not bad,
            note=verdict(not bad, note),
        )
    ]
    for name in POINTS:
        known = [pair for pair in errors[name] if math.isfinite(pair[0])]
        if known:
            error, where = max(known)
            rows.append(
                Row(
                    f"{kind}: {name}, largest error of classic",
                    "points",
                    error,
                    note=f"{len(known)} sounds that both can measure; {where}",
                )
            )
    return rows


def room_rows(folder: Path, quick: bool) -> list[Row]:
    """Blind reverberation times of dry sounds through measured rooms against the times of the rooms."""
    rooms, dry = sorted((folder / "rirs").glob("*.flac")), sorted((folder / "clips").glob("*.flac"))
    dry = [path for path in dry if path.stem.startswith(("speech_", "drums_"))]
    if len(rooms) < 8 or not dry:
        raise SkippedError(f"{folder} has no folders clips (speech_*, drums_*) and rirs")
    responses = [read(path) for path in rooms]
    true_s = np.array([middle_decay_s(analyse(room)) for room in responses])
    rows, pooled = [], []
    for path in dry[: 2 if quick else None]:
        blind, classic = np.array([heard_s(read(path), room) for room in responses]).T
        pooled.append((blind, classic))
        known = np.isfinite(blind)
        orders = [spearman(found[known], true_s[known]) for found in (blind, classic)]
        wrong = 100 * float(np.median(np.abs(blind / true_s - 1)[known]))
        alone = reverb(read(path)).time_s
        note = (
            f"{known.sum()} of {len(rooms)} rooms; median error {wrong:.0f} %; without a room {alone:.2f} s"
        )
        met = orders[0] >= ROOMS_ORDER and bool(known.all())
        rows.append(
            Row(
                f"blind reverberation time, {path.stem} (Spearman)",
                "",
                orders[0],
                "classic estimate",
                orders[1],
                f"≥ {ROOMS_ORDER}",
                met,
                verdict(met, note),
            )
        )
    blind, classic = (np.concatenate(part) for part in zip(*pooled, strict=True))
    times = np.tile(true_s, len(pooled))
    known = np.isfinite(blind)
    order, other = (spearman(found[known], times[known]) for found in (blind, classic))
    rows.append(
        Row(
            "blind reverberation time, all together (Spearman)",
            "",
            order,
            "classic estimate",
            other,
            f"≥ {ROOMS_ORDER}",
            order >= ROOMS_ORDER,
        )
    )
    return rows


def heard_s(dry: Clip, room: Clip) -> tuple[float, float]:
    """Seconds by the corrected mode and by the classic estimate, of a dry sound in a room."""
    response = room.resampled(dry.sample_rate).samples
    wet = oaconvolve(dry.mono().samples, response[:2], axes=-1)
    clip = Clip((0.5 * wet / np.abs(wet).max()).astype(np.float32), dry.sample_rate)
    return reverb(clip).time_s, reverb(clip, mode="classic").time_s


def middle_decay_s(found: RoomAnalysis) -> float:
    """T30 of a room (T20 where its noise leaves no more), over the octaves 500 and 1000 Hz."""
    times = np.where(np.isfinite(found.t30_s), found.t30_s, found.t20_s)
    return float(np.nanmean(times[:, np.isin(np.round(found.bands_hz), (500, 1000))]))


def compared(
    peers: Peers, clips: list[Path], files: list[Path], *, scratch: Path
) -> dict[str, Callable[[], list[Row]]]:
    """The parts that the peer measures too."""

    def damaged() -> list[Path]:
        return [path for _, path in variants(clips, scratch / "variants")]

    return {
        "classic": lambda: exact_rows(files, peers),
        "hard": lambda: hard_rows("hard cases", hard_cases(scratch / "hard"), peers),
        "damaged": lambda: hard_rows("damaged recordings", damaged(), peers),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sounds", type=Path, help="a folder; with parts clips and rirs for the rooms")
    parser.add_argument("--quick", action="store_true", help="every tenth sound")
    parser.add_argument("--only", nargs="+", default=PARTS, choices=PARTS, help="some parts of it")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = Report("Timbre, quality", ("tonewright", "numpy", "scipy", "numba"))
    with tempfile.TemporaryDirectory() as scratch:
        clips, files = sounds_of(arguments.sounds, Path(scratch))
        folder = arguments.sounds or clips[0].parents[1]
        if arguments.quick:
            clips, files = clips[::9], files[::10]
        works: dict[str, Callable[[], list[Row]]] = {
            "modes": lambda: mode_rows(files),
            "rates": lambda: [rate_row(files)],
            "rooms": lambda: room_rows(folder, arguments.quick),
        }
        if set(COMPARED) & set(arguments.only):
            peers = Peers()
            report.peers = peers.versions
            works |= compared(peers, clips, files, scratch=Path(scratch))
        for name in arguments.only:
            report.measure(works[name], name)
    report.print(as_json=arguments.json)
    sys.exit(any(row.met is False for row in report.rows))


if __name__ == "__main__":
    main()
