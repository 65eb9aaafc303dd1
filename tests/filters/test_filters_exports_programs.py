"""Exported programs, compiled and run: they sound as SciPy's sections do, at any rate."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy.signal import sosfilt

from tonewright.filters.bank import Bank
from tonewright.filters.exports import export
from tonewright.filters.exports.faust import MOST_SLIDERS

# Both programs take: the rate, then names and values of knobs; float64 frames of two channels go through.
FAUST_HARNESS = """
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>
struct Soundfile;
struct Meta { void declare(const char*, const char*) {} };
struct UI {
  std::map<std::string, FAUSTFLOAT*> knobs;
  std::vector<std::string> boxes;
  void openVerticalBox(const char* name) { boxes.push_back(name); }
  void openHorizontalBox(const char* name) { boxes.push_back(name); }
  void closeBox() { boxes.pop_back(); }
  void declare(FAUSTFLOAT*, const char*, const char*) {}
  void addHorizontalSlider(const char* name, FAUSTFLOAT* zone, FAUSTFLOAT start, FAUSTFLOAT low,
                           FAUSTFLOAT high, FAUSTFLOAT) {
    if (!(low <= start && start <= high)) std::abort();
    const std::string path = boxes.size() > 1 ? boxes.back() + "/" + name : name;
    if (!knobs.emplace(path, zone).second) std::abort();
  }
};
struct dsp { virtual ~dsp() {} };
<<includeIntrinsic>>
<<includeclass>>
int main(int argc, char** argv) {
  mydsp program;
  program.init(std::atoi(argv[1]));
  UI ui;
  program.buildUserInterface(&ui);
  for (int k = 2; k + 1 < argc; k += 2) {
    if (!ui.knobs.count(argv[k])) return 3;
    *ui.knobs[argv[k]] = std::atof(argv[k + 1]);
  }
  if (program.getNumInputs() != 2 || program.getNumOutputs() != 2) return 4;
  double frame[2];
  FAUSTFLOAT in[2], out[2];
  FAUSTFLOAT* from[2] = {in, in + 1};
  FAUSTFLOAT* to[2] = {out, out + 1};
  while (std::fread(frame, 8, 2, stdin) == 2) {
    for (int c = 0; c < 2; ++c) in[c] = frame[c];
    program.compute(1, from, to);
    for (int c = 0; c < 2; ++c) frame[c] = out[c];
    std::fwrite(frame, 8, 2, stdout);
  }
}
"""

CPP_HARNESS = """
#include "bank.hpp"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

