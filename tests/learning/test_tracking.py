from __future__ import annotations

from pathlib import Path

from tonewright.learning.metrics_file import metric_series, read_metrics
from tonewright.learning.tracking import MetricsFile


def test_rows_and_new_columns(tmp_path: Path) -> None:
    metrics = MetricsFile(tmp_path / "metrics.csv")
    metrics.log_metrics({"a": 1.0}, step=1)
    metrics.log_metrics({"a": 0.5, "epoch": 0}, step=2)
    metrics.log_metrics({"b": 7.0}, step=2)
    found = {
        name: (steps.tolist(), values.tolist())
        for name, (steps, values) in metric_series(metrics.path).items()
    }
    assert found == {"a": ([1, 2], [1.0, 0.5]), "b": ([2], [7.0])}


def test_a_resumed_file_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    def log(metrics: MetricsFile, steps: range) -> None:
        for step in steps:
            metrics.log_metrics({"a": 1 / (step + 1)}, step=step)
            if step % 4 == 3:
                metrics.log_metrics({"b": step / 3}, step=step)

    whole = MetricsFile(tmp_path / "whole.csv")
    log(whole, range(12))
    cut = MetricsFile(tmp_path / "cut.csv")
    log(cut, range(5))
    rows = cut.rows
    log(cut, range(5, 9))
    resumed = MetricsFile(tmp_path / "cut.csv")
    resumed.continue_from(rows)
    log(resumed, range(5, 12))
    assert cut.path.read_text() == whole.path.read_text()


def test_a_column_that_first_appeared_after_the_checkpoint_is_forgotten(tmp_path: Path) -> None:
    metrics = MetricsFile(tmp_path / "metrics.csv")
    metrics.log_metrics({"a": 1.0}, step=1)
    metrics.log_metrics({"late": 2.0}, step=2)
    again = MetricsFile(metrics.path)
    again.continue_from(1)
    assert "late" not in metrics.path.read_text()
    assert again.rows == len(read_metrics(metrics.path)) == 1


def test_no_file_is_no_metrics(tmp_path: Path) -> None:
    assert read_metrics(tmp_path / "none.csv") == []
    assert metric_series(tmp_path / "none.csv") == {}
