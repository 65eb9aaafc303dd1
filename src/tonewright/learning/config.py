"""The typed shape of a training configuration.

Plain dataclasses: a configuration is data, and loading a stranger's run cannot run code.
Hydra fills them from the groups under ``conf/``; their defaults are the standard settings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from tonewright.audio.remixes import RemixSettings


@dataclass
class DataConfig:
    """What sound is read, and how windows are cut from it."""

    root: str = MISSING
    layout: str = "auto"
    stems: list[str] = field(default_factory=lambda: ["mixture"])
    sample_rate: int = 44100
    channels: int = 2
    seconds: float = 1.5
    windows_per_epoch: int = 8000
    validation_windows: int = 800
    batch_size: int = 8
    workers: int = 2
    weighting: str = "length"
    silence_db: float = -60.0
    redraws: int = 100
    # Label to how often tracks that carry it are drawn, as ratios; empty: labels do not count.
    proportions: dict[str, float] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)  # only tracks with one of these; empty: all
    least_bandwidth_hz: float = 0.0  # tracks that were measured to end below it are left out
    join: bool = False  # fill windows with several short tracks of a kind instead of zeros
    # Voices over accompaniments for the stems vocals and accompaniment; None = where the labels tell both.
    remixed: bool | None = None
    remix: RemixSettings = field(default_factory=RemixSettings)
    # Transforms by name with their settings, e.g. {gain: {low_db: -12, high_db: 3}}; applied in this order.
    augment: dict[str, dict[str, Any]] = field(default_factory=dict)
    # The demo band is generated where it is missing; other data never is.
    generate: bool = False
    generate_songs: int = 20
    generate_seconds: float = 30.0


@dataclass
class OptimizerConfig:
    """AdamW with warm-up and one of three schedules."""

    learning_rate: float = 1.5e-4
    betas: tuple[float, float] = (0.8, 0.99)
    weight_decay: float = 0.0
    schedule: str = "cosine"  # constant, cosine or exponential
    warmup_steps: int = 0
    final_fraction: float = 0.05  # of the learning rate, at the last step


@dataclass
class TrainerConfig:
    """How long, on what, and how carefully."""

    max_epochs: int = 100
    max_steps: int = -1
    max_minutes: float | None = None
    gradient_clip: float = 1.0  # norm, after unscaling; 0 = off
    accumulate: int = 1
    precision: str = "32"  # 32, 16-mixed or bf16-mixed
    accelerator: str = "auto"
    devices: str = "1"  # a count, "auto", or indices such as "0,1"
    num_nodes: int = 1
    strategy: str = "auto"
    threads: int | None = None  # of the CPU; fixed threads make runs repeatable to the bit
    ema_decay: float = 0.0  # 0 = off
    validate_every_steps: int | None = None  # None = once an epoch
    validation_batches: int | None = None  # None = all
    log_every_steps: int = 10
    deterministic: bool = False


@dataclass
class CallbacksConfig:
    """What happens beside the optimisation."""

    checkpoint_every_steps: int = 500
    monitor: str = "validation/loss"
    mode: str = "min"
    early_stopping_patience: int = 0  # validations without improvement; 0 = off
    early_stopping_delta: float = 0.0
    examples_every_epochs: int = 5
    examples: int = 4
    example_seconds: float = 6.0


@dataclass
class MLflowConfig:
    """Tracking in a local SQLite file, or on a server named by `tracking_uri`."""

    enabled: bool = True
    tracking_uri: str | None = None  # None = sqlite:///<output>/mlflow.db
    checkpoints: bool = True
    register_as: str | None = None  # a name in the model registry


@dataclass
class WandbConfig:
    """Weights & Biases; offline unless asked for."""

    enabled: bool = False
    project: str = "tonewright"
    offline: bool = True


@dataclass
class LoggerConfig:
    """Where figures go beside ``metrics.csv``, which is always written."""

    tensorboard: bool = False
    mlflow: MLflowConfig = field(default_factory=MLflowConfig)
    wandb: WandbConfig = field(default_factory=WandbConfig)


@dataclass
class TrainConfig:
    """Everything a run needs; `system` holds the dataclass of the system that is trained."""

    system_name: str = MISSING
    system: Any = MISSING
    data: DataConfig = field(default_factory=DataConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    callbacks: CallbacksConfig = field(default_factory=CallbacksConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    seed: int = 0
    output: str = "runs"
    experiment_name: str | None = None  # None = the system's name
    run_name: str | None = None  # None = experiment and time
    ckpt_path: str | None = None  # "last", or a checkpoint of this run
    force: bool = False  # start anew over a run of the same name
    format: int = 1