static bool closed = false;
void* operator new(std::size_t size) {
  if (closed) { std::fputs("memory was taken in process()", stderr); std::abort(); }
  return std::malloc(size ? size : 1);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

template <class Sample>
static void run(tonewright::Bank& bank) {
  static Sample sound[2][333];
  Sample* channels[2] = {sound[0], sound[1]};
  double frame[2];
  for (int round = 0;; ++round) {
    int count = 0;
    const int want = 1 + (round * 97) % 333;
    for (; count < want && std::fread(frame, 8, 2, stdin) == 2; ++count)
      for (int c = 0; c < 2; ++c) sound[c][count] = static_cast<Sample>(frame[c]);
    closed = true;
    bank.process(channels, channels, count);  // in place
    closed = false;
    for (int t = 0; t < count; ++t) {
      for (int c = 0; c < 2; ++c) frame[c] = static_cast<double>(sound[c][t]);
      std::fwrite(frame, 8, 2, stdout);
    }
    if (count < want) break;
  }
}

int main(int argc, char** argv) {
  tonewright::Bank bank(8000.0);
  bank.prepare(std::atof(argv[1]));
  bool single = false;
  for (int k = 2; k + 1 < argc; k += 2) {
    const double value = std::atof(argv[k + 1]);
    if (!std::strcmp(argv[k], "Mix")) bank.setMix(value);
    if (!std::strcmp(argv[k], "Level")) bank.setLevel(value);
    if (!std::strcmp(argv[k], "single")) single = value > 0;
    double q = 0, gain = 0;
    int index = 0;
    if (std::sscanf(argv[k], "%d,%lf,%lf", &index, &q, &gain) == 3)
      std::fputs(bank.setFilter(index, value, q, gain) ? "taken " : "refused ", stderr);
  }
  if (single) run<float>(bank); else run<double>(bank);
  return 0;
}
"""


def needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def bank(frequency_hz: ArrayLike, q: ArrayLike, gain: ArrayLike, **more: Any) -> Bank:
    return Bank(np.asarray(frequency_hz), np.asarray(q), np.asarray(gain), **more)


BANKS = {
    "one": bank([440.0], [2.0], [-0.5]),
    "side by side": bank(
        np.geomspace(40, 15000, 11), np.geomspace(0.4, 30, 11), np.linspace(-1, 1.3, 11), level_db=-4.5
    ),
    "in rows": bank([80.0, 900.0, 5000.0], [0.7, 2.0, 5.0], [1.0, -0.7, 0.4], order=3, level_db=2.0),
    "one after another": bank(
        [80.0, 300.0, 1000.0, 2500.0, 6000.0],
        [0.7, 2.0, 8.0, 1.0, 0.9],
        [9.0, -15.0, 6.0, 0.0, -7.5],
        kind="series",
        shapes=("low_shelf", "peaking", "peaking", "peaking", "high_shelf"),
        level_db=-3.0,
    ),
}


def built(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr


def faust_program(given: Bank, folder: Path, *, precision: str = "double") -> str:
    needs("faust", "g++")
    export(given, folder / "bank.dsp")
    (folder / "harness.cpp").write_text(FAUST_HARNESS)
    built(["faust", f"-{precision}", "-a", "harness.cpp", "bank.dsp", "-o", "program.cpp"], folder)
    built(
        ["g++", "-O0", f"-DFAUSTFLOAT={precision.replace('single', 'float')}", "-o", "faust", "program.cpp"],
        folder,
    )
    return str(folder / "faust")


def cpp_program(given: Bank, folder: Path) -> str:
    needs("g++")
    export(given, folder / "bank.hpp")
    (folder / "harness.cpp").write_text(CPP_HARNESS)
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wshadow", "-Wconversion"]
    built(["g++", *flags, "-O1", "-o", "cpp", "harness.cpp"], folder)
    return str(folder / "cpp")


def through(program: str, samples: np.ndarray, rate: float, **knobs: float | str) -> np.ndarray:
    """(2, time) in and out, by way of a program with some positions of its knobs."""
    words = [str(word) for knob in knobs.items() for word in knob]
    done = subprocess.run(
        [program, str(rate), *words], input=samples.T.tobytes(), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return np.frombuffer(done.stdout).reshape(-1, 2).T


def sound(frames: int = 4000) -> np.ndarray:
    """An impulse to the left, silence, then noise on both sides."""
    samples = np.random.default_rng(2).uniform(-0.5, 0.5, (2, frames))
    samples[:, : frames // 2] = 0
    samples[0, 0] = 1
    return samples


def scipy_sound(given: Bank, samples: np.ndarray, rate: float) -> np.ndarray:
    sections = given.to_sos(sample_rate=rate)
    if given.kind == "series":
        return np.asarray(sosfilt(sections, samples))
    cascades = sections.reshape(len(sections), -1, 6)
    return np.sum([np.asarray(sosfilt(one, samples)) for one in cascades], axis=0)


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("name", BANKS)
@pytest.mark.parametrize("make", [faust_program, cpp_program])
def test_a_program_sounds_as_sections_do(make: Callable, name: str, tmp_path: Path) -> None:
    given, samples = BANKS[name], sound()
    program = make(given, tmp_path)
    # At 8 kHz, some filters cannot be made.
    for rate in (44100, 8000, 96000):
        wet = scipy_sound(given, samples, rate)
        assert relative(through(program, samples, rate), wet) < 1e-9
    mixed = 0.25 * 10 ** ((6 - given.level_db) / 20) * wet + 0.75 * samples
    assert relative(through(program, samples, 96000, Mix=0.25, Level=6), mixed) < 1e-9


def test_faust_in_single_precision_is_near_enough(tmp_path: Path) -> None:
    low = bank([25.0, 60.0, 1000.0], [10.0, 20.0, 3.0], [1.0, -0.8, 0.5])
    program, samples = faust_program(low, tmp_path, precision="single"), sound(20_000)
    assert relative(through(program, samples, 48000), scipy_sound(low, samples, 48000)) < 2e-5


def test_faust_has_a_slider_for_everything(tmp_path: Path) -> None:
    given, samples = BANKS["one after another"], sound()
    program = faust_program(given, tmp_path)
    frequency, q, gain = given.frequency_hz.copy(), given.q.copy(), given.gain.copy()
    frequency[2], q[2], gain[2] = 1700.0, 0.5, -3.0
    turned = bank(frequency, q, gain, kind="series", shapes=given.shapes, level_db=given.level_db)
    knobs = {"3/Frequency": 1700, "3/Q": 0.5, "3/Gain": -3}
    expected = scipy_sound(turned, samples, 44100)
    assert relative(through(program, samples, 44100, **knobs), expected) < 1e-9


def test_faust_without_sliders_is_the_same_bank(tmp_path: Path) -> None:
    count = MOST_SLIDERS + 10
    given = bank(np.geomspace(30, 16000, count), np.full(count, 9.0), np.cos(np.arange(count)))
    program, samples = faust_program(given, tmp_path), sound()
    assert "Filters" not in (tmp_path / "bank.dsp").read_text()
    assert relative(through(program, samples, 44100), scipy_sound(given, samples, 44100)) < 1e-9


def test_faust_sliders_hold_the_widest_bank(tmp_path: Path) -> None:
    wide = bank([0.11, 1e6, 500.0], [0.001, 1000.0, 1.0], [1e6, -3e5, 0.0], level_db=200.5)
    program, samples = faust_program(wide, tmp_path), sound()  # the program checks each slider's range
    assert relative(through(program, samples, 44100), scipy_sound(wide, samples, 44100)) < 1e-6


def test_cpp_settings_change_and_what_is_none_is_refused(tmp_path: Path) -> None:
    given, samples = BANKS["side by side"], sound()
    program = cpp_program(given, tmp_path)
    frequency, q, gain = given.frequency_hz.copy(), given.q.copy(), given.gain.copy()
    frequency[9], q[9], gain[9] = 1700.0, 0.5, -3.0
    turned = bank(frequency, q, gain, level_db=given.level_db)
    nonsense = {"9,nan,1": 100, "9,1,inf": 100, "9,1,1": "nan", "9,0,1": 100, "9,1,2": -5, "11,1,1": 100}
    found = through(program, samples, 44100, **{"9,0.5,-3": 1700}, **nonsense, **{"-1,1,1": 9}, Level="nan")
    assert relative(found, scipy_sound(turned, samples, 44100)) < 1e-9
    single = through(program, samples, 44100, single=1)
    assert relative(single, scipy_sound(given, samples, 44100)) < 1e-6


@pytest.mark.parametrize("make", [faust_program, cpp_program])
def test_no_setting_makes_it_unstable(make: Callable, tmp_path: Path) -> None:
    extreme = bank(
        [0.2, 21500.0, 30000.0, 20000.0],
        [1000.0, 1000.0, 5.0, 0.001],
        [60.0, 60.0, -60.0, -60.0],
        kind="series",
    )
    program = make(extreme, tmp_path)
    burst = np.zeros((2, 60_000))
    burst[:, :100] = np.random.default_rng(0).uniform(-1, 1, (2, 100))
    for rate in (44100, 48000, 192000, 4000):
        found = through(program, burst, rate)
        assert np.isfinite(found).all()
        assert np.abs(found[:, -1000:]).max() <= np.abs(found[:, :5000]).max()
