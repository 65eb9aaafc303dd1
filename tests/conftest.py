"""What all tests share: a small demo band, a private cache, steady threads."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def private_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the index cache of the tests apart from the user's."""
    os.environ["TONEWRIGHT_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session", autouse=True)
def hears_interrupts() -> None:
    """Let Ctrl-C act, in tests and in what they start; a shell's background jobs begin with it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def band(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo band of five short songs."""
    from tonewright.audio.band import write_band

    folder = tmp_path_factory.mktemp("band") / "songs"
    write_band(folder, songs=5, seconds=6.0, jobs=1)
    return folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real recordings beside the checkout, where there are any."""
    if not (SHARED / "audio" / "clips").is_dir():
        pytest.skip("no shared recordings beside this checkout")
    return SHARED
