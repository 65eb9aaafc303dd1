"""``tonewright reverb colorless``."""

from __future__ import annotations

import click

from tonewright.reverb.config import QUALITIES


@click.command("colorless")
@click.option("-o", "--output", required=True, type=click.Path(), help="JSON file of the network to write.")
@click.option("--size", default=8, show_default=True, type=click.IntRange(1, 128), help="Delay lines.")
@click.option(
    "--rt",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Seconds to fall by 60 dB.",
)
@click.option(
    "--rt-nyquist",
    default=None,
    type=click.FloatRange(0, min_open=True),
    help="The same at half the sample rate, where it differs.",
)
@click.option(
    "--delays", default=None, help="Lengths of the lines in samples, such as 809,877,937; else drawn."
)
@click.option("--channels", default=1, show_default=True, type=click.IntRange(1, 64), help="Outputs.")
@click.option(
    "--rate", default=48_000, show_default=True, type=click.IntRange(1_000), help="Sample rate in Hz."
)
@click.option(
    "--quality",
    default="standard",
    show_default=True,
    type=click.Choice(QUALITIES),
    help="The best of 1, 3 or 10 networks.",
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0), help="Another seed, another network."
)
@click.option("--force", is_flag=True, help="Overwrite the output.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    output: str,
    size: int,
    rt: float,
    rt_nyquist: float | None,
    delays: str | None,
    channels: int,
    rate: int,
    quality: str,
    seed: int,
    force: bool,
    as_json: bool,
) -> None:
    """Train a network that colours no frequency, and give it a decay.

    \b
    Example:
      tonewright reverb colorless -o plate.json --size 16 --rt 2.5 --rt-nyquist 1 --channels 2
      tonewright reverb render plate.json drums.wav -o drums.plate.wav --mix 0.3
    """
    from tonewright import __version__
    from tonewright.cli.outputs import free_output
    from tonewright.cli.show import print_json, progress_bar
    from tonewright.reverb import colorless, save_network

    target = free_output(output, ".json", force=force)
    lengths = None if delays is None else whole_numbers(delays)
    if lengths is not None:
        size = len(lengths)
    with progress_bar("training") as progress:
        network, log = colorless(
            size,
            rt=rt if rt_nyquist is None else (rt, rt_nyquist),
            quality=quality,
            seed=seed,
            sample_rate=rate,
            delays=lengths,
            channels=channels,
            progress=progress,
        )
    notes = {
        "made_by": f"tonewright {__version__}, reverb colorless",
        "rt_s": rt,
        "rt_nyquist_s": rt if rt_nyquist is None else rt_nyquist,
        "quality": quality,
        "seed": seed,
        "loss": log.best_loss,
    }
    save_network(target, network, notes=notes, overwrite=force)
    if as_json:
        first = log.train_loss[0]
        print_json(
            {"output": str(target), "loss": log.best_loss, "loss_at_first": first, "steps": log.steps_run}
        )
    else:
        click.echo(f"loss {log.train_loss[0]:.3f} to {log.best_loss:.3f} in {log.steps_run} steps", err=True)
        click.echo(target)


def whole_numbers(words: str) -> list[int]:
    """809,877 as numbers."""
    try:
        found = [int(word) for word in words.replace(",", " ").split()]
    except ValueError:
        found = []
    if not found:
        raise click.UsageError(f"--delays '{words}': give whole samples with commas, such as 809,877,937")
    return found
