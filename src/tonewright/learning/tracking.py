"""Loggers: ``metrics.csv`` always; TensorBoard, MLflow and Weights & Biases where the configuration says."""

from __future__ import annotations

import logging
import os
import secrets
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from tonewright.errors import MissingExtraError, TonewrightError
from tonewright.learning.config import TrainConfig
from tonewright.learning.metrics_file import MetricsTable
from tonewright.learning.runs import Run, first_line, flat

if TYPE_CHECKING:
    from lightning.pytorch.loggers import MLFlowLogger


class MetricsFile(Logger):
    """The run's ``metrics.csv`` as one of Lightning's loggers.

    Parameters
    ----------
    path : the file
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.table = MetricsTable(path)

    @property
    def path(self) -> Path:
        """The file."""
        return self.table.path

    @property
    def rows(self) -> int:
        """How many were written."""
        return self.table.rows

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
        self.table.continue_from(rows)

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing: the settings are in ``config.yaml``."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add a row."""
        self.table.add({"step": step or 0, **{name: metrics[name] for name in metrics if name != "step"}})


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
        log_settings(tracker, flat(run.config))
    return MetricsFile(run.metrics_file), trackers


@contextmanager
def open_loggers(run: Run) -> Iterator[tuple[MetricsFile, list[Logger]]]:
    """Loggers that are closed at the end, so that the next run of the same process gets its own."""
    metrics, trackers = build_loggers(run)
    try:
        yield metrics, trackers
    except BaseException:
        close_trackers(trackers, "failed")
        raise
    close_trackers(trackers, "success")


@rank_zero_only
def close_trackers(trackers: Iterable[Logger], status: str) -> None:
    """Say how the run ended."""
    from lightning.pytorch.loggers import WandbLogger

    for tracker in trackers:
        tracker.finalize(status)
        if isinstance(tracker, WandbLogger):
            tracker.experiment.finish(exit_code=0 if status == "success" else 1)


@rank_zero_only
def log_settings(tracker: Logger, settings: dict[str, Any]) -> None:
    """Log the settings; those that a resume changes become tags in MLflow, which keeps its parameters."""
    from lightning.pytorch.loggers import MLFlowLogger

    if not isinstance(tracker, MLFlowLogger):
        tracker.log_hyperparams(settings)
        return
    known = tracker.experiment.get_run(tracker.run_id).data.params
    tracker.log_hyperparams({name: str(value) for name, value in settings.items() if name not in known})
    for name, value in settings.items():
        if name in known and known[name] != str(value)[:250]:
            tracker.experiment.set_tag(tracker.run_id, f"resumed.{name}", str(value))


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
        import wandb
        from lightning.pytorch.loggers import WandbLogger

        settings = run.config.logger.wandb
        memory = run.folder / "wandb_run_id.txt"
        if not (run.config.ckpt_path and memory.is_file()):
            memory.write_text(secrets.token_hex(4))
        return WandbLogger(
            id=memory.read_text().strip(),
            settings=wandb.Settings(silent=True),
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
    uri = tracking_uri(run.config)
    # The identity is kept in the folder, so that a resumed run continues its own record.
    memory = run.folder / "mlflow_run_id.txt"
    known = memory.read_text().strip() if memory.is_file() and run.config.ckpt_path else None
    try:
        import mlflow  # noqa: F401 - it sets the level of its own messages, so it comes before the next lines
        from lightning.pytorch.loggers import MLFlowLogger

        for noisy in ("alembic", "mlflow"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        # A first run of an experiment is no reason for a warning.
        logging.getLogger("lightning.pytorch.loggers.mlflow").setLevel(logging.ERROR)
        with _few_retries():
            logger = MLFlowLogger(
                experiment_name=run.config.experiment_name or run.system_name,
                run_name=run.config.run_name,
                tracking_uri=uri,
                run_id=known,
                artifact_location=(Path(run.config.output).resolve() / "mlartifacts").as_uri()
                if uri.startswith("sqlite:")
                else None,
            )
            identity = str(logger.run_id)
            logger.experiment.update_run(identity, status="RUNNING")
    except ImportError as error:
        raise MissingExtraError("mlflow", "learning") from error
    except Exception as error:  # whatever a server or a database says
        raise TonewrightError(
            f"logger.mlflow.tracking_uri={uri}: {_reason(error)}; "
            "turn it off with logger.mlflow.enabled=false"
        ) from error
    if rank_zero_only.rank == 0:
        memory.write_text(identity)
    return logger


@contextmanager
def _few_retries() -> Iterator[None]:
    """Ask a server that may not be there for seconds, not for minutes."""
    name = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
    if name in os.environ:
        yield
        return
    os.environ[name] = "1"
    try:
        yield
    finally:
        del os.environ[name]


def _reason(error: BaseException) -> str:
    """The system's own words where there are any in the chain of causes, else the first line."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return first_line(error)


def publish(run: Run) -> None:
    """Give the finished run's weights and settings to MLflow, and register the model where asked."""
    memory = run.folder / "mlflow_run_id.txt"
    if not run.config.logger.mlflow.enabled or not memory.is_file():
        return
    try:
        _publish(run, memory.read_text().strip())
    except Exception as error:  # whatever a server or a database says
        raise TonewrightError(
            f"logger.mlflow.tracking_uri={tracking_uri(run.config)}: {_reason(error)}; "
            f"the run itself is whole in {run.folder}"
        ) from error


def _publish(run: Run, identity: str) -> None:
    from mlflow import MlflowClient

    settings = run.config.logger.mlflow

    client = MlflowClient(tracking_uri(run.config))
    for name in ("config.yaml", "environment.txt", "model.safetensors", "metrics.csv"):
        client.log_artifact(identity, str(run.folder / name))
    if settings.checkpoints:
        for path in sorted(run.checkpoints.glob("*.ckpt")):
            client.log_artifact(identity, str(path), "checkpoints")
    if settings.register_as:
        _register(client, settings.register_as, identity)


def _register(client: Any, name: str, identity: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"{client.get_run(identity).info.artifact_uri}/model.safetensors"
    client.create_model_version(name, source=source, run_id=identity)
