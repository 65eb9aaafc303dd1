"""Pictures that the commands write."""

from __future__ import annotations

from pathlib import Path

import click

from tonewright.cli.outputs import free_output

ENDINGS = (".png", ".svg", ".pdf")

picture_option = click.option(
    "--picture", default=None, type=click.Path(), help="Picture to write as well (.png, .svg, .pdf)."
)


def free_picture(name: str | None, *, force: bool) -> Path | None:
    """The picture to write, refused before the work where it cannot be."""
    return None if name is None else free_output(name, *ENDINGS, force=force, option="--picture")
