"""What a person who installs the package, or clones it, relies on."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import tonewright

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
CUDA = re.compile(r"(nvidia|cuda|triton)\b")


def lines(name: str) -> list[str]:
    """Lines of a file without comments and blanks."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return [bare for line in text.splitlines() if (bare := line.partition("#")[0].strip())]


PINS = dict(line.split("==") for line in lines("constraints.txt"))


def requirements(extra: str | None) -> list[Requirement]:
    """What an extra asks for (None: the package alone), extras that it includes taken apart."""
    found = []
    for line in PROJECT["dependencies"] if extra is None else EXTRAS[extra]:
        requirement = Requirement(line)
        if requirement.name == PROJECT["name"]:
            found += [inner for name in sorted(requirement.extras) for inner in requirements(name)]
        else:
            found.append(requirement)
    return found


# --- versions ---


@pytest.mark.parametrize("extra", [None, *EXTRAS])
def test_every_dependency_is_pinned_within_its_range(extra: str | None) -> None:
    asked = requirements(extra)
    assert asked
    for requirement in asked:
        pin = PINS.get(canonicalize_name(requirement.name))
        assert pin, f"{requirement.name} has no version in constraints.txt: make constraints"
        assert requirement.specifier.contains(pin), f"{requirement} is not met by {pin}"
        assert len(requirement.specifier) > 0, f"{requirement} has no lower bound in pyproject.toml"


def test_pins_are_exact_sorted_and_of_the_index() -> None:
    assert list(PINS) == sorted(PINS)
    assert len(PINS) == len(lines("constraints.txt")) > 100
    for name, version in PINS.items():
        assert name == canonicalize_name(name)
        assert Version(version).local is None, f"{name}=={version} exists on one machine's index only"
    assert not {"pip", PROJECT["name"]} & PINS.keys()


def test_dependencies_of_dependencies_are_pinned_too() -> None:
    """Walks what is installed here: whatever a pinned package needs on this platform is pinned as well."""
    for name, pin in PINS.items():
        try:
            asked = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        if importlib.metadata.version(name).partition("+")[0] != pin:
            continue
        for requirement in map(Requirement, asked):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                needed = canonicalize_name(requirement.name)
                assert needed in PINS or CUDA.match(needed), f"{name} needs {needed}, which is not pinned"


def test_cuda_is_never_asked_for() -> None:
    assert not [name for name in PINS if CUDA.match(name)]
    assert not [str(r) for extra in [None, *EXTRAS] for r in requirements(extra) if CUDA.match(r.name)]
    if any(CUDA.match(line) for line in importlib.metadata.requires("torch") or []):
        pytest.skip("the torch of this environment was built for CUDA")
    installed = {canonicalize_name(package.name) for package in importlib.metadata.distributions()}
    assert not [name for name in installed if CUDA.match(name)]


def test_the_core_needs_no_framework() -> None:
    core = {canonicalize_name(requirement.name) for requirement in requirements(None)}
    assert not core & {"torch", "jax", "jaxlib", "flax", "lightning", "mlflow", "tensorboard", "streamlit"}
    assert "torch" not in {requirement.name for requirement in requirements("filters")}


