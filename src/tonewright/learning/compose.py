"""Configurations from groups and overrides, with errors that name the nearest right key."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tonewright.errors import RunError, UsageError, nearest
from tonewright.learning.config import TrainConfig
from tonewright.learning.registry import config_type, system_names
from tonewright.learning.runs import latest_run, open_run, process_rank, schema, typed_config

CONFIG_MODULE = "tonewright.conf"
FOLDER = Path(__file__).parents[1] / "conf"
RUN_NAME_VARIABLE = "TONEWRIGHT_RUN_NAME"
# What says which windows a batch holds, and how many batches make an epoch.
FIXED_KEYS = ("data.batch_size", "data.windows_per_epoch", "trainer.devices", "trainer.num_nodes", "seed")
OPEN_ENDED = ("system.weights.", "data.augment", "data.proportions.", "hydra")
GROUPS = ("system", "data", "trainer", "callbacks", "logger", "experiment")


def register_schemas() -> None:
    """Make the dataclasses known to Hydra, so that every composed value is checked against its type."""
    store = ConfigStore.instance()
    store.store(name="train_schema", node=schema(TrainConfig))
    for name in system_names():
        store.store(group="system", name=f"{name}_schema", node=schema(config_type(name)))


def choices(group: str, system: str) -> list[str]:
    """Options of a group, as files under ``conf/``; experiments are those of the system."""
    folder = FOLDER / group / system if group == "experiment" else FOLDER / group
    return sorted(path.stem for path in folder.glob("*.yaml"))


def complete(system: str, overrides: Sequence[str]) -> list[str]:
    """The overrides as Hydra needs them: with the system, and experiments by their full name."""
    full = [_full_experiment(system, text) for text in overrides]
    return [f"system={system}", f"system_name={system}", *full]


def compose_config(system: str, overrides: Sequence[str] = ()) -> TrainConfig:
    """Compose, check and name the configuration of one training of `system`."""
    raw = compose_raw(system, overrides)
    return finish(typed_config(raw, source="configuration"), raw, overrides)


def compose_raw(system: str, overrides: Sequence[str] = ()) -> DictConfig:
    """Compose without the final types, with every misspelling answered."""
    for override in parse(overrides):
        if override.is_sweep_override():
            raise UsageError(f"{override.input_line}: several values need -m (a sweep)")
    return check_overrides(system, overrides)


def check_overrides(system: str, overrides: Sequence[str]) -> DictConfig:
    """Refuse unknown systems, misspelt groups, options and keys, and values of the wrong type.

    Returns what is composed without the overrides that sweep over several values.
    """
    if system not in system_names():
        raise UsageError(f"no system is called '{system}'; {nearest(system, system_names())}")
    parsed = parse(overrides)
    register_schemas()
    GlobalHydra.instance().clear()
    with initialize_config_module(CONFIG_MODULE, version_base="1.3"):
        check_choices(system, parsed)
        check_additions(parsed)
        pairs = [
            (text, item) for text, item in zip(overrides, parsed, strict=True) if not item.is_sweep_override()
        ]
        check_keys(_compose(complete(system, [text for text, item in pairs if _is_choice(item)])), parsed)
        single = [text for text, _ in pairs]
        for item in parsed:
            for value in _values(item) if item.is_sweep_override() else ():
                _compose(complete(system, [*single, f"{item.key_or_group}={value}"]))
        return _compose(complete(system, single))


def parse(overrides: Sequence[str]) -> list[Override]:
    """Overrides as Hydra's grammar reads them."""
    parser = OverridesParser.create()
    found = []
    for text in overrides:
        try:
            found.append(parser.parse_override(text))
        except HydraException as error:
            raise UsageError(
                f"'{text}' is not an override; write key=value, or 'key=\"two words\"' where there are spaces"
            ) from error
    return found


def check_choices(system: str, overrides: Iterable[Override]) -> None:
    """Every option of a group must exist."""
    for override in overrides:
        if not _is_choice(override) or override.key_or_group == "hydra":
            continue
        known = choices(override.key_or_group, system)
        for value in _values(override):
            name = str(value).removeprefix(f"{system}/")
            if value is not None and name not in known:
                raise UsageError(
                    f"{override.input_line}: {override.key_or_group} has no '{name}'; {nearest(name, known)}"
                )


def check_keys(base: DictConfig, overrides: Iterable[Override]) -> None:
    """Every key must exist in the composed configuration; keys added with ``+`` are taken at their word."""
    known = keys(base)
    for override in overrides:
        name = override.key_or_group
        if _is_choice(override) or override.is_add() or override.is_force_add() or name.startswith("hydra"):
            continue
        if name not in known:
            advice = nearest(name, known)
            if name.startswith(OPEN_ENDED[:-1]):
                advice += f" A name of your own is added with +{override.input_line}"
            raise UsageError(f"{override.input_line}: there is no key '{name}'; {advice}")


