"""Each floor of the house imports only from those below it, found by reading every import in the source."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tonewright

PACKAGE = "tonewright"
SOURCE = Path(tonewright.__file__).parent
# From the ground up. Rooms on one floor do not import each other.
FLOORS = (
    ("errors",),
    ("dsp",),
    ("audio",),
    ("timbre",),
    ("learning",),
    ("filters", "codec", "effects", "reverb", "separation"),
    ("report", "conf"),
    ("app",),
    ("cli",),
    ("__main__",),
)
LEVELS = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
# Reverbs and filters are effects too.
DOORS = {("effects", "reverb"), ("effects", "filters")}
# These two look rooms up by name, the public face and the registry of systems.
LOADERS = {f"{PACKAGE}.__init__", f"{PACKAGE}.learning.registry"}

FRAMEWORKS = {"torch", "jax", "jaxlib", "flax", "optax", "lightning", "tensorflow", "cupy", "mlx"}
# Peers of the tests and benchmarks, and readers that need CUDA or start a process for each read.
NOT_IN_THE_CORE = {"librosa", "torchaudio", "torchcodec", "auraloss", "musdb", "stempeg", "audioread"}


def imported(tree: ast.Module, module: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a module imports, in functions too; relative names are resolved.

    ``from a.b import c`` gives ``a.b.c``, whether c is a module or something in one. A literal name given to
    ``import_module`` counts as well, as far as it is written out.
    """
    parents = module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            root = parents[: len(parents) - node.level + 1] if node.level else []
            start = ".".join([*root, *filter(None, [node.module])])
            yield from ((node.lineno, f"{start}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and module not in LOADERS and (name := literal_import(node)):
            yield node.lineno, name


def literal_import(call: ast.Call) -> str | None:
    """The written beginning of the name in ``import_module("...")`` or ``import_module(f"...{x}")``."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if called not in {"import_module", "__import__"} or not call.args:
        return None
    name = call.args[0]
    if isinstance(name, ast.JoinedStr):
        name = name.values[0]
    return str(name.value) if isinstance(name, ast.Constant) else None


def breaches(module: str, text: str) -> list[str]:
    """What a module's imports break, one line each."""
    room = module.split(".")[1]
    if room not in LEVELS and room != "__init__":
        return [f"{module} is in no room that FLOORS names"]
    found = []
    for line, name in imported(ast.parse(text), module):
        reason = objection(room, name)
        if reason:
            found.append(f"{module}:{line} imports {name}: {reason}")
    return found


def objection(room: str, name: str) -> str | None:
    top, _, rest = name.partition(".")
    if top != PACKAGE:
        if top in NOT_IN_THE_CORE:
            return "not in the core"
        if room in {"errors", "dsp", "audio"} and FRAMEWORKS & set(name.split(".")):
            return f"{room} is for every framework and names none"
        return None
    other = rest.partition(".")[0]
    if room == "__init__" or other == room or (room, other) in DOORS:
        return None
    if other in {"", "__version__"}:
        return None
    if other not in LEVELS:
        return "no room of that name; what the public face offers has a room of its own to import from"
    return None if LEVELS[other] < LEVELS[room] else f"{other} is not below {room}"


def modules() -> list[tuple[str, Path]]:
    """Every module by its full name; a package's own file is ``….__init__``."""
    return [
        (".".join([PACKAGE, *path.relative_to(SOURCE).with_suffix("").parts]), path)
        for path in sorted(SOURCE.rglob("*.py"))
    ]


def test_no_module_reaches_up() -> None:
    walked = modules()
    assert {"errors", "dsp", "audio", "learning", "codec", "cli"} <= {
        name.split(".")[1] for name, _ in walked
    }
    found = [line for name, path in walked for line in breaches(name, path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("dsp.levels", "import tonewright.audio.files"),
        ("dsp.levels", "from tonewright.audio import files"),
        ("dsp.levels", "from tonewright import audio"),
        ("dsp.levels", "def f():\n    from ..audio.files import read"),
        ("dsp.__init__", "from ..learning import latent"),
        ("dsp.__init__", "from .. import learning"),
        ("errors", "from . import dsp"),
        ("audio.files", "import importlib\nimportlib.import_module('tonewright.learning')"),
        ("audio.files", "from importlib import import_module\nimport_module(f'tonewright.learning.{x}')"),
        ("audio.band.mixing", "from ...learning.losses import weigh"),
        ("learning.trainer", "if TYPE_CHECKING:\n    from tonewright.codec.model import Codec"),
        ("learning.trainer", "from tonewright.report import Report"),
        ("codec.model", "from tonewright.reverb import fit"),
        ("reverb.fit", "from tonewright.effects import chain"),
        ("effects.chain", "from tonewright.codec import encode"),
        ("report.page", "from tonewright.conf import FOLDER"),
        ("conf.__init__", "from tonewright.cli import main"),
        ("app.pages", "from tonewright.cli import main"),
        ("audio.files", "from tonewright import read"),
        ("dsp.levels", "import torch"),
        ("dsp.levels", "def f():\n    import jax.numpy as jnp"),
        ("dsp.array", "import array_api_compat.torch as xp"),
        ("audio.windows", "from torch.utils import data"),
        ("codec.model", "import torchaudio"),
        ("learning.metrics", "def f():\n    from librosa.feature import melspectrogram"),
        ("utils", "import numpy"),
        ("misc.helpers", "import numpy"),
    ],
)
def test_a_breach_is_found(module: str, text: str) -> None:
    assert len(breaches(f"{PACKAGE}.{module}", text)) == 1


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("__init__", "from tonewright.cli import main"),
        (
            "audio.files",
            "from tonewright.dsp import levels\nfrom ..errors import AudioError",
        ),
        (
            "audio.band.mixing",
            "from ..files import write\nfrom .score import Score",
        ),
        ("codec.model", "import torch\nfrom tonewright.learning.latent import Posterior"),
        ("effects.chain", "from tonewright.reverb import render\nfrom tonewright.filters import apply"),
        ("learning.runs", "from tonewright import __version__\nimport tonewright"),
        ("learning.registry", "import importlib\nimportlib.import_module(f'tonewright.{name}.training')"),
        ("cli.train", "from tonewright.report import Report\nfrom tonewright.app import pages"),
        ("dsp.array", "import array_api_compat.numpy as xp"),
    ],
)
def test_what_is_allowed_is_not_called_a_breach(module: str, text: str) -> None:
    assert breaches(f"{PACKAGE}.{module}", text) == []