def test_the_version_is_written_once() -> None:
    assert "version" in PROJECT["dynamic"]
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", tonewright.__version__)
    places = [
        path
        for path in (ROOT / "src").rglob("*.py")
        if re.search(r"^__version__\s*=", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert places == [ROOT / "src" / "tonewright" / "__init__.py"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[?{re.escape(tonewright.__version__)}\b", changes, re.MULTILINE)


# --- the wheel ---


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the source by the build backend itself: no isolation, no network."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "source"
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, copy / name)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=copy, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_has_every_file_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    package = ROOT / "src"
    files = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"tonewright/py.typed", "tonewright/conf/train.yaml"} <= files
    assert not files - inside
    assert not [name for name in inside if name.startswith(("tests", "benchmarks"))]


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
        entry_points = archive.read(name.replace("METADATA", "entry_points.txt")).decode()
        assert name.replace("METADATA", "licenses/LICENSE") in archive.namelist()
    assert f"\nVersion: {tonewright.__version__}\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert "tonewright = tonewright.cli:main" in entry_points
    assert set(re.findall(r"^Provides-Extra: (\S+)$", metadata, re.MULTILINE)) == set(EXTRAS)


# --- the clone ---

# Written apart, so that this file passes its own test.
FORBIDDEN = [
    r"(files\.)?python" + r"hosted\.org|py" + r"pi\.org|registry\.n" + r"pmjs|download\.py" + r"torch\.org",
    r"index" + r"-url\b",
    r"^deb (\[.*\] )?ht" + r"tp",
    r"registry\s*=\s*ht" + r"tp",
    r"(?<![\w.])/(work|root|home/\w+|Users/\w+|opt/\w+)/",
    r"\bissue" + r" #?\d+\b",
]


def tracked_files() -> list[Path]:
    """What git tracks or would, and is there."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_machine() -> None:
    files = tracked_files()
    assert len(files) > 20
    found = []
    for path in files:
        assert path.stat().st_size < 2_000_000, f"{path} is too large for a repository"
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="ignore").splitlines(), 1):
            if any(re.search(words, line) for words in FORBIDDEN):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "see https://py" + "pi.org/simple",
        "pip install --index" + "-url x",
        "deb ht" + "tp://example.org stable main",
        "open('/ro" + "ot/songs')",
        "fixes issue" + " #3",
    ],
)
def test_the_name_of_a_machine_is_found(line: str) -> None:
    assert any(re.search(words, line) for words in FORBIDDEN)


def test_the_readme_shows_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in readme
    assert "make test" in readme


def test_continuous_integration_runs_the_suite() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & stat.S_IXUSR
    assert "make test" in script.read_text(encoding="utf-8")
    for package in lines("packages.txt"):
        assert re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", package)


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    }
    return subprocess.run(
        ["make", "-C", str(ROOT), "--no-print-directory", *arguments],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony
    targets = set(phony[1].split()) - {"interrupted"}
    assert {"setup", "demo", "test", "lint", "docs", "bench"} <= targets
    assert set(re.findall(r"^  make ([a-z-]+) +\S", make().stdout, re.MULTILINE)) == targets


# --- set-up, with a Python that only writes down what it is asked ---

STAND_IN = """\
#!/bin/sh
# A Python whose "-m venv FOLDER" copies this file, and which fails when $FAIL is in what it is asked.
echo "$*" >> "{log}"
case "$*" in
    *version_info*) exit {old} ;;
    *ensurepip*) exit {bare} ;;
    *requires*) exit 1 ;;
    --version) echo "Python {version}" ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    *"${{FAIL:-nothing at all}}"*) exit 1 ;;
esac
"""


class Setup:
    """``make`` for an environment in a folder of its own."""

    def __init__(self, folder: Path, *, version: str = "3.11.2", old: int = 0, bare: int = 0) -> None:
        self.environment, self.log, self.python = folder / "env", folder / "log", folder / "python"
        text = STAND_IN.format(log=self.log, version=version, old=old, bare=bare)
        self.python.write_text(text, encoding="utf-8")
        self.python.chmod(0o755)
        self.stamp = self.environment / ".ready-codec"

    def run(self, *, fail: str = "nothing at all") -> subprocess.CompletedProcess[str]:
        self.log.write_text("", encoding="utf-8")
        return make(str(self.stamp), f"VENV={self.environment}", f"PYTHON={self.python}", FAIL=fail)

    def calls(self, words: str) -> list[str]:
        return [line for line in self.log.read_text(encoding="utf-8").splitlines() if words in line]


def test_an_environment_is_made_once(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    done = setup.run()
    assert done.returncode == 0, done.stderr
    assert len(setup.calls("-m venv")) == 1
    assert setup.stamp.exists()
    installs = setup.calls(" install ")
    assert "pip" in installs[0]
    assert " torch" in installs[0]
    assert "uv pip install" in installs[-1]
    assert installs[-1].endswith("--editable .[codec]")
    assert all("--constraint constraints.txt" in call for call in installs)
    assert setup.run().returncode == 0
    assert setup.calls("") == []


@pytest.mark.parametrize("step", ["torch", "--editable"])
def test_an_interrupted_set_up_is_made_anew(step: str, tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    assert setup.run(fail=step).returncode != 0
    assert not setup.stamp.exists()
    (setup.environment / "half-installed").touch()
    assert setup.run().returncode == 0
    assert setup.stamp.exists()
    assert not (setup.environment / "half-installed").exists()
    # Interrupted while it was being changed: the next target starts anew, though its own stamp is there.
    (setup.environment / ".unfinished").touch()
    assert setup.run().returncode == 0
    assert len(setup.calls("-m venv")) == 1


def test_pip_takes_over_where_uv_reaches_nothing(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    done = setup.run(fail="-m uv")
    assert done.returncode == 0, done.stderr
    assert setup.calls(" install ")[-1].startswith("-m pip install")
    assert "pip does it" in done.stderr


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        ({"version": "3.9.18", "old": 1}, r"is not Python 3\.11 or newer \(Python 3\.9\.18\).*make PYTHON="),
        ({"bare": 1}, r"apt install python3-venv"),
    ],
)
def test_a_python_that_will_not_do_is_answered_in_one_line(machine: dict, words: str, tmp_path: Path) -> None:
    setup = Setup(tmp_path, **machine)
    done = setup.run()
    assert done.returncode != 0
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert re.search(words, errors[0])
    assert not setup.environment.exists()