def check_additions(overrides: Iterable[Override]) -> None:
    """What is added with ``+`` or deleted with ``~`` must belong to a setting that holds names of its own."""
    for override in overrides:
        open_ended = override.key_or_group.startswith(OPEN_ENDED)
        if (override.is_add() or override.is_delete()) and not open_ended:
            advice = "only system.weights, data.augment and data.proportions take names of their own"
            raise UsageError(f"{override.input_line}: cannot be added or deleted; {advice}")


def keys(config: Any, prefix: str = "") -> set[str]:
    """All dotted keys of a configuration, of branches and leaves."""
    found: set[str] = set()
    for key in config:
        node = config._get_node(key)
        found.add(f"{prefix}{key}")
        if isinstance(node, DictConfig) and not node._is_missing() and not node._is_none():
            found |= keys(node, f"{prefix}{key}.")
    return found


def finish(config: TrainConfig, raw: DictConfig, overrides: Sequence[str]) -> TrainConfig:
    """Give the run its name; a run that is resumed starts from its own saved settings."""
    config.experiment_name = config.experiment_name or config.system_name
    named = {override.key_or_group for override in parse(overrides)}
    if "data.root" in named and "data" not in named and "data.generate" not in named:
        # Somebody's own folder: it is read as it is, and no band is generated where it is misspelt.
        config.data.generate = False
        if "data.layout" not in named:
            config.data.layout = "auto"
    if config.ckpt_path is not None:
        return resumed(config, raw, overrides)
    # The processes of one training must agree, and the first has told the others.
    told = os.environ.get(RUN_NAME_VARIABLE) if process_rank() else None
    config.run_name = config.run_name or told or f"{config.experiment_name}-{datetime.now():%Y%m%d-%H%M%S}"
    return config


def resumed(config: TrainConfig, raw: DictConfig, overrides: Sequence[str]) -> TrainConfig:
    """The saved settings of the run, with what is overridden now on top.

    An option of a group that is named now sets what its file sets; an experiment is the saved one already.
    """
    folder = (
        Path(config.output, config.system_name, config.run_name)
        if config.run_name
        else latest_run(config.output, config.system_name)
    )
    path = folder / "config.yaml"
    saved = open_run(folder).config if path.is_file() else None
    if saved is None:
        raise RunError(
            f"{folder}: there is no run to resume; name one with run_name=, or leave ckpt_path out"
        )
    merged = OmegaConf.create(asdict(saved))
    for name in changed_keys(config.system_name, overrides):
        OmegaConf.update(merged, name, OmegaConf.select(raw, name), merge=False, force_add=True)
    merged.run_name, merged.ckpt_path, merged.output = folder.name, config.ckpt_path, config.output
    changed = typed_config(merged, source=str(path))
    for name in FIXED_KEYS:
        before, after = (
            OmegaConf.select(OmegaConf.create(asdict(saved)), name),
            OmegaConf.select(merged, name),
        )
        if before != after:
            raise UsageError(
                f"{name}={after}: a resumed run keeps {name}={before}, which decides its batches"
            )
    return changed


def changed_keys(system: str, overrides: Sequence[str]) -> Iterator[str]:
    """Keys that overrides set, those of a group's option by its file, in order."""
    for override in parse(overrides):
        name = override.key_or_group
        if name == "experiment" or name.startswith("hydra"):
            continue
        if not _is_choice(override):
            yield name
            continue
        option = OmegaConf.load(FOLDER / name / f"{override.value()}.yaml")
        yield from (f"{name}.{key}" for key in keys(option) if key.split(".")[0] != "defaults")


def _compose(overrides: list[str]) -> DictConfig:
    try:
        return compose("train", overrides=overrides)
    except (HydraException, OmegaConfBaseException) as error:
        cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
        lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
        key = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("full_key:")), "")
        raise UsageError(f"{key + ': ' if key else ''}{_in_words(lines[0], key)}") from error


def _in_words(reason: str, key: str) -> str:
    """What OmegaConf says of a value, and what to write where that is plain."""
    if reason.endswith("is not in struct") and key.startswith(OPEN_ENDED[:-1]):
        return f"there is no such key; add it with +{key}=…"
    if reason.endswith("is not a ListConfig, list or tuple."):
        return f"is a list; write '{key}=[…]'"
    return reason


def _is_choice(override: Override) -> bool:
    return override.key_or_group in GROUPS and not isinstance(override.value(), dict)


def _values(override: Override) -> list[Any]:
    if override.is_sweep_override():
        if not override.is_choice_sweep():
            return []
        return [str(value) for value in override.value().list]  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]
    return [override.value()]


def _full_experiment(system: str, text: str) -> str:
    key, separator, value = text.partition("=")
    if key != "experiment" or not separator:
        return text
    names = [part if "/" in part or part == "null" else f"{system}/{part}" for part in value.split(",")]
    return f"experiment={','.join(names)}"
