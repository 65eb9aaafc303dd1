"""``tonewright data shard``."""

from __future__ import annotations

import click


@click.command("shard")
@click.argument("corpus", type=click.Path())
@click.option("-o", "--output", "folder", required=True, type=click.Path(), help="Folder of the shards.")
@click.option("--layout", default="auto", show_default=True, help="How the corpus is laid out.")
@click.option(
    "--shard-mb",
    default=512.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Size of a shard, about.",
)
@click.option(
    "--seconds",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Longest piece; 0 for whole songs.",
)
@click.option(
    "--encoding",
    default="flac",
    show_default=True,
    type=click.Choice(["flac", "wav", "keep"]),
    help="Of the sound; keep copies whole files, lossy ones uncut.",
)
@click.option("--seed", default=0, show_default=True, help="Another seed, another order.")
@click.option(
    "--jobs", default=None, type=click.IntRange(1), help="Shards written at a time; default all cores."
)
@click.option("--force", is_flag=True, help="Replace shards made otherwise.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    corpus: str,
    folder: str,
    layout: str,
    shard_mb: float,
    seconds: float,
    encoding: str,
    seed: int,
    jobs: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Pack CORPUS into tar shards with an index, for long training: WebDataset's layout, in shuffled order.

    Stopped, it goes on with what is missing when it is called again.

    \b
    Example:
      tonewright data shard songs -o shards
      tonewright train codec data=shards data.root=shards
    """
    import dataclasses

    from tonewright.audio.corpus import load_corpus
    from tonewright.audio.shards import ShardSettings, plan_shards, write_shards
    from tonewright.audio.shards.job import free_bytes
    from tonewright.cli.show import print_json, progress_bar

    settings = ShardSettings(seconds=seconds, encoding=encoding, shard_mb=shard_mb, seed=seed)
    with progress_bar("indexing") as progress:
        tracks = load_corpus(corpus, layout=layout, progress=progress)
    with progress_bar("planning") as progress:
        plan = plan_shards(tracks, settings, progress=progress)
    click.echo(
        f"{plan.samples} samples in {len(plan.shards)} shards: about {plan.size / 1e9:.2f} GB;"
        f" {free_bytes(folder) / 1e9:.2f} GB are free",
        err=True,
    )
    with progress_bar("packing") as progress:
        summary = write_shards(plan, folder, jobs=jobs, overwrite=force, progress=progress)
    if as_json:
        print_json(dataclasses.asdict(summary))
        return
    kept = f", {summary.kept} of them from before" if summary.kept else ""
    hours, size = summary.seconds / 3600, summary.bytes / 1e9
    click.echo(
        f"{folder}: {summary.samples} samples, {hours:.2f} h, {size:.2f} GB in {summary.shards} shards{kept}"
    )
    for name, reason in summary.left_out:
        click.echo(f"left out: {name}: {reason}")
