"""A group of commands that are imported when they are called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from tonewright.errors import nearest


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is called, and not before.

    Parameters
    ----------
    package : where the modules lie
    table : command to its module and its line for --help; the module's `command` is the command itself
    """

    def __init__(
        self, *args: Any, package: str, table: Mapping[str, tuple[str, str]], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.package, self.table = package, table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself, from its module."""
        if cmd_name not in self.table:
            return None
        return importlib.import_module(f"{self.package}.{self.table[cmd_name][0]}").command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Answer a misspelt command with the nearest right one."""
        if args and args[0] not in self.table and not args[0].startswith("-"):
            ctx.fail(f"there is no command '{args[0]}'; {nearest(args[0], self.table)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.table.items()])
