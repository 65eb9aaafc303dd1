"""``tonewright data``."""

from __future__ import annotations

import click

from tonewright.cli.lazy import LazyGroup

COMMANDS = {
    "demo": ("demo", "Generate songs with stems."),
    "get": ("get", "Fetch a public set: MUSDB18, MUSDB18-HQ, IRMAS, GTZAN."),
    "pool": ("pool", "Make a pool of real sound: speech, music, instruments."),
    "index": ("index", "List what is in a folder: tracks, stems, hours, splits."),
    "check": ("check", "Read every file: levels, clipping, silence, duplicates, damage."),
    "shard": ("shard", "Pack a corpus into tar shards with an index."),
}


@click.group("data", cls=LazyGroup, package="tonewright.cli.data", table=COMMANDS)
def command() -> None:
    """Sound to learn from: made, fetched, indexed, checked, packed.

    \b
    Example:
      tonewright data demo songs
      tonewright data check songs
    """
