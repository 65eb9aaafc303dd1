"""How near fitted networks come to measured rooms, and colourless ones to flatness, beside pyFDN.

``python benchmarks/reverb_quality.py [--rirs FOLDER] [--rooms NAME ...] [--quality best] [--skip-peer]``:
every response of a folder is fitted and heard twice: by the package's own analysis, and by a plain one that
is written here from SciPy alone. The peer is trained on the first channel of each, as it was recorded, for
ten times as long as the fit took. It ends with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import scipy.fft
from scipy.signal import butter, find_peaks, sosfiltfilt, stft

from harness import PyFDN, Report, Row, SkippedError, say
from tonewright.audio.files import read
from tonewright.reverb import FDNBuild, RoomDifference, colorless, compare, fit

OCTAVES_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
RIRS = Path(__file__).parents[2] / "shared" / "audio" / "rirs"
LONGER = 10  # the peer trains for so many times our time
BARS = {
    "decay, median": ("%", 5.0),
    "decay, 90th percentile": ("%", 12.0),
    "EDT, median": ("%", 10.0),
    "C80, median": ("dB", 1.0),
    "third octaves, median": ("dB", 1.5),
}


@dataclass
class Errors:
    """Sizes of the errors of one room or of all, over its channels and bands."""

    decay: list[float] = field(default_factory=list)  # %
    edt: list[float] = field(default_factory=list)  # %
    c80: list[float] = field(default_factory=list)  # dB
    thirds: list[float] = field(default_factory=list)  # dB

    def add(self, other: Errors) -> None:
        for name in vars(self):
            getattr(self, name).extend(getattr(other, name))

    def figures(self) -> dict[str, float]:
        def at(values: list[float], share: float) -> float:
            return float(np.percentile(values, share)) if values else float("nan")

        return {
            "decay, median": at(self.decay, 50),
            "decay, 90th percentile": at(self.decay, 90),
            "decay, worst": at(self.decay, 100),
            "EDT, median": at(self.edt, 50),
            "C80, median": at(self.c80, 50),
            "third octaves, median": at(self.thirds, 50),
        }


def plain_errors(room: np.ndarray, made: np.ndarray, rate: int) -> Errors:
    """Errors by the plain analysis; (channels, time) each, beginning at the same sample."""
    errors = Errors()
    for heard, ours in zip(room, made, strict=True):
        if not heard.any():
            continue
        onset = int(np.argmax(np.abs(heard) > 0.1 * np.abs(heard).max()))
        for center in OCTAVES_HZ:
            if center * 1.42 >= rate / 2:
                continue
            bands = [in_octave(sound, center, rate) ** 2 for sound in (heard, ours)]
            end, noise = ending(bands[0], onset, rate)
            curves = [decay_curve(band, end, level) for band, level in zip(bands, (noise, 0.0), strict=True)]
            add_band(errors, curves, bands, (onset, end), rate)
        both = [third_octaves(sound, rate) for sound in (heard, ours)]
        errors.thirds += np.abs(both[0] - both[1]).tolist()
    return errors


def add_band(
    errors: Errors, curves: list[np.ndarray], bands: list[np.ndarray], part: tuple[int, int], rate: int
) -> None:
    """Add the errors of one octave of one channel, as far as the room's can be measured."""
    onset, end = part
    for low in (-35.0, -25.0):  # T30, and T20 where the noise leaves no more
        decays = [slope_s(curve, -5.0, low, rate) for curve in curves]
        if np.isfinite(decays[0]) and lowest_db(curves[0]) < low - 10:
            errors.decay.append(100 * abs(decays[1] / decays[0] - 1) if np.isfinite(decays[1]) else 100.0)
            break
    early = [slope_s(curve, -0.1, -10.0, rate) for curve in curves]
    if np.isfinite(early).all():
        errors.edt.append(100 * abs(early[1] / early[0] - 1))
    cut = onset + round(0.08 * rate)
    if cut < end:
        clarity = [10 * np.log10(band[onset:cut].sum() / max(band[cut:end].sum(), 1e-30)) for band in bands]
        errors.c80.append(abs(float(clarity[1] - clarity[0])))


