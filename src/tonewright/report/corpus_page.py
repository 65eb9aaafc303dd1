"""A folder of sound as one page: how much of what there is, what is wrong with it, excerpts to hear."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tonewright.audio.corpus import Corpus, Track
from tonewright.audio.files import Clip
from tonewright.audio.handles import read_at_rate
from tonewright.audio.inspection import Inspection
from tonewright.audio.sources.manifest import Piece
from tonewright.errors import AudioError
from tonewright.report import distributions
from tonewright.report.page import Report
from tonewright.report.pictures import finite

EXCERPTS = 20
EXCERPT_SECONDS = 6.0
MOST_ROWS = 400
LEFT_OUT = "left-out.csv"


def corpus_report(
    found: Inspection,
    corpus: Corpus,
    *,
    path: str | Path,
    flaws: Sequence[tuple[str, str]] = (),
    pieces: Sequence[Piece] = (),
    overwrite: bool = False,
) -> Path:
    """Write the page of a folder of sound and return where it is.

    Parameters
    ----------
    found : what `inspect` says of the corpus
    corpus : the same corpus, for excerpts
    path : the page
    flaws : (file, what is wrong with it)
    pieces : of the manifest, where the folder is a pool
    overwrite : replace what is there
    """
    root = Path(found.root)
    page = Report(root.name or str(root), "What is in this folder of sound, and what is wrong with it")
    _numbers(page, found, corpus, flaws)
    _amounts(page, found, pieces)
    _spreads(page, found)
    if pieces:
        _sources(page, pieces)
        _left_out(page, root / LEFT_OUT)
    _flaws(page, flaws)
    _listen(page, corpus)
    return page.write(path, overwrite=overwrite)


def _numbers(page: Report, found: Inspection, corpus: Corpus, flaws: Sequence[tuple[str, str]]) -> None:
    totals = found.totals
    minutes = totals.seconds / 60
    length = f"{minutes / 60:.1f} h" if minutes >= 120 else f"{minutes:.1f} min"
    page.numbers(
        [
            ("sound", length, f"{len(corpus)} tracks, {totals.files} sounds"),
            ("songs", len({track.song for track in corpus.tracks}), "what the split goes by"),
            ("train / validation / test", " / ".join(_split_shares(corpus)), "% of the length"),
            ("with a flaw", len(flaws), "clipped, silent, DC, doubled or unreadable"),
        ]
    )


def _split_shares(corpus: Corpus) -> Iterable[str]:
    for name in ("train", "validation", "test"):
        yield f"{100 * corpus.split(name).seconds / max(corpus.seconds, 1e-9):.0f}"


def _amounts(page: Report, found: Inspection, pieces: Sequence[Piece]) -> None:
    page.heading("How much of what")
    if pieces:
        by_package: dict[str, float] = defaultdict(float)
        for piece in pieces:
            by_package[f"{piece.package} ({piece.part})"] += piece.seconds / 60
        page.figure(
            distributions.bars(by_package, unit="minutes"),
            caption="Minutes by package. One long bar means that a model hears mostly that source.",
            alt="Bar chart of minutes by package.",
        )
    elif found.totals.seconds_by_label:
        minutes = {name: seconds / 60 for name, seconds in found.totals.seconds_by_label.items()}
        page.figure(
            distributions.bars(minutes, unit="minutes"),
            caption="Minutes by label.",
            alt="Bar chart of minutes by label.",
        )
    totals = found.totals
    rows = [("rate", f"{rate} Hz", count) for rate, count in totals.sample_rates.items()]
    rows += [("channels", str(number), count) for number, count in totals.channels.items()]
    rows += [("encoding", name, count) for name, count in totals.encodings.items()]
    page.table(("what", "which", "sounds"), rows, caption="Formats of the files", folded=bool(pieces))


def _spreads(page: Report, found: Inspection) -> None:
    groups: dict[str, list] = defaultdict(list)
    for report in found.files:
        groups[report.labels[0] if report.labels else "all"].append(report)
    if len(groups) > 8:
        groups = {"all": list(found.files)}
    if not found.files:
        return
    page.heading("How it is spread")
    seconds = {name: [report.seconds for report in group] for name, group in groups.items()}
    bandwidth = {name: [report.bandwidth_hz for report in group] for name, group in groups.items()}
    level = {name: [max(report.rms_db, -90.0) for report in group] for name, group in groups.items()}
    page.figure(
        distributions.spread(bandwidth, weights=seconds, label="bandwidth (Hz)", logarithmic=True),
        caption="Bandwidth, by length: the highest frequency within 60 dB of the spectrum's peak. Where two "
        "groups differ, a model can tell them by it.",
        alt="Histogram of the bandwidth of each group.",
    )
    page.figure(
        distributions.spread(level, weights=seconds, label="RMS level (dB re full scale)"),
        caption="Level, by length.",
        alt="Histogram of the level of each group.",
    )
    page.figure(
        distributions.spread(seconds, label="length (s)", logarithmic=True),
        caption="Length, by number of sounds. A sound shorter than a window is followed by silence.",
        alt="Histogram of the length of each group.",
    )


def _sources(page: Report, pieces: Sequence[Piece]) -> None:
    page.heading("Sources and licences")
    groups: dict[tuple[str, str, str], list[Piece]] = defaultdict(list)
    for piece in pieces:
        groups[piece.part, piece.package, piece.licence].append(piece)
    rows = [
        (
            *key,
            len(group),
            sum(piece.seconds for piece in group) / 60,
            ", ".join(sorted({f"{piece.source_rate / 1000:g}" for piece in group})),
            float(np.median([piece.bandwidth_hz for piece in group])) / 1000,
            float(np.median([piece.level_db for piece in group])),
            100 * sum(piece.clipped > 1e-4 for piece in group) / len(group),
        )
        for key, group in groups.items()
    ]
    columns = (
        *("part", "package", "licence", "pieces", "minutes", "published at (kHz)"),
        *("bandwidth, median (kHz)", "level, median (dB)", "clipped (%)"),
    )
    page.table(columns, rows, caption="What comes from where; level and clipping as published")
    minutes: dict[str, float] = defaultdict(float)
    for piece in pieces:
        minutes[piece.licence] += piece.seconds / 60
    ordered = sorted(minutes.items(), key=lambda item: -item[1])
    page.table(("licence", "minutes"), ordered, caption="Licences")
    authors: dict[str, set[str]] = defaultdict(set)
    for piece in pieces:
        authors[piece.author or "not named"].add(f"{piece.package} ({piece.licence})")
    listed = sorted((name, ", ".join(sorted(works))) for name, works in authors.items())
    page.table(("author", "works"), listed, caption="Who made it", folded=True)


def _left_out(page: Report, path: Path) -> None:
    if not path.is_file():
        return
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    if not rows:
        return
    page.heading("Left out")
    counts = Counter((row["package"], _kind(row["reason"])) for row in rows)
    page.table(
        ("package", "reason", "files"),
        [(*key, count) for key, count in counts.most_common()],
        caption="What was heard to be unfit, by reason",
    )
    shown = [(row["package"], row["file"], row["reason"]) for row in rows[:MOST_ROWS]]
    page.table(
        ("package", "file", "reason"), shown, caption=f"{len(shown)} of {len(rows)} files", folded=True
    )


def _kind(reason: str) -> str:
    """A reason without its figures, so that like reasons are counted together."""
    return " ".join(word for word in reason.split("(")[0].split() if not any(c.isdigit() for c in word))


def _flaws(page: Report, flaws: Sequence[tuple[str, str]]) -> None:
    page.heading("What is wrong")
    if not flaws:
        page.text("Nothing was found.")
        return
    page.table(
        ("sound", "what"),
        list(flaws[:MOST_ROWS]),
        caption=f"{min(len(flaws), MOST_ROWS)} of {len(flaws)} sounds with a flaw",
        folded=len(flaws) > 20,
    )


def _listen(page: Report, corpus: Corpus) -> None:
    chosen = excerpts(corpus)
    page.heading("Listen")
    if not chosen:
        page.text("There is nothing that can be read.")
        return
    page.text(f"{len(chosen)} excerpts, spread evenly over the groups and the tracks in them.")
    for track, clip in chosen:
        words = ", ".join((*track.labels, track.split))
        page.listen([(track.name, clip)], caption=words)


def excerpts(
    corpus: Corpus, *, count: int = EXCERPTS, seconds: float = EXCERPT_SECONDS
) -> list[tuple[Track, Clip]]:
    """Excerpts from the middle of tracks that are spread evenly over groups (by first label) and tracks.

    Parameters
    ----------
    corpus : tracks
    count : how many excerpts at most
    seconds : length of each at most
    """
    groups: dict[str, list[Track]] = defaultdict(list)
    for track in corpus.tracks:
        groups[track.labels[0] if track.labels else ""].append(track)
    found = []
    for number, group in enumerate(groups.values()):
        share = count // len(groups) + (number < count % len(groups))
        for place in range(min(share, len(group))):
            track = group[int((place + 0.5) * len(group) / min(share, len(group)))]
            try:
                found.append((track, _middle(track, seconds)))
            except AudioError:
                continue  # listed among the flaws
    return found


def _middle(track: Track, seconds: float) -> Clip:
    frames = min(track.frames, round(seconds * track.sample_rate))
    stem = "mixture" if "mixture" in track.stems else next(iter(track.stems))
    samples = read_at_rate(
        track.stems[stem],
        start=(track.frames - frames) // 2,
        frames=frames,
        sample_rate=track.sample_rate,
        section=(track.start, track.frames),
    )
    return Clip(finite(samples), track.sample_rate)
