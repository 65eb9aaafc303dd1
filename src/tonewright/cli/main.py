"""The root of the command line: lazy commands, one-line errors, exit codes."""

from __future__ import annotations

import logging
import os
import signal
import sys

import click

from tonewright import __version__
from tonewright.cli.lazy import LazyGroup
from tonewright.errors import MissingExtraError, TonewrightError

# Name: module and one line for --help, so that help is shown without importing anything.
COMMANDS = {
    "train": ("train", "Train a system: tonewright train codec experiment=tiny."),
    "codec": ("codec", "Sound through a trained codec."),
    "filters": ("filters", "Banks of filters: steered by four numbers, fitted, played, morphed, exported."),
    "reverb": ("reverb", "Rooms as networks: fitted, played through, analysed, exported."),
    "timbre": ("timbre", "Eight descriptors of sounds, as a table: tonewright timbre songs -o songs.csv."),
    "data": ("data", "Sound to learn from: made, fetched, indexed, checked, packed."),
    "report": ("report", "A run as one page to see and hear."),
    "demo": ("demo", "Train the smallest codec on generated songs and open the report."),
}


# Optional modules, and the extra that brings each.
EXTRA_OF = {
    "torch": "codec",
    "lightning": "codec",
    "safetensors": "codec",
    "mlflow": "codec",
    "pedalboard": "augment",
    "pooch": "sources",
    "mido": "sources",
    "pyworld": "singing",
    "numba": "reverb",
    "pyarrow": "timbre",
    "ray": "ray",
    "jax": "filters",
    "flax": "filters",
    "optax": "filters",
    "streamlit": "app",
}
# Where a command wants another extra for a module than the rest do: (command, module).
EXTRA_OF_COMMAND = {("timbre", "numba"): "timbre", ("filters", "numba"): "filters"}


@click.group(
    cls=LazyGroup,
    package="tonewright.cli",
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
)
@click.version_option(__version__, prog_name="tonewright")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
@click.pass_context
def root(context: click.Context, debug: bool) -> None:
    """Tonewright learns a sound and hands you the knobs.

    \b
    Example:
      tonewright data demo songs
      tonewright train codec experiment=tiny data.root=songs
    """
    context.ensure_object(dict)["debug"] = debug
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("tonewright").setLevel(logging.INFO)


def main(arguments: list[str] | None = None) -> None:
    """Run a command; an error that people can mend is one line on standard error.

    Exit codes: 0 done, 1 failed, 2 used wrongly, 130 interrupted.
    """
    debug = "--debug" in (sys.argv[1:] if arguments is None else arguments)
    try:
        code = root.main(args=arguments, prog_name="tonewright", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        code = exit_.exit_code
    except click.exceptions.NoArgsIsHelpError as help_:
        click.echo(help_.format_message())
        code = 0
    except click.Abort as error:
        fail(str(error.__cause__ or "") or "interrupted", 130)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "tonewright"
        fail(f"{error.format_message().rstrip('.')} (see {command} --help)", 2)
    except KeyboardInterrupt as error:
        fail(str(error) or "interrupted", 130)
    except BrokenPipeError:
        # The reader has gone (for example `| head`); nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    except TonewrightError as error:
        if debug:
            raise
        fail(str(error), error.exit_code)
    except OSError as error:
        if debug:
            raise
        fail(f"{error.filename or 'input or output'}: {error.strerror or error}", 1)
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        if debug or missing not in EXTRA_OF:
            raise
        words = sys.argv[1:] if arguments is None else arguments
        command = next((word for word in words if not word.startswith("-")), "")
        extra = EXTRA_OF_COMMAND.get((command, missing), EXTRA_OF[missing])
        fail(str(MissingExtraError(missing, extra)), 1)
    except Exception as error:
        if debug:
            raise
        fail(
            f"{type(error).__name__}: {error} (a fault of Tonewright's; tonewright --debug … shows where)", 1
        )
    sys.exit(code if isinstance(code, int) else 0)


def fail(message: str, code: int) -> None:
    """Print one line and leave."""
    click.echo(f"error: {' '.join(message.split())}", err=True)
    sys.exit(code)