def in_octave(sound: np.ndarray, center: float, rate: int) -> np.ndarray:
    """An octave of a sound, without delay."""
    sections = butter(
        3, [center / np.sqrt(2), min(center * np.sqrt(2), 0.49 * rate)], "band", fs=rate, output="sos"
    )
    return sosfiltfilt(sections, np.pad(sound, rate // 4))[rate // 4 : -(rate // 4)]


def ending(energy: np.ndarray, onset: int, rate: int) -> tuple[int, float]:
    """Where a decay meets its noise, and the noise's mean energy: Lundeby's search, with 10 ms steps."""
    step = max(1, rate // 100)
    blocks = (
        energy[onset : onset + (len(energy) - onset) // step * step].reshape(-1, step).mean(axis=1) + 1e-30
    )
    level = 10 * np.log10(blocks)
    noise = 10 * np.log10(blocks[-max(1, len(blocks) // 10) :].mean())
    end = len(blocks)
    for _ in range(6):
        start = int(np.argmax(level[: max(1, end)]))
        below = np.flatnonzero(level[start:] < noise + 8)
        stop = start + (int(below[0]) if len(below) else len(level) - start)
        if stop - start < 4:
            break
        slope, height = np.polyfit(np.arange(start, stop), level[start:stop], 1)
        if slope >= 0:
            break
        end = int(np.clip((noise - height) / slope, 3, len(level)))
        behind = min(len(level) - 1, int(end - 10 / slope))
        if behind < 0.9 * len(level):
            noise = 10 * np.log10(blocks[behind:].mean())
    quiet = 10 ** (noise / 10) if end < len(level) else 0.0
    return onset + end * step, float(quiet)


def decay_curve(energy: np.ndarray, end: int, noise: float) -> np.ndarray:
    """Schroeder's integral in dB up to `end`, with the noise's energy taken away."""
    left = np.cumsum((energy[:end] - noise)[::-1])[::-1]
    return 10 * np.log10(np.maximum(left / left[0], 1e-12))


def lowest_db(curve: np.ndarray) -> float:
    """How far a curve falls before its last tenth, where it is cut."""
    return float(curve[int(0.9 * len(curve)) - 1])


def slope_s(curve: np.ndarray, high: float, low: float, rate: int) -> float:
    """Time of 60 dB from the line through a part of a curve."""
    first, last = int(np.argmax(curve <= high)), int(np.argmax(curve <= low))
    if last - first < 8:
        return float("nan")
    return float(-60 / np.polyfit(np.arange(first, last) / rate, curve[first:last], 1)[0])


def third_octaves(sound: np.ndarray, rate: int) -> np.ndarray:
    """Energy in third octaves from 100 Hz to 10 kHz, in dB."""
    size = scipy.fft.next_fast_len(len(sound))
    energy, hz = np.abs(np.fft.rfft(sound, size)) ** 2, scipy.fft.rfftfreq(size, 1 / rate)
    centers = 1000.0 * 2.0 ** (np.arange(-10, 11) / 3)
    found = [
        energy[(hz > c * 2 ** (-1 / 6)) & (hz <= c * 2 ** (1 / 6))].sum()
        for c in centers
        if c * 1.13 < rate / 2
    ]
    return 10 * np.log10(np.maximum(found, 1e-30))


def mel_distance_db(room: np.ndarray, made: np.ndarray, rate: int) -> float:
    """Mean difference in dB of the mel spectrograms of (time,) each, within 60 dB of the room's peak."""
    from tonewright.dsp.hearing import mel_filterbank

    weights = np.asarray(mel_filterbank(n_mels=64, n_fft=1024, sample_rate=rate, low_hz=50.0))
    pictures = []
    for sound in (room, made):
        _, _, spectra = stft(sound, rate, nperseg=1024, noverlap=768)
        pictures.append(10 * np.log10(weights @ np.abs(spectra) ** 2 + 1e-30))
    floor = pictures[0].max() - 60
    quiet = np.median(pictures[0][:, -max(1, pictures[0].shape[1] // 10) :], axis=1, keepdims=True) + 6
    shown = pictures[0] > np.maximum(floor, quiet if quiet.max() < pictures[0].max() - 20 else floor)
    apart = np.abs(np.maximum(pictures[0], floor) - np.maximum(pictures[1], floor))
    return float(apart[shown].mean())


def peer_distances(
    peer: PyFDN, room: np.ndarray, rate: int, decay_s: list[float], seconds: float, lines: int
) -> tuple[float, float]:
    """Mel distances of the peer's network, trained on (time,) so long: as it is, and at its best level."""
    with tempfile.TemporaryDirectory() as folder:
        target, out = Path(folder, "target.npy"), Path(folder, "out.npy")
        np.save(target, room)
        peer("match", target=str(target), fs=rate, lines=lines, rt=decay_s, seconds=seconds, out=str(out))
        made = np.load(out)
    gains = np.sqrt(np.sum(room**2) / max(np.sum(made**2), 1e-30)) * 10 ** (np.arange(-12, 13) / 20)
    return mel_distance_db(room, made, rate), min(mel_distance_db(room, gain * made, rate) for gain in gains)


def room_rows(arguments: argparse.Namespace, peer: PyFDN | None) -> list[Row]:
    """Every room, then what the bars are about."""
    rows: list[Row] = []
    own, plain, ratios = Errors(), Errors(), []
    paths = sorted(path for path in arguments.rirs.iterdir() if path.suffix in (".flac", ".wav"))
    for path in paths:
        if arguments.rooms and not any(name in path.stem for name in arguments.rooms):
            continue
        say(f"fitting {path.stem}")
        begun = time.perf_counter()
        made = fit(read(path), size=arguments.size, quality=arguments.quality)
        seconds = time.perf_counter() - begun
        apart = compare(made.room_analysis, made.analysis)
        judged = np.isin(np.round(apart.bands_hz), OCTAVES_HZ)
        house = Errors(
            decay=sizes(100 * apart.decay_error[:, judged]),
            edt=sizes(100 * apart.edt_error[:, judged]),
            c80=sizes(apart.c80_db[:, judged]),
            thirds=sizes(apart.spectrum_db[:, (apart.thirds_hz > 95) & (apart.thirds_hz < 10500)]),
        )
        other = plain_errors(made.room, made.response, made.sample_rate)
        own.add(house)
        plain.add(other)
        mel = [
            mel_distance_db(a, b, made.sample_rate)
            for a, b in zip(made.room, made.response, strict=True)
            if a.any()
        ]
        row = Row(
            f"{path.stem}: mel distance",
            "dB",
            float(np.mean(mel)),
            less_is_better=True,
            note=words(house, seconds),
        )
        if peer is not None:
            decays = peer_decays(apart) if arguments.peer_decay == "room" else [2.0, 2.0]
            row.peer = "pyFDN"
            theirs = peer_distances(
                peer, made.room[0], made.sample_rate, decays, LONGER * seconds, arguments.size
            )
            row.theirs = theirs[0]
            ratios.append([distance / mel[0] for distance in theirs])
        rows.append(row)
        say(
            f"  {row.note}; mel {row.ours:.2f} dB"
            + ("" if row.theirs is None else f", the peer's {row.theirs:.2f}")
        )
    return [
        *rows,
        *summary_rows("its own analysis", own),
        *summary_rows("the plain one", plain),
        *ratio_rows(ratios),
    ]


def peer_decays(apart: RoomDifference) -> list[float]:
    """Decays of the room below and above, which the peer's network is built with."""
    room, hz = apart.measured.t20_s, apart.bands_hz
    low, high = (float(np.nanmedian(room[:, part])) for part in (hz < 1500, hz > 3000))
    return [low, high if np.isfinite(high) else low]


def sizes(values: np.ndarray) -> list[float]:
    return np.abs(values[np.isfinite(values)]).tolist()


def words(errors: Errors, seconds: float) -> str:
    found = errors.figures()
    return (
        f"decay {found['decay, median']:.1f} % (worst {found['decay, worst']:.0f}), "
        f"EDT {found['EDT, median']:.1f} %, C80 {found['C80, median']:.2f} dB, "
        f"thirds {found['third octaves, median']:.2f} dB; {seconds:.1f} s"
    )


def summary_rows(analysis: str, errors: Errors) -> list[Row]:
    rows = []
    for name, value in errors.figures().items():
        unit, most = BARS.get(name, ("%", None))
        met = None if most is None else value <= most
        required = "" if most is None else f"≤ {most:g} {unit}"
        rows.append(Row(f"all rooms, {name}, by {analysis}", unit, value, required=required, met=met))
    return rows


def ratio_rows(ratios: list[list[float]]) -> list[Row]:
    if not ratios:
        return []
    (worst, _), (middle, levelled) = np.min(ratios, axis=0), np.median(ratios, axis=0)
    name = "mel distance, the peer's over ours"
    return [
        Row(f"{name}, median", "×", float(middle), required="≥ 3 ×", met=bool(middle >= 3)),
        Row(f"{name}, worst room", "×", float(worst)),
        Row(f"{name}, median, were the peer given the level that suits it best", "×", float(levelled)),
    ]


def mode_levels_db(build: FDNBuild) -> np.ndarray:
    """Levels of the modes: the peaks of the magnitude with a decay so long that each mode stands apart."""
    nfft, decay_s = 1 << 20, 20.0
    from tonewright.reverb.engines.base import choose_engine

    gains = 10 ** (-3 * build.delays / (decay_s * build.fs))
    sections = np.zeros((1, 6, build.lines))
    sections[0, 0], sections[0, 3] = gains, 1.0
    engine = choose_engine(
        lines=build.lines,
        inputs=1,
        outputs=1,
        domain="spectrum",
        delays=build.delays,
        filters=sections,
        nfft=nfft,
    )
    level = 20 * np.log10(np.abs(engine.spectrum(build.A, build.B, build.C, build.D)[:, 0, 0]) + 1e-12)
    return level[find_peaks(level)[0]]


def colorless_rows(peer: PyFDN) -> list[Row]:
    """Variance of the levels of the modes, of ours and of the peer's after 2000 steps (600 with 16 lines)."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "network.npz")
        for lines in (4, 8, 16):
            ours, theirs, steps = [], [], 2000 if lines < 16 else 600
            for seed in range(3):
                network, _ = colorless(lines, seed=seed)
                ours.append(float(np.var(mode_levels_db(network.changed(filters=None)))))
                peer("colorless", lines=lines, steps=steps, seed=seed, out=str(out))
                found = np.load(out)
                build = FDNBuild(found["A"], found["B"], found["C"], np.zeros((1, 1)), found["delays"])
                theirs.append(float(np.var(mode_levels_db(build))))
            name = f"colourless, N = {lines}: variance of modes' levels, mean of 3; {steps} steps of the peer"
            means = float(np.mean(ours)), float(np.mean(theirs))
            rows.append(
                Row(
                    name,
                    "dB²",
                    means[0],
                    "pyFDN",
                    means[1],
                    "below the peer's",
                    means[0] < means[1],
                    less_is_better=True,
                )
            )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rirs", type=Path, default=RIRS, help="folder of measured responses")
    parser.add_argument("--rooms", nargs="+", help="only rooms whose name contains one of these")
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--size", type=int, default=16)
    parser.add_argument(
        "--peer-decay",
        choices=("room", "default"),
        default="room",
        help="build the peer's network with the room's decays, measured by us, or with its default of 2 s",
    )
    parser.add_argument("--skip-peer", action="store_true")
    parser.add_argument("--only", choices=("rooms", "colourless"))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = Report(
        f"Reverb, quality: {arguments.quality}, {arguments.size} lines", ("tonewright", "numpy", "scipy")
    )
    peer = None
    if not arguments.skip_peer:
        try:
            peer = PyFDN()
            report.peers = {name: str(value) for name, value in peer.versions.items()}
        except SkippedError as reason:
            say(f"without pyFDN: {reason}")
    if arguments.only != "colourless":
        if arguments.rirs.is_dir():
            report.measure(lambda: room_rows(arguments, peer), "rooms")
        else:
            report.rows.append(
                Row("rooms", "", note=f"skipped: there is no folder {arguments.rirs}; name one with --rirs")
            )
    if arguments.only != "rooms" and peer is not None:
        report.measure(lambda: colorless_rows(peer), "colourless")
    report.print(as_json=arguments.json)
    return int(any(row.met is False for row in report.rows))


if __name__ == "__main__":
    sys.exit(main())
