"""Every configuration composes; every misspelling is answered."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tonewright.errors import RunError, TonewrightError, UsageError
from tonewright.learning import compose
from tonewright.learning.compose import GROUPS, choices, compose_config
from tonewright.learning.registry import config_type, system_names
from tonewright.learning.runs import create_run, open_run

PAIRS = [
    (system, group, option)
    for system in system_names()
    for group in GROUPS
    if group != "system"
    for option in choices(group, system)
]


def test_there_is_something_to_compose() -> None:
    assert {group for _, group, _ in PAIRS} == set(GROUPS) - {"system"}


@pytest.mark.parametrize(("system", "group", "option"), PAIRS)
def test_every_option_of_every_group_composes(system: str, group: str, option: str) -> None:
    config = compose_config(system, [f"{group}={option}", "data.root=/somewhere"])
    assert config.system_name == system
    assert isinstance(config.system, config_type(system))
    assert config.data.root == "/somewhere"
    assert config.run_name


@pytest.mark.parametrize("system", system_names())
def test_every_experiment_changes_something(system: str) -> None:
    plain = compose_config(system, ["data.root=x", "run_name=a"])
    for option in choices("experiment", system):
        assert compose_config(system, ["data.root=x", "run_name=a", f"experiment={option}"]) != plain


def test_overrides_reach_their_values() -> None:
    config = compose_config(
        "codec",
        [
            "experiment=tiny",
            "trainer.max_epochs=7",
            "system.weights.mel=3.5",
            "data.stems=[vocals]",
            "seed=9",
        ],
    )
    assert (config.trainer.max_epochs, config.system.weights["mel"], config.seed) == (7, 3.5, 9)
    assert config.data.stems == ["vocals"]
    assert config.experiment_name == "tiny"


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("trainer.max_epoch=3", r"no key 'trainer\.max_epoch'; did you mean trainer\.max_epochs\?"),
        ("trianer.max_epochs=3", r"did you mean trainer\.max_epochs\?"),
        ("system.latent_dim=3", r"did you mean system\.latent_dims\?"),
        ("data=demmo", "did you mean demo"),
        ("experiment=tinny", "did you mean tiny"),
        ("trainer.max_epochs=many", r"trainer\.max_epochs: .*many"),
        ("trainer.gradient_clip=[1]", r"trainer\.gradient_clip"),
        ("seed=1,2", "-m"),
        ("no value", "key=value"),
        ("data.proportions.jazz=1", r"added with \+data\.proportions\.jazz=1"),
        ("data.proportions={jazz:1}", r"data\.proportions\.jazz: .*\+data\.proportions\.jazz=…"),
        ("data.labels=jazz", r"data\.labels: is a list; write 'data\.labels=\[…\]'"),
    ],
)
def test_wrong_overrides_are_answered_in_one_line(override: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as error:
        compose_config("codec", [override])
    assert "\n" not in str(error.value)


def test_an_unknown_system_is_answered() -> None:
    with pytest.raises(UsageError, match="did you mean codec"):
        compose_config("codex")


def test_proportions_take_names_of_their_own() -> None:
    more = ["data=pool", "data.proportions.voices=0.5", "+data.proportions.jazz=1", "~data.proportions.songs"]
    proportions = compose_config("codec", more).data.proportions
    assert proportions == {"voices": 0.5, "singing": 0.1, "music": 0.5, "instruments": 0.1, "jazz": 1.0}
    assert list(proportions)[-1] == "jazz"
    genres = compose_config("codec", ["data.root=x", "+data.proportions.hip-hop=2"]).data.proportions
    assert genres == {"hip-hop": 2.0}
    with pytest.raises(UsageError, match=r"did you mean data\.proportions\.voices"):
        compose_config("codec", ["data=pool", "data.proportions.voice=1"])


@pytest.mark.parametrize("data", ["demo", "pool"])
def test_a_saved_configuration_loads_as_it_was(tmp_path: Path, data: str) -> None:
    config = compose_config(
        "codec",
        ["experiment=tiny", f"data={data}", f"output={tmp_path}", "run_name=a", "data.seconds=0.75"],
    )
    run = create_run(config)
    assert open_run(run.folder).config == config


def test_a_resumed_run_keeps_its_settings_and_takes_what_is_given_now(tmp_path: Path) -> None:
    first = compose_config(
        "codec", ["experiment=tiny", f"output={tmp_path}", "run_name=a", "data.seconds=0.75"]
    )
    create_run(first)
    again = compose_config(
        "codec", [f"output={tmp_path}", "run_name=a", "ckpt_path=last", "trainer.max_epochs=9", "logger=csv"]
    )
    assert again.data.seconds == 0.75
    assert again.system == first.system
    assert again.trainer.max_epochs == 9
    assert again.logger.mlflow.enabled is False
    assert again.ckpt_path == "last"
    # Without a name, the run that was written to last is meant.
    assert compose_config("codec", [f"output={tmp_path}", "ckpt_path=last"]).run_name == "a"


def test_a_group_named_on_resuming_sets_what_its_file_sets(tmp_path: Path) -> None:
    create_run(compose_config("codec", ["experiment=tiny", f"output={tmp_path}", "run_name=a"]))
    again = compose_config("codec", [f"output={tmp_path}", "run_name=a", "ckpt_path=last", "trainer=cpu"])
    assert again.trainer.accelerator == "cpu"
    assert again.trainer.ema_decay == 0.99


@pytest.mark.parametrize("change", ["data.batch_size=5", "data.windows_per_epoch=77", "seed=4"])
def test_what_decides_the_batches_cannot_change_on_resuming(change: str, tmp_path: Path) -> None:
    create_run(compose_config("codec", ["experiment=tiny", f"output={tmp_path}", "run_name=a"]))
    with pytest.raises(UsageError, match=change.split("=")[0]):
        compose_config("codec", [f"output={tmp_path}", "run_name=a", "ckpt_path=last", change])


def test_no_band_is_generated_in_somebody_s_own_folder() -> None:
    assert compose_config("codec", []).data.generate
    assert compose_config("codec", ["data=demo", "data.root=x"]).data.generate
    own = compose_config("codec", ["data.root=/music"]).data
    assert (own.generate, own.layout) == (False, "auto")


@pytest.mark.parametrize(
    "override",
    [
        "+foo=3",
        "~trainer",
        "+trainer.foo=1",
        "~data.proportions",
        "+data.remix.shares.x=1",
        "+data.labels.x=1",
    ],
)
def test_nothing_is_added_where_nobody_reads_it(override: str) -> None:
    with pytest.raises(UsageError, match="added or deleted"):
        compose_config("codec", [override])


def test_a_missing_value_is_wrong_use() -> None:
    with pytest.raises(UsageError, match=r"data\.root"):
        compose_config("codec", ["data=folder"])


def test_resuming_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TonewrightError, match="no run"):
        compose_config("codec", [f"output={tmp_path}", "ckpt_path=last"])
    with pytest.raises(TonewrightError, match="no run"):
        compose_config("codec", [f"output={tmp_path}", "run_name=a", "ckpt_path=last"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "format 2"),
        ({"format": None}, "no format version"),
        ({"system_name": "os.system"}, "unknown"),
        ({"trainer": {"max_epochs": "x"}}, "max_epochs|converted"),
        ({"data": {"rooot": "x"}}, "rooot"),
    ],
)
def test_a_strange_run_folder_is_refused(change: dict, words: str, tmp_path: Path) -> None:
    run = create_run(compose_config("codec", [f"output={tmp_path}", "run_name=a", "data.root=x"]))
    path = run.folder / "config.yaml"
    path.write_text(OmegaConf.to_yaml(OmegaConf.merge(OmegaConf.load(path), change)))
    with pytest.raises(RunError, match=words) as error:
        open_run(run.folder)
    assert "config.yaml" in str(error.value)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "{", "!!python/object/apply:os.system [echo]"])
def test_a_configuration_that_is_no_configuration_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(RunError, match=r"config\.yaml"):
        open_run(tmp_path)


def test_no_configuration_names_code() -> None:
    for path in compose.FOLDER.rglob("*.yaml"):
        assert "_target_" not in path.read_text(), path
