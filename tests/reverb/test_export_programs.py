"""Exported programs, compiled and run: they sound as the rendering in Python does."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from tonewright.reverb import FDNBuild, Taps, export, impulse_response, render
from tonewright.reverb.absorption import graphic_absorption
from tonewright.reverb.exports.faust import state_variable

FAUST_HARNESS = """
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>
#define FAUSTFLOAT float
struct Soundfile;
struct Meta { void declare(const char*, const char*) {} };
struct UI {
  std::map<std::string, FAUSTFLOAT*> knobs;
  void openVerticalBox(const char*) {}
  void closeBox() {}
  void declare(FAUSTFLOAT*, const char*, const char*) {}
  void addHorizontalSlider(const char* name, float* zone, float, float, float, float) { knobs[name] = zone; }
};
struct dsp { virtual ~dsp() {} };
<<includeIntrinsic>>
<<includeclass>>
int main(int argc, char** argv) {
  mydsp program;
  program.init(std::atoi(argv[1]));
  UI ui;
  program.buildUserInterface(&ui);
  for (int k = 2; k + 1 < argc; k += 2)
    if (ui.knobs.count(argv[k])) *ui.knobs[argv[k]] = std::atof(argv[k + 1]);
  const int inputs = program.getNumInputs(), outputs = program.getNumOutputs(), block = 100;
  std::vector<std::vector<float>> in(inputs, std::vector<float>(block)), out(outputs, in[0]);
  std::vector<float*> from, to;
  for (auto& channel : in) from.push_back(channel.data());
  for (auto& channel : out) to.push_back(channel.data());
  std::vector<float> frame(std::max(inputs, outputs));
  for (bool more = true; more;) {
    int count = 0;
    for (; count < block && (more = std::fread(frame.data(), 4, inputs, stdin) == size_t(inputs)); ++count)
      for (int j = 0; j < inputs; ++j) in[j][count] = frame[j];
    program.compute(count, from.data(), to.data());
    for (int t = 0; t < count; ++t) {
      for (int o = 0; o < outputs; ++o) frame[o] = out[o][t];
      std::fwrite(frame.data(), 4, outputs, stdout);
    }
  }
}
"""

CPP_HARNESS = """
#include "network.hpp"
#include <cstdio>
#include <cstdlib>
#include <new>

