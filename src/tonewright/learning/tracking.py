"""Loggers: ``metrics.csv`` always; TensorBoard, MLflow and Weights & Biases where the configuration says."""

from __future__ import annotations

import csv
import logging
import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from tonewright.audio.files import atomic_output
from tonewright.errors import MissingExtraError, TonewrightError
from tonewright.learning.config import TrainConfig
from tonewright.learning.runs import Run, flat

if TYPE_CHECKING:
    from lightning.pytorch.loggers import MLFlowLogger

FIRST_COLUMNS = ("step", "epoch")


class MetricsFile(Logger):
    """The run's ``metrics.csv``: a row for each logging, columns as they appear.

    `rows` counts what was written; a checkpoint keeps that count, and a resumed run continues its file
    from there, so that the file of an interrupted run ends equal to that of an uninterrupted one.

    Parameters
    ----------
    path : the file
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.columns: list[str] = list(FIRST_COLUMNS)
        self.rows = 0

    @property
    def name(self) -> str:
        """What Lightning calls it."""
        return "csv"

    @property
    def version(self) -> str:
        """Nothing: a run folder has one."""
        return ""

    @property
    @rank_zero_experiment
    def experiment(self) -> MetricsFile:
        """The file itself."""
        return self

    @rank_zero_only
    def continue_from(self, rows: int) -> None:
        """Keep the first `rows` of an earlier run and drop those after, which will be run again."""
        kept = read_metrics(self.path)[:rows]
        seen = dict.fromkeys(name for row in kept for name, text in row.items() if text)
        self.columns = [*FIRST_COLUMNS, *(name for name in seen if name not in FIRST_COLUMNS)]
        self.rows = len(kept)
        self._rewrite(kept)

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing: the settings are in ``config.yaml``."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add a row."""
        row: dict[str, Any] = {"step": step or 0} | {
            key: value for key, value in metrics.items() if key != "step"
        }
        self.rows += 1
        new = [name for name in row if name not in self.columns]
        if new or self.rows == 1:
            self.columns += new
            self._rewrite([*read_metrics(self.path), row])
        else:
            with self.path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, self.columns).writerow(row)

    def _rewrite(self, rows: list[dict[str, Any]]) -> None:
        with (
            atomic_output(self.path, overwrite=True) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, self.columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)


def read_metrics(path: Path) -> list[dict[str, str]]:
    """Rows of a ``metrics.csv``; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def metric_series(path: Path) -> dict[str, tuple[list[int], list[float]]]:
    """Every logged value of a ``metrics.csv`` as (steps, values)."""
    series: dict[str, tuple[list[int], list[float]]] = {}
    for row in read_metrics(path):
        for name, text in row.items():
            if name not in FIRST_COLUMNS and text:
                steps, values = series.setdefault(name, ([], []))
                steps.append(int(row["step"]))
                values.append(float(text))
    return series


def build_loggers(run: Run) -> tuple[MetricsFile, list[Logger]]:
    """``metrics.csv``, and the trackers that a run's configuration asks for."""
    settings = run.config.logger
    trackers: list[Logger] = []
    if settings.tensorboard:
        trackers.append(_tensorboard(run))
    if settings.mlflow.enabled:
        trackers.append(_mlflow(run))
    if settings.wandb.enabled:
        trackers.append(_wandb(run))
    for tracker in trackers:
        tracker.log_hyperparams(flat(run.config))
    return MetricsFile(run.metrics_file), trackers


def tracking_uri(config: TrainConfig) -> str:
    """Where MLflow keeps its records: the configured server, or a SQLite file beside the runs."""
    return config.logger.mlflow.tracking_uri or f"sqlite:///{Path(config.output).resolve() / 'mlflow.db'}"


def _tensorboard(run: Run) -> Logger:
    try:
        from lightning.pytorch.loggers import TensorBoardLogger

        return TensorBoardLogger(run.folder, name="tensorboard", version="")
    except ImportError as error:
        raise MissingExtraError("tensorboard", "learning") from error


def _wandb(run: Run) -> Logger:
    try:
        from lightning.pytorch.loggers import WandbLogger

        settings = run.config.logger.wandb
        return WandbLogger(
            name=run.config.run_name,
            project=settings.project,
            save_dir=run.folder,
            offline=settings.offline,
            group=run.config.experiment_name,
        )
    except ImportError as error:
        raise MissingExtraError("wandb", "wandb") from error


def _mlflow(run: Run) -> MLFlowLogger:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    for noisy in ("alembic", "mlflow"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        from lightning.pytorch.loggers import MLFlowLogger

        # The identity is kept in the folder, so that a resumed run continues its own record.
        memory = run.folder / "mlflow_run_id.txt"
        known = memory.read_text().strip() if memory.is_file() and run.config.ckpt_path else None
        uri = tracking_uri(run.config)
        logger = MLFlowLogger(
            experiment_name=run.config.experiment_name or run.system_name,
            run_name=run.config.run_name,
            tracking_uri=uri,
            run_id=known,
            artifact_location=(Path(run.config.output).resolve() / "mlartifacts").as_uri()
            if "sqlite" in uri
            else None,
        )
        memory.write_text(str(logger.run_id))
        return logger
    except ImportError as error:
        raise MissingExtraError("mlflow", "learning") from error
    except Exception as error:  # whatever a server or a database says
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TonewrightError(
            f"logger.mlflow.tracking_uri={tracking_uri(run.config)}: {reason}; "
            "turn it off with logger.mlflow.enabled=false"
        ) from error
