"""``tonewright data get``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tonewright.audio.sources.getting import Got
    from tonewright.audio.sources.public import PublicSet

STEPS = 10


@click.command("get")
@click.argument("name", required=False)
@click.argument("folder", required=False, type=click.Path())
@click.option("--part", "parts", multiple=True, help="Only this part of the set; may be given several times.")
@click.option(
    "--from", "source", metavar="ADDRESS|FILE", help="Another address, or an archive that is here already."
)
@click.option("--yes", is_flag=True, help="Accept the licence, which is printed first.")
@click.option("--keep-archive", is_flag=True, help="Do not remove what was downloaded once it is unpacked.")
@click.option("--force", is_flag=True, help="Fetch it again and replace other files that are in the way.")
@click.option("--list", "as_list", is_flag=True, help="Print the sets that there are.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    name: str | None,
    folder: str | None,
    parts: tuple[str, ...],
    source: str | None,
    yes: bool,
    keep_archive: bool,
    force: bool,
    as_list: bool,
    as_json: bool,
) -> None:
    """Fetch a public set of music: its archives are downloaded into FOLDER, checked and unpacked.

    Stopped or broken off, the same command goes on where it was. --list says what there is.

    \b
    Example:
      tonewright data get --list
      tonewright data get musdb18-sample musdb --yes
      tonewright data get irmas irmas --part training --yes
      tonewright data get musdb18hq musdb --yes --from ~/Downloads/musdb18hq.zip
    """
    if as_list:
        print_sets(as_json)
        return
    if not name or not folder:
        raise click.UsageError("name a set and a folder; --list prints the sets")
    from tonewright.audio.sources.getting import get_set, missing_parts
    from tonewright.audio.sources.public import public_set

    chosen = public_set(name)
    if force or missing_parts(name, folder, parts=parts):
        print_licence(chosen, to_stderr=as_json)
        accept(yes)
    got = get_set(
        name,
        folder,
        parts=parts,
        source=source,
        keep_archive=keep_archive,
        overwrite=force,
        stage=show_bytes,
    )
    if as_json:
        import dataclasses

        from tonewright.cli.show import print_json

        print_json(dataclasses.asdict(got) | {"licence": chosen.licence, "cite": chosen.cite})
    else:
        print_result(got)


def print_sets(as_json: bool) -> None:
    """What there is to fetch."""
    import dataclasses

    from tonewright.audio.sources.archives import in_words
    from tonewright.audio.sources.public import PUBLIC_SETS
    from tonewright.cli.show import print_json

    if as_json:
        print_json([dataclasses.asdict(found) for found in PUBLIC_SETS.values()])
        return
    for found in PUBLIC_SETS.values():
        sizes = [archive.size for archive in found.archives]
        unpacked = [archive.unpacked for archive in found.archives]
        download = in_words(sum(filter(None, sizes))) if all(sizes) else "size not published"
        grown = f", about {in_words(sum(filter(None, unpacked)))} unpacked" if all(unpacked) else ""
        click.echo(f"{found.name} ({download}{grown})")
        click.echo(f"  {found.title}")
        if len(found.parts) > 1:
            click.echo(f"  parts: {', '.join(found.parts)}")
        click.echo(f"  licence: {found.licence}")


def print_licence(chosen: PublicSet, *, to_stderr: bool) -> None:
    """What the makers of a set ask for."""
    click.echo(f"{chosen.name}: {chosen.title}", err=to_stderr)
    click.echo(f"licence: {chosen.licence}", err=to_stderr)
    click.echo(f"to cite: {chosen.cite}", err=to_stderr)


def accept(yes: bool) -> None:
    """Have the licence accepted, or leave."""
    from tonewright.errors import TonewrightError, UsageError

    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("the licence above is to be accepted: add --yes")
    if not click.confirm("Do you accept?", default=False, err=True):
        raise TonewrightError("the licence was not accepted; nothing was fetched")


def print_result(got: Got) -> None:
    """What is there now, and what to do with it."""
    import shlex

    from tonewright.audio.sources.archives import in_words
    from tonewright.cli.show import override_word

    what = "is there" if got.fetched else "was there already, complete"
    click.echo(f"{got.folder}: {got.name} {what}: {got.files} files, {in_words(got.bytes)}")
    click.echo(f"next: tonewright data check {shlex.quote(got.folder)}")
    click.echo(f"      tonewright train codec data={got.layout} {override_word('data.root', got.folder)}")


@contextmanager
def show_bytes(title: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar in bytes on standard error; where that is no terminal, a line for every tenth."""
    if not sys.stderr.isatty():
        yield tenths(title)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.progress import TransferSpeedColumn as Speed

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        Speed(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def tenths(title: str) -> Callable[[int, int], None]:
    """A function (done, total) that prints a line whenever another tenth is done."""
    from tonewright.audio.sources.archives import in_words

    last = -1

    def progress(done: int, total: int) -> None:
        nonlocal last
        step = STEPS * done // max(total, 1)
        if step != last:
            last = step
            click.echo(f"{title}: {in_words(done)} of {in_words(total)}", err=True)

    return progress
