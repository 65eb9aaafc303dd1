"""``tonewright reverb``."""

from __future__ import annotations

import click

from tonewright.cli.lazy import LazyGroup

COMMANDS = {
    "fit": ("fit", "A measured room as a network to play through."),
    "colorless": ("colorless", "A room that never was: a network trained to colour nothing."),
    "render": ("render", "A sound through a network."),
    "analyse": ("analyse", "Decay times, clarity, echo density of a response."),
    "export": ("export", "A network for Faust, C++, MATLAB, or as a response."),
}


@click.group("reverb", cls=LazyGroup, package="tonewright.cli.reverb", table=COMMANDS)
def command() -> None:
    """Rooms as feedback delay networks: fitted, drawn, played through, analysed, exported.

    \b
    Example:
      tonewright reverb fit hall.wav
      tonewright reverb render hall-reverb drums.wav -o drums-in-the-hall.wav --mix 0.3
      tonewright reverb export hall-reverb -o hall.dsp
    """
