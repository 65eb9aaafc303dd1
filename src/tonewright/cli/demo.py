"""``tonewright demo``: the whole way from generated songs to a page to see and hear."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tonewright.audio.files import Clip
    from tonewright.codec.evaluate import Score
    from tonewright.filters import FilterModel
    from tonewright.learning.config import TrainConfig
    from tonewright.report import Report
    from tonewright.reverb import Fit
    from tonewright.timbre import Description

NEXT = (
    "{tonewright} codec reconstruct YOUR.wav --run {run} -o YOUR.codec.wav",
    "{tonewright} reverb fit YOUR/ROOM.wav -o YOUR-ROOM",
    "{tonewright} reverb render {reverb} YOUR.wav -o YOUR.reverb.wav --mix 0.3",
    "{tonewright} filters encode YOUR/FOLDER --run {filters}",
    "{tonewright} filters morph A.wav B.wav --run {filters} --through YOUR.wav -o A-to-B",
    "{tonewright} timbre YOUR/FOLDER -o YOUR.csv",
    "{tonewright} timbre report YOUR.csv",
    "{tonewright} data check YOUR/FOLDER",
    "{tonewright} train codec experiment=tiny data=folder data.root=YOUR/FOLDER run_name=mine",
)


# From the colour of the first to that of the second.
MORPH = ("kick", "flute")
# Single sounds of the band that differ as much as can be.
ONE_SHOTS = ("kick", "snare", "hat", "crash", "bass-pick", "piano", "flute", "voice-tenor")


@click.command("demo")
@click.option(
    "--data", "data_folder", default="data/demo", show_default=True, help="Where the band is or will be."
)
@click.option("--output", default="runs", show_default=True, help="Where runs are written.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(data_folder: str, output: str, as_json: bool) -> None:
    """Generate the demo band, train the smallest codec on it and four knobs for filters, make a reverb of a
    room, describe sounds of the band, write the report.

    \b
    Example:
      tonewright demo
    """
    import dataclasses

    from tonewright.cli.show import draw_example, print_json, progress_bar
    from tonewright.codec.evaluate import compare
    from tonewright.learning.material import ensure_data, load_material
    from tonewright.learning.start import train

    config = smallest("codec", data="demo", root=data_folder, output=output)
    with (
        step(f"the band: songs of drums, bass, keys and voice in {data_folder}"),
        progress_bar("") as progress,
    ):
        ensure_data(config.data, progress=progress or (lambda done, total: None))
    with step(f"training the smallest codec in {output}/codec/demo"):
        run = train(config, show_progress=sys.stderr.isatty(), draw=draw_example)
    with step("comparing it with what it must beat"):
        scores = compare(run, load_material(config))
    room = next((Path(data_folder) / "rooms").glob("concert-hall_*.wav"))
    reverb = Path(output, "reverb", "demo")
    with step(f"a reverb from the response {room}"):
        fitted = make_reverb(room, reverb)
    knobs = train_filters(Path(data_folder), output)
    with step("what eight of its sounds are like"):
        sounds = read_one_shots(Path(data_folder) / "one-shots")
        described = describe_sounds(sounds)
    commands = next_commands(run.folder, reverb, knobs and Path(output, "filters", "demo"))
    with step("the report"):
        page = write_page(
            Path(output, "demo", "report.html"),
            run=run.folder,
            scores=scores,
            sections=[lambda page: add_sections(page, fitted, knobs, described, sounds)],
            commands=commands,
        )
    if as_json:
        print_json(
            {"report": str(page), "run": str(run.folder), "scores": [dataclasses.asdict(x) for x in scores]}
        )
        return
    click.echo(f"\nopen {page}\n\nthen try:")
    for text in commands:
        click.echo(f"  {text}")


def make_reverb(room: Path, folder: Path) -> Fit:
    """Fit a network to a response and keep it in a folder."""
    from tonewright.audio.files import read
    from tonewright.reverb import fit, save_network

    made = fit(read(room))
    folder.mkdir(parents=True, exist_ok=True)
    save_network(folder / "network.json", made.network, notes={"room": room.name}, overwrite=True)
    return made


def smallest(system: str, *, data: str, root: str, output: str) -> TrainConfig:
    """The smallest real training of a system."""
    from tonewright.learning.compose import compose_config

    words = (f"data={data}", f"data.root={root}", f"output={output}", "run_name=demo", "force=true")
    return compose_config(system, ["experiment=tiny", *words])


def train_filters(data_folder: Path, output: str) -> FilterModel | None:
    """Four knobs learned from the band's single sounds, in seconds; none where JAX is not installed."""
    if not find_spec("flax"):
        return None
    from tonewright.filters import load
    from tonewright.learning.start import train

    single = data_folder / "one-shots"
    root = single if single.is_dir() else data_folder
    with step(f"four knobs for a bank of filters in {output}/filters/demo"):
        config = smallest("filters", data="folder", root=str(root), output=output)
        return load(train(config, show_progress=sys.stderr.isatty()))


