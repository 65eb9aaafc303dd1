"""``tonewright timbre``."""

from __future__ import annotations

import click

from tonewright.cli.defaults import DefaultGroup

COMMANDS = {
    "report": ("report", "A table as a page: spreads, correlations, outliers, a map to hear."),
}


@click.group(
    "timbre",
    cls=DefaultGroup,
    package="tonewright.cli.timbre",
    table=COMMANDS,
    default="describe",
    no_args_is_help=True,
)
def command() -> None:
    """Eight descriptors of sounds."""