static bool closed = false;
void* operator new(std::size_t size) {
  if (closed) { std::fputs("memory was taken in process()", stderr); std::abort(); }
  return std::malloc(size ? size : 1);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

int main(int argc, char** argv) {
  using Reverb = tonewright::Network;
  Reverb reverb;
  if (argc > 3) {
    reverb.setMix(std::atof(argv[1]));
    reverb.setDecay(std::atof(argv[2]));
    reverb.setExtraPreDelay(std::atoi(argv[3]));
  }
  constexpr int kBlock = 333;
  constexpr int kChannels = Reverb::kInputs > Reverb::kOutputs ? Reverb::kInputs : Reverb::kOutputs;
  static float sound[kChannels][kBlock];
  float* channels[kChannels];
  for (int c = 0; c < kChannels; ++c) channels[c] = sound[c];
  float frame[kChannels];
  for (int round = 0;; ++round) {
    int count = 0;
    const int want = 1 + (round * 97) % kBlock;
    for (; count < want && std::fread(frame, 4, Reverb::kInputs, stdin) == Reverb::kInputs; ++count)
      for (int j = 0; j < Reverb::kInputs; ++j) sound[j][count] = frame[j];
    closed = true;
    reverb.process(channels, channels, count);  // in place
    closed = false;
    for (int t = 0; t < count; ++t) {
      for (int o = 0; o < Reverb::kOutputs; ++o) frame[o] = sound[o][t];
      std::fwrite(frame, 4, Reverb::kOutputs, stdout);
    }
    if (count < want) break;
  }
  reverb.reset();
  return 0;
}
"""


def needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def whole_network(inputs: int = 1, outputs: int = 2, *, fs: float = 48_000.0) -> FDNBuild:
    """Everything that a network can have: absorption, tone, early reflections, a direct path, a pre-delay."""
    rng = np.random.default_rng(1)
    lines = 6
    matrix = np.linalg.qr(rng.standard_normal((lines, lines)))[0]
    delays = np.array([211, 307, 401, 503, 613, 709])
    gains = 10 ** (-3 * delays / (0.4 * fs))
    filters = np.zeros((2, 6, lines))
    filters[0, 0], filters[0, 1], filters[:, 3] = 0.8 * gains, 0.1 * gains, 1.0
    filters[0, 4] = -0.1
    filters[1, 0], filters[1, 1], filters[1, 2] = 0.97, -1.8721, 0.903264
    filters[1, 4], filters[1, 5] = -1.9, 0.9025
    tone = np.tile(np.array([0.9, -0.4, 0.1, 1.0, -0.5, 0.2])[None, :, None], (1, 1, outputs))
    positions = np.sort(rng.choice(np.arange(1, 900), 40, replace=False))
    return FDNBuild(
        A=matrix,
        B=rng.standard_normal((lines, inputs)),
        C=rng.standard_normal((outputs, lines)),
        D=rng.standard_normal((outputs, inputs)),
        delays=delays,
        fs=fs,
        filters=filters,
        post_eq=tone,
        early=Taps(positions, rng.standard_normal((outputs, inputs, positions.size))),
        pre_delay=123,
    )


def bare_network() -> FDNBuild:
    """The least that a network can be: a line of one sample that loses half of it."""
    return FDNBuild(*np.array([[[0.5]], [[1.0]], [[1.0]], [[0.0]]]), delays=np.ones(1), fs=44_100.0)


NETWORKS = {
    "bare": bare_network(),
    "stereo": whole_network(),
    "matrix": whole_network(2, 2),
    "folded": whole_network(2, 1),
    "lossless": whole_network(1, 1).changed(filters=None, early=None),
}


def sound_for(network: FDNBuild, frames: int = 6_000) -> np.ndarray:
    """An impulse, silence, and noise: (inputs, time)."""
    samples = np.random.default_rng(2).uniform(-0.5, 0.5, (network.inputs, frames))
    samples[:, : frames // 2] = 0
    samples[0, 0] = 1
    return samples.astype(np.float32)


def through(command: list[str], samples: np.ndarray, outputs: int) -> np.ndarray:
    """(outputs, time) of a program that reads and writes frames of float32."""
    done = subprocess.run(command, input=samples.T.tobytes(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return np.frombuffer(done.stdout, np.float32).reshape(-1, outputs).T


def built(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr


def faust_program(network: FDNBuild, folder: Path, *, double: bool = True) -> Callable[..., list[str]]:
    """Compile the Faust export; gives the command for some position of the knobs."""
    needs("faust", "g++")
    export(network, folder / "network.dsp")
    (folder / "harness.cpp").write_text(FAUST_HARNESS)
    precision = ["-double"] if double else []
    built(["faust", *precision, "-a", "harness.cpp", "network.dsp", "-o", "program.cpp"], folder)
    built(["g++", "-O0", "-o", "program", "program.cpp"], folder)

    def command(mix: float = 1.0, decay: float = 1.0, later_ms: float = 0.0) -> list[str]:
        knobs = {"Mix": mix, "More pre-delay": later_ms, "Decay": decay}
        words = [str(word) for knob in knobs.items() for word in knob]
        return [str(folder / "program"), str(int(network.fs)), *words]

    return command


def cpp_program(network: FDNBuild, folder: Path) -> Callable[..., list[str]]:
    """Compile the C++ export, warnings being errors; gives the command for some position of the knobs."""
    needs("g++")
    export(network, folder / "network.hpp")
    (folder / "harness.cpp").write_text(CPP_HARNESS)
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wshadow", "-Wconversion"]
    built(["g++", *flags, "-O1", "-o", "program", "harness.cpp"], folder)

    def command(mix: float = 1.0, decay: float = 1.0, later_ms: float = 0.0) -> list[str]:
        return [str(folder / "program"), str(mix), str(decay), str(round(later_ms * network.fs / 1000))]

    return command


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("make", [faust_program, cpp_program])
def test_a_program_sounds_as_the_rendering(make: Callable, name: str, tmp_path: Path) -> None:
    network = NETWORKS[name]
    program = make(network, tmp_path)
    samples = sound_for(network)
    for mix in (1.0, 0.25):
        expected = render(network, samples.astype(np.float64), tail=False, mix=mix)
        found = through(program(mix=mix), samples, network.outputs)
        assert relative(found, expected) < 1e-6


def gains_only(scale: float = 1.0) -> FDNBuild:
    """A network whose lines lose alike for their lengths: 60 dB in 0.2 s, times `scale`."""
    whole = whole_network(1, 1)
    gains = 10 ** (-3 * whole.delays / (0.2 * scale * whole.fs))
    filters = np.zeros((1, 6, whole.lines))
    filters[0, 0], filters[0, 3] = gains, 1.0
    return FDNBuild(whole.A, whole.B, whole.C, np.zeros(1), whole.delays, whole.fs, filters, pre_delay=10)


@pytest.mark.parametrize("make", [faust_program, cpp_program])
def test_the_knobs_turn_decay_and_pre_delay(make: Callable, tmp_path: Path) -> None:
    program = make(gains_only(), tmp_path)
    samples = sound_for(gains_only())
    for scale in (0.5, 2.0):
        expected = render(gains_only(scale), samples.astype(np.float64), tail=False)
        assert relative(through(program(decay=scale), samples, 1), expected) < 1e-6
    later = render(gains_only().changed(pre_delay=10 + 48 * 7), samples.astype(np.float64), tail=False)
    assert relative(through(program(later_ms=7), samples, 1), later) < 1e-6


@pytest.mark.parametrize("name", ["whole", "low"])
def test_faust_in_single_precision_is_near_enough(name: str, tmp_path: Path) -> None:
    network = whole_network() if name == "whole" else low_network()
    program = faust_program(network, tmp_path, double=False)
    samples = sound_for(network)
    expected = render(network, samples.astype(np.float64), tail=False)
    assert relative(through(program(), samples, network.outputs), expected) < 2e-6


def low_network() -> FDNBuild:
    """Decay times that differ between low octaves: in single precision, sections in direct form miss them."""
    whole = whole_network(1, 1)
    times = np.array([3.0, 2.0, 1.5, 1.0, 0.5])
    filters = graphic_absorption(times, whole.delays, whole.fs, centers_hz=[31.5, 63, 125, 250, 500])
    return whole.changed(filters=filters)


@settings(deadline=None, max_examples=50)
@given(
    poles=st.tuples(st.floats(-0.9999, 0.9999), st.floats(-0.9999, 0.9999)),
    pair=st.one_of(st.none(), st.tuples(st.floats(0.0, 0.9999), st.floats(0.001, 3.14))),
    zeros=st.tuples(*[st.floats(-3, 3)] * 3),
)
def test_a_state_variable_filter_is_its_section(poles: tuple, pair: tuple | None, zeros: tuple) -> None:
    a1, a2 = -sum(poles), poles[0] * poles[1]
    if pair is not None:
        a1, a2 = -2 * pair[0] * np.cos(pair[1]), pair[0] ** 2
    section = np.array([*zeros, 1.0, a1, a2])
    impulse = np.eye(1, 200)[0]
    expected = lfilter(section[:3], section[3:], impulse)
    c1, c2, c3, m0, m1, m2 = state_variable(section)
    first = second = 0.0
    found = []
    for x in impulse:
        band = c1 * first + c2 * (x - second)
        low = second + c2 * first + c3 * (x - second)
        first, second = 2 * band - first, 2 * low - second
        found.append(m0 * x + m1 * band + m2 * low)
    assert np.abs(np.array(found) - expected).max() < 1e-6 * (1 + np.abs(expected).max())


def test_faust_takes_a_thousand_early_reflections(tmp_path: Path) -> None:
    needs("faust")
    rng = np.random.default_rng(0)
    taps = Taps(np.arange(1, 2001, 2), rng.standard_normal((2, 1, 1000)))
    export(whole_network().changed(early=taps), tmp_path / "network.dsp")
    # A flat sum of as many terms takes half a minute.
    built(["faust", "-t", "20", "network.dsp", "-o", "program.cpp"], tmp_path)
    assert "class mydsp" in (tmp_path / "program.cpp").read_text()


@pytest.mark.parametrize("name", NETWORKS)
def test_octave_answers_as_python_does(name: str, tmp_path: Path) -> None:
    needs("octave-cli")
    network = NETWORKS[name]
    export(network, tmp_path / "room.m")
    samples = sound_for(network, 3_000)
    samples.T.astype(np.float64).tofile(tmp_path / "in.raw")
    script = f"""
    x = fread (fopen ('in.raw', 'r'), [{network.inputs}, Inf], 'double').';
    [h, rate] = room ();
    assert (rate, {network.fs});
    y = room (x, 0.25, 100);
    for part = {{h, 'h.raw'; y, 'y.raw'}}.'
      file = fopen (part{{2}}, 'w');
      fwrite (file, part{{1}}, 'double');
      fclose (file);
    end
    """
    (tmp_path / "script.m").write_text(script)
    built(["octave-cli", "--norc", "--no-gui", "script.m"], tmp_path)
    h = impulse_response(network).reshape(-1, network.outputs, network.inputs)
    assert relative(octave_array(tmp_path / "h.raw", h.shape), h) < 1e-12
    padded = np.pad(samples.astype(np.float64), ((0, 0), (0, 100)))
    y = render(network, padded, tail=False, mix=0.25)
    assert relative(octave_array(tmp_path / "y.raw", y.T.shape).T, y) < 1e-12


def octave_array(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Octave keeps columns together."""
    return np.fromfile(path).reshape(shape, order="F")