def read_one_shots(folder: Path) -> dict[str, Clip]:
    """The first single sound of each kind; none where the folder has none."""
    from tonewright.audio.files import read

    found = {name: sorted(folder.glob(f"{name}-*.wav")) for name in ONE_SHOTS}
    return {name: read(paths[0]) for name, paths in found.items() if paths}


def describe_sounds(sounds: Mapping[str, Clip]) -> dict[str, Description]:
    """The timbre of each."""
    from tonewright.timbre import describe

    return {name: describe(clip) for name, clip in sounds.items()}


def write_page(
    path: Path,
    *,
    run: Path,
    scores: list[Score],
    sections: Sequence[Callable[[Report], None]],
    commands: Sequence[str],
) -> Path:
    """The page of the run and of what was made beside it."""
    from tonewright.report import run_report

    return run_report(
        run,
        title="Tonewright: the smallest codec on the demo band, and one of its rooms",
        headline=headline(scores),
        sections=sections,
        next_commands=commands,
        path=path,
        overwrite=True,
    )


def add_sections(
    page: Report,
    fitted: Fit,
    knobs: FilterModel | None,
    described: Mapping[str, Description],
    sounds: Mapping[str, Clip],
) -> None:
    """What else the demo has made."""
    from tonewright.filters.morphing import morph
    from tonewright.report import filters_section, morph_section, reverb_section, timbre_section

    reverb_section(page, fitted)
    if knobs is not None:
        filters_section(page, knobs, players=False, heading="A bank of filters, and its knobs")
        if all(name in sounds for name in MORPH):
            first, last = (sounds[name] for name in MORPH)
            morph_section(page, morph(knobs, first, last, steps=8), names=MORPH)
    if described:
        timbre_section(page, described, sounds=sounds)


def next_commands(run: Path, reverb: Path, filters: Path | None) -> list[str]:
    """What to try with what the demo has made."""
    names = {"tonewright": own_name(), "run": run, "reverb": reverb, "filters": filters}
    return [text.format(**names) for text in NEXT if filters is not None or "{filters}" not in text]


def own_name() -> str:
    """How this command is called here: by name where the shell finds it, else by its path."""
    here = Path(sys.argv[0])
    if shutil.which("tonewright") or here.name != "tonewright":
        return "tonewright"
    return os.path.relpath(here) if here.is_relative_to(Path.cwd()) else str(here)


def headline(scores: list[Score]) -> list[tuple[str, str, str]]:
    """The figures that a reader wants first."""
    trained = scores[0]
    rows = [
        (f"mel distance, {scores[0].name}", f"{trained.mel_distance:.3f}", "mean |Δ log10|, less is better")
    ]
    for other in scores[1:]:
        less = 100 * (1 - trained.mel_distance / other.mel_distance)
        rows.append(
            (
                f"mel distance, {other.name}",
                f"{other.mel_distance:.3f}",
                f"the trained codec is {less:.0f} % under",
            )
        )
    rows.append(("SI-SDR, trained", f"{trained.si_sdr_db:.1f} dB", "more is better"))
    return rows


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    start = time.monotonic()
    click.echo(f"… {text}", err=True)
    yield
    click.echo(f"  done in {time.monotonic() - start:.0f} s", err=True)
