"""timbral_models in its own environment: for a line of JSON that names a sound, a line of what it measures.

The package is older than the libraries that it runs on here. Four of their functions are adapted, so that its
calls mean what they meant: numpy.lib.pad, and three of librosa's that no longer take arguments by position.
"""

from __future__ import annotations

import json
import math
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import librosa  # pyright: ignore[reportMissingImports]
import numpy as np

warnings.filterwarnings("ignore")

NAMES = ("hardness", "depth", "brightness", "roughness", "warmth", "sharpness", "boominess", "reverb")


def adapt() -> None:
    """Let the package run on current libraries without a change to its numbers."""
    onset, resample = librosa.onset, librosa.resample
    detect, strength = onset.onset_detect, onset.onset_strength
    adapted = {
        (np.lib, "pad"): np.pad,
        (onset, "onset_detect"): lambda y=None, sr=22050, **more: detect(y=y, sr=sr, **more),
        (onset, "onset_strength"): lambda y=None, sr=22050, **more: strength(y=y, sr=sr, **more),
    }
    for (module, name), function in adapted.items():
        setattr(module, name, function)
    librosa.core.resample = lambda y, orig_sr, target_sr: resample(
        y, orig_sr=orig_sr, target_sr=target_sr, res_type="kaiser_best"
    )


def functions() -> dict[str, Callable[..., Any]]:
    import timbral_models  # pyright: ignore[reportMissingImports]

    own_names = {name: "booming" if name == "boominess" else name for name in NAMES}
    return {name: getattr(timbral_models, f"timbral_{own}") for name, own in own_names.items()}


def measure(function: Callable[..., Any], path: str, **options: Any) -> tuple[Any, float, str]:
    """What it gives, CPU seconds, and the error if there was one."""
    begun = time.process_time()
    try:
        value, error = function(path, **options), ""
    except Exception as raised:
        value, error = None, f"{type(raised).__name__}: {raised}"[:200]
    return value, time.process_time() - begun, error


def plain(value: Any) -> float | None:
    """A number that JSON has, or nothing."""
    number = math.nan if value is None else float(value)
    return number if math.isfinite(number) else None


def describe(path: str, names: list[str], rounds: int, features: bool) -> dict[str, Any]:
    """Values, seconds (the fastest of so many rounds), errors and intermediate features of one file."""
    answer: dict[str, Any] = {"values": {}, "seconds": {}, "errors": {}, "features": {}}
    for name in names:
        found = [measure(FUNCTIONS[name], path) for _ in range(rounds)]
        answer["values"][name] = plain(found[0][0])
        answer["seconds"][name] = min(seconds for _, seconds, _ in found)
        if found[0][2]:
            answer["errors"][name] = found[0][2]
        elif features:
            inside = measure(FUNCTIONS[name], path, dev_output=True)[0]
            answer["features"][name] = [plain(value) for value in np.ravel(inside)]
    return answer


def main() -> None:
    noise = np.random.default_rng(0).standard_normal(30000) * np.repeat([0.01, 1, 0.01, 1, 0.1], 6000)
    for function in FUNCTIONS.values():  # librosa compiles some of its functions when they are first called
        measure(lambda path, function=function: function(noise.copy(), fs=44100), "")
    packages = ("timbral_models", "librosa", "numpy", "scipy")
    print(json.dumps({f"peer's {name}": version(name) for name in packages}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        answer = describe(
            request["path"],
            request.get("names", list(NAMES)),
            request.get("rounds", 1),
            request.get("features", False),
        )
        print(json.dumps(answer), flush=True)


adapt()
FUNCTIONS = functions()

if __name__ == "__main__":
    main()
