"""``tonewright data index``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tonewright.audio.corpus import Corpus

MOST_LABELS = 30
MOST_LINES = 20


@click.command("index")
@click.argument("folder", type=click.Path())
@click.option("--layout", default="auto", show_default=True, help="How the folder is laid out.")
@click.option("--refresh", is_flag=True, help="Read every file anew.")
@click.option("--json", "as_json", is_flag=True, help="Print every track as JSON.")
def command(folder: str, layout: str, refresh: bool, as_json: bool) -> None:
    """List what is in FOLDER: tracks, stems, hours, splits, labels, what lacks and what is there twice.

    FOLDER holds any sound, or MUSDB18, MUSDB18-HQ, IRMAS or GTZAN as they are unpacked. The index is kept;
    only changes are read again. The stems of MUSDB18 are decoded into the cache the first time.

    \b
    Example:
      tonewright data index songs
    """
    from tonewright.audio.corpus import load_corpus
    from tonewright.cli.show import print_json, print_table, progress_bar

    with progress_bar("indexing") as progress:
        corpus = load_corpus(folder, layout=layout, refresh=refresh, progress=progress)
    if as_json:
        print_json(corpus_as_json(corpus))
        return
    rows = []
    for split in ("train", "validation", "test"):
        part = corpus.split(split)
        rows.append((split, len(part), f"{part.seconds / 3600:.2f}"))
    rows.append(("all", len(corpus), f"{corpus.seconds / 3600:.2f}"))
    click.echo(f"{folder} ({corpus.layout})")
    print_table("", ("what", "tracks", "hours"), rows)
    for line in remarks(corpus):
        click.echo(line)


def remarks(corpus: Corpus) -> Iterator[str]:
    """What is worth a line: stems, labels, what lacks, what is there twice, what was left out."""
    yield f"stems: {', '.join(sorted(corpus.stem_names))}"
    labels = Counter(label for track in corpus.tracks for label in track.labels)
    if labels:
        counted = [f"{label} ({count})" for label, count in labels.most_common(MOST_LABELS)]
        counted += [f"{len(labels) - MOST_LABELS} more"] if len(labels) > MOST_LABELS else []
        yield f"labels: {', '.join(counted)}"
    for what in corpus.missing:
        yield f"missing: {what}"
    for copy, first in corpus.copies[:MOST_LINES]:
        yield f"the same sound: {copy} and {first}; they count as one song"
    if len(corpus.copies) > MOST_LINES:
        yield f"the same sound: {len(corpus.copies) - MOST_LINES} more; all of them with --json"
    for item in corpus.unreadable[:MOST_LINES]:
        yield f"left out: {item.path}: {item.reason}"
    if len(corpus.unreadable) > MOST_LINES:
        yield f"left out: {len(corpus.unreadable) - MOST_LINES} more; all of them with --json"


def corpus_as_json(corpus: Corpus) -> dict:
    """Everything a corpus knows, as JSON takes it."""
    import dataclasses

    return {
        "root": str(corpus.root),
        "layout": corpus.layout,
        "tracks": [
            {item.name: getattr(track, item.name) for item in dataclasses.fields(track)}
            | {"stems": dict(track.stems)}
            for track in corpus.tracks
        ],
        "unreadable": [dataclasses.asdict(item) for item in corpus.unreadable],
        "missing": list(corpus.missing),
        "copies": [{"name": copy, "first": first} for copy, first in corpus.copies],
    }
