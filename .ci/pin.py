"""Resolve the dependencies and all extras of pyproject.toml and write them to constraints.txt.

``python .ci/pin.py [TORCH_VERSION]``: torch keeps the version that is pinned already, unless one is given,
because the newest torch may not exist without CUDA where the next version down does.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = ROOT / "constraints.txt"
HEADER = """\
# The version of everything that `make setup` can install, all extras and what they need in turn.
# Not written by hand: `make constraints` resolves pyproject.toml anew (with Python {python}).
# torch is held at its version; `make constraints TORCH=2.14.0` moves it.
"""


def held_torch() -> str:
    """The version of torch that constraints.txt has now."""
    found = re.search(r"^torch==(\S+)", CONSTRAINTS.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        sys.exit(f"error: {CONSTRAINTS.name} has no torch; name a version: make constraints TORCH=2.13.0")
    return found[1]


def resolve(torch: str) -> list[dict]:
    """What pip would install into an empty environment, as its report has it."""
    everything = f"{ROOT}[{','.join(PROJECT['optional-dependencies'])}]"
    with tempfile.TemporaryDirectory() as folder:
        held, report = Path(folder) / "held.txt", Path(folder) / "report.json"
        held.write_text(f"torch=={torch}\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed"]
        subprocess.run([*pip, "-c", held, "--report", report, everything], check=True)
        return json.loads(report.read_text(encoding="utf-8"))["install"]


def pins(installed: list[dict]) -> list[str]:
    """Lines ``name==version``, without the local part of a version (``+cpu``) and without this package."""
    versions = {}
    for item in installed:
        name = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
        versions[name] = item["metadata"]["version"].partition("+")[0]
    versions.pop(PROJECT["name"], None)
    strays = [name for name in versions if re.match("nvidia|cuda|triton", name)]
    if strays:
        sys.exit(f"error: torch would bring {', '.join(strays)}; choose one that pip finds without CUDA")
    return [f"{name}=={version}" for name, version in sorted(versions.items())]


def main() -> None:
    """Write constraints.txt."""
    torch = sys.argv[1] if len(sys.argv) > 1 else held_torch()
    lines = pins(resolve(torch))
    header = HEADER.format(python=f"{sys.version_info.major}.{sys.version_info.minor}")
    CONSTRAINTS.write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{CONSTRAINTS.name}: {len(lines)} versions")


if __name__ == "__main__":
    main()
