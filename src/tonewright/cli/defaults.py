"""A group of commands one of which needs no name."""

from __future__ import annotations

import importlib
from typing import Any

import click

from tonewright.cli.lazy import LazyGroup


class DefaultGroup(LazyGroup):
    """A group whose first word need not be a command, as in ``tonewright timbre songs``.

    A word that is the name of a command means that command; a file of that name is reached as ``./name``.

    Parameters
    ----------
    default : the module in `package` whose `command` takes all other words; its help is that of the group
    """

    def __init__(self, *args: Any, default: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.default = default

    def default_command(self) -> click.Command:
        """The command without a name."""
        return importlib.import_module(f"{self.package}.{self.default}").command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Words that do not begin with the name of a command are those of the one without."""
        named = not args or args[0] in self.table or args[0] in ("-h", "--help")
        maker = super().make_context if named else self.default_command().make_context
        return maker(info_name, args, parent, **extra)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help of the command without a name, then the other commands."""
        command = self.default_command()
        formatter.write_usage(ctx.command_path, " ".join(command.collect_usage_pieces(ctx)))
        command.format_help_text(ctx, formatter)
        command.format_options(ctx, formatter)
        self.format_commands(ctx, formatter)