def loaded_by(code: str) -> set[str]:
    """Names of the modules that a fresh Python has loaded after `code`."""
    report = "import atexit, json, sys\natexit.register(lambda: print(json.dumps(list(sys.modules))))"
    done = subprocess.run(
        [sys.executable, "-c", f"{report}\n{code}"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


HEAVY = FRAMEWORKS | {
    "matplotlib",
    "mlflow",
    "tensorboard",
    "wandb",
    "pedalboard",
    "streamlit",
    "numba",
    "pandas",
}


@pytest.mark.parametrize(
    "code",
    [
        "import tonewright",
        "from tonewright.cli import main\nmain(['--help'])",
        "from tonewright.cli import main\nmain(['--version'])",
    ],
    ids=["import", "help", "version"],
)
def test_the_door_opens_without_heavy_packages(code: str) -> None:
    loaded = loaded_by(code)
    assert PACKAGE in loaded
    assert not loaded & (HEAVY | {"scipy", "soundfile", "hydra"})


@pytest.mark.parametrize("room", ["errors", "dsp", "audio"])
def test_the_lower_floors_load_without_a_framework(room: str) -> None:
    names = [name.removesuffix(".__init__") for name, _ in modules() if name.split(".")[1] == room]
    assert names
    loaded = loaded_by(f"import {', '.join(names)}")
    assert not loaded & HEAVY
