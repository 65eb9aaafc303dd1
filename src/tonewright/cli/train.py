"""``tonewright train SYSTEM [key=value ...]``."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

HYDRA_OPTIONS = ("--cfg", "-c", "--package", "-p", "--info", "-i", "--experimental-rerun")
HYDRA_FLAGS = ("--multirun", "-m", "--resolve")


@click.command("train", context_settings={"ignore_unknown_options": True})
@click.argument("system")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--force", is_flag=True, help="Replace a run of the same name.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(system: str, arguments: tuple[str, ...], force: bool, as_json: bool) -> None:
    """Train SYSTEM; every setting is an override key=value.

    \b
    Examples:
      tonewright train codec experiment=tiny
      tonewright train codec data=folder data.root=/music trainer=gpu run_name=first
      tonewright train codec run_name=first ckpt_path=last       (resume)
      tonewright train codec experiment=tiny -m seed=1,2         (sweep)
      tonewright train reverb data.root=/rooms                   (a network for each response)
      tonewright train codec experiment=tiny --cfg job           (show the settings)
    """
    from tonewright.errors import UsageError
    from tonewright.learning.compose import check_overrides, complete, compose_config, parse

    flags, overrides = separate(arguments)
    if force:
        overrides.append("force=true")
    if not flags:
        one_run(compose_config(system, overrides), as_json=as_json)
        return
    check_overrides(system, overrides)
    swept = [item.key_or_group for item in parse(overrides) if item.is_sweep_override()]
    if swept and not {"-m", "--multirun"} & set(flags):
        raise UsageError(f"{swept[0]} has several values; add -m to train one after the other")
    run_hydra(system, [*flags, *complete(system, overrides)], swept=swept, as_json=as_json)


def separate(arguments: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Hydra's own options (with their values) and the overrides."""
    flags: list[str] = []
    overrides: list[str] = []
    rest = iter(arguments)
    for text in rest:
        if text in HYDRA_OPTIONS:
            value = next(rest, None)
            if text in ("--cfg", "-c") and value not in ("job", "hydra", "all"):
                raise click.UsageError(f"{text} {value or ''}: choose from job, hydra, all")
            flags += [text, *([value] if value else [])]
        elif text in HYDRA_FLAGS or text.startswith("--cfg="):
            flags.append(text)
        elif text.startswith("-"):
            raise click.UsageError(f"there is no option {text}")
        else:
            overrides.append(text)
    return flags, overrides


def run_hydra(system: str, arguments: list[str], *, swept: list[str], as_json: bool) -> None:
    """Give the command to Hydra, which composes, shows or sweeps, and calls the training for each job."""
    import hydra
    from omegaconf import DictConfig

    from tonewright.learning.compose import finish
    from tonewright.learning.runs import typed_config

    failures: list[Exception] = []

    @hydra.main(config_path="pkg://tonewright.conf", config_name="train", version_base="1.3")
    def job(raw: DictConfig) -> float | None:
        from hydra.core.hydra_config import HydraConfig

        mine = [
            text
            for text in HydraConfig.get().overrides.task
            if text.split("=")[0] not in ("system", "system_name")
        ]
        try:
            config = typed_config(raw, source="configuration")
            if swept:
                values = [text for text in mine if text.split("=")[0].lstrip("+~") in swept]
                config.run_name = "-".join([config.run_name or config.experiment_name or system, *values])
            return one_run(finish(config, raw, mine), as_json=as_json)
        except Exception as error:
            # Hydra would print a traceback of its own; the error is raised again outside of it.
            failures.append(error)
            return None

    saved = sys.argv
    sys.argv = ["tonewright train", *arguments]
    try:
        job()
    finally:
        sys.argv = saved
    if failures:
        raise failures[0]


def one_run(config: Any, *, as_json: bool) -> float | None:
    """Train once, print where it went and how it ended; return the monitored value for sweepers."""
    from tonewright.cli.show import draw_example, print_json
    from tonewright.learning.compose import RUN_NAME_VARIABLE
    from tonewright.learning.metrics_file import metric_series
    from tonewright.learning.runs import process_rank
    from tonewright.learning.start import train

    if process_rank() == 0:
        os.environ[RUN_NAME_VARIABLE] = config.run_name  # for the processes that a launcher may start
    run = train(config, show_progress=sys.stderr.isatty(), draw=draw_example)
    series = metric_series(run.metrics_file)
    last = {name: float(values[-1]) for name, (_, values) in series.items() if name.startswith("validation/")}
    if process_rank() > 0:
        return None
    if as_json:
        print_json({"run": str(run.folder), "metrics": last})
    else:
        click.echo(f"{run.folder}")
        for name, value in last.items():
            click.echo(f"  {name:<36}{value:.4f}")
    return last.get(config.callbacks.monitor)
