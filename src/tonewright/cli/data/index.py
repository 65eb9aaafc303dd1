"""``tonewright data index``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tonewright.audio.corpus import Corpus


@click.command("index")
@click.argument("folder", type=click.Path())
@click.option("--layout", default="auto", show_default=True, help="How the folder is laid out.")
@click.option("--refresh", is_flag=True, help="Read every file anew.")
@click.option("--json", "as_json", is_flag=True, help="Print every track as JSON.")
def command(folder: str, layout: str, refresh: bool, as_json: bool) -> None:
    """List what is in FOLDER: tracks, stems, hours, splits. The index is kept; only changes are read again.

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
    print_table(f"{folder} ({corpus.layout})", ("what", "tracks", "hours"), rows)
    click.echo(f"stems: {', '.join(sorted(corpus.stem_names))}")
    for item in corpus.unreadable:
        click.echo(f"left out: {item.path}: {item.reason}")


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
    }
