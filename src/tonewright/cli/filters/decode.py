"""``tonewright filters decode``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tonewright.cli.filters.models import NumbersCommand, run_option
from tonewright.cli.filters.pictures import picture_option

if TYPE_CHECKING:
    from tonewright.filters import Bank


@click.command("decode", cls=NumbersCommand)
@click.option("--z", "words", required=True, help="A number a knob, with commas between: 0.5,-1,0,1.2.")
@run_option
@click.option(
    "--level", "level_db", default=0.0, show_default=True, type=float, help="Level of the bank in dB."
)
@click.option("-o", "--output", default=None, type=click.Path(), help="Bank to write: .json.")
@picture_option
@click.option("--force", is_flag=True, help="Overwrite the outputs.")
@click.option("--json", "as_json", is_flag=True, help="Print the bank as JSON.")
def command(
    words: str,
    run_folder: str | None,
    level_db: float,
    output: str | None,
    picture: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Give the bank of filters that numbers stand for: the model's knobs, from -2 to 2 each.

    \b
    Example:
      tonewright filters decode --z 0.5,-1,0,1.2
      tonewright filters decode --z 0.5,-1,0,1.2 -o bank.json --picture bank.png
    """
    from tonewright.cli.filters.models import knob_names, knob_numbers, load_model, numbers, tell
    from tonewright.cli.filters.pictures import free_picture
    from tonewright.cli.outputs import free_output
    from tonewright.cli.show import print_json
    from tonewright.filters import save_bank

    numbers(words)
    target = None if output is None else free_output(output, ".json", force=force)
    drawn = free_picture(picture, force=force)
    model = load_model(run_folder)
    z, warnings = knob_numbers(words, model)
    bank = model.bank(z, level_db=level_db)
    tell(warnings)
    if target:
        save_bank(target, bank, notes={"z": z}, overwrite=force)
    if drawn:
        from tonewright.filters import plot_bank

        plot_bank(bank, drawn, title=words.strip(), overwrite=force)
    if as_json:
        named = dict(zip(knob_names(model.knobs), z, strict=True))
        print_json(
            {
                "z": z,
                "knobs": named,
                "warnings": warnings,
                "bank": bank.as_dict(),
                "output": target and str(target),
                "picture": drawn and str(drawn),
            }
        )
        return
    if target is None:
        show(bank)
    for path in filter(None, (target, drawn)):
        click.echo(path)


def show(bank: Bank) -> None:
    """The filters as a table, from low to high."""
    from tonewright.cli.show import print_table

    order = bank.frequency_hz.argsort(kind="stable")
    series = bank.kind == "series"
    rows = []
    for at in order:
        gain = float(bank.gain[at])
        last = (f"{gain:+.2f}", bank.shapes[at].replace("_", " ")) if series else (f"{gain:+.4f}",)
        rows.append((f"{bank.frequency_hz[at]:.1f}", f"{bank.q[at]:.3f}", *last))
    print_table("", ("Hz", "Q", *(("gain dB", "what") if series else ("gain",))), rows)
    if bank.level_db or series:
        click.echo(f"level {bank.level_db:+.2f} dB")
