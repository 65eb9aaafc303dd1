"""``tonewright data``."""

from __future__ import annotations

import click


@click.group("data")
def command() -> None:
    """The demo band, and what is in a folder of sound.

    \b
    Example:
      tonewright data demo songs
      tonewright data check songs
    """


@command.command("demo")
@click.argument("folder", type=click.Path())
@click.option("--songs", default=20, show_default=True, type=click.IntRange(1), help="Number of songs.")
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(2), help="Length of a song.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Another seed, another band.")
@click.option("--jobs", default=None, type=click.IntRange(1), help="Processes; all cores if not given.")
@click.option("--force", is_flag=True, help="Replace a band that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def demo(folder: str, songs: int, seconds: float, seed: int, jobs: int | None, force: bool, as_json: bool) -> None:
    """Generate the demo band in FOLDER: songs with stems, dry stems, rooms and one-shots.

    \b
    Example:
      tonewright data demo songs --songs 8 --seed 1
    """
    import dataclasses

    from tonewright.audio.band import write_band
    from tonewright.cli.show import print_json, progress_bar

    with progress_bar("generating") as progress:
        summary = write_band(
            folder, songs=songs, seconds=seconds, seed=seed, jobs=jobs, overwrite=force, progress=progress
        )
    if as_json:
        print_json(dataclasses.asdict(summary))
    else:
        click.echo(f"{folder}: {songs} songs of {seconds:g} s with stems, in the layout of MUSDB18-HQ")


@command.command("index")
@click.argument("folder", type=click.Path())
@click.option("--layout", default="auto", show_default=True, help="How the folder is laid out.")
@click.option("--refresh", is_flag=True, help="Read every file anew.")
@click.option("--json", "as_json", is_flag=True, help="Print every track as JSON.")
def index(folder: str, layout: str, refresh: bool, as_json: bool) -> None:
    """List what is in FOLDER: tracks, stems, hours, splits. The index is kept, and only changes are read again.

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


def corpus_as_json(corpus) -> dict:  # noqa: ANN001 - its type would be an import at start-up
    """Everything a corpus knows, as JSON takes it."""
    import dataclasses

    return {
        "root": str(corpus.root),
        "layout": corpus.layout,
        "tracks": [
            {item.name: getattr(track, item.name) for item in dataclasses.fields(track)} | {"stems": dict(track.stems)}
            for track in corpus.tracks
        ],
        "unreadable": [dataclasses.asdict(item) for item in corpus.unreadable],
    }
