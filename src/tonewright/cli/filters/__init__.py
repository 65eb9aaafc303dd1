"""``tonewright filters``."""

from __future__ import annotations

import click

from tonewright.cli.lazy import LazyGroup

COMMANDS = {
    "encode": ("encode", "Sounds as the few numbers that steer a bank."),
    "decode": ("decode", "The bank of filters that numbers stand for."),
    "apply": ("apply", "A sound through a bank."),
    "fit": ("fit", "A bank with the spectrum of a sound, or for one to sound like another."),
    "morph": ("morph", "From one sound or bank to another in steps."),
    "export": ("export", "A bank for Faust, C++, Equalizer APO, SciPy, or as a table."),
}


@click.group("filters", cls=LazyGroup, package="tonewright.cli.filters", table=COMMANDS)
def command() -> None:
    """Banks of filters: steered by four numbers, fitted to sounds, played through, turned into one another.

    \b
    Example:
      tonewright train filters data=folder data.root=sounds
      tonewright filters encode kick.wav
      tonewright filters decode --z 0.5,-1,0,1.2 -o bank.json
      tonewright filters apply bank.json song.wav -o song.filtered.wav --mix 0.5
      tonewright filters fit voice.wav --reference studio.wav --kind series -o match.json
      tonewright filters export match.json --to apo
    """
