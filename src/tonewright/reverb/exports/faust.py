"""A network as a Faust program that a person can read."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from tonewright.audio.exporting import number, plain_name
from tonewright.reverb.exports.words import Knobs, description
from tonewright.reverb.network import FDNBuild, Taps

# Long sums are written as sums of short ones: Faust takes half a minute for a flat sum of a thousand terms.
_TERMS = 8

_PARTS = """\
// A second-order section of absorption or tone, as a state-variable filter (Zavalishin, "The Art of VA Filter
// Design", 2012): in single precision it keeps the decay of low notes, which a direct form would not.
section(a1, a2, a3, m0, m1, m2) = step ~ (_, _) : !, !, _
with {
  step(s1, s2, x) = 2*v1 - s1, 2*v2 - s2, m0*x + m1*v1 + m2*v2
  with {
    v1 = a1*s1 + a2*(x - s2);
    v2 = s2 + a2*s1 + a3*(x - s2);
  };
};
"""


def faust_text(network: FDNBuild, path: Path) -> str:
    """The program: sliders, delay lines, matrices, early reflections, and how they hang together."""
    knobs = Knobs.of(network)
    parts = [
        _head(network, knobs, path),
        _sliders(network, knobs),
        _PARTS if network.filters is not None or network.post_eq is not None else "",
        _lines(network, knobs),
        _gains("feedback", "What each line hears of all lines.", network.A),
        _gains("input_gains", "What each line hears of the inputs.", network.B),
        _gains("output_gains", "What each output hears of the lines.", network.C),
        _tone(network),
        _early(network.early, network.outputs, network.inputs) if network.early is not None else "",
        _gains("direct", "The direct path.", network.D) if network.D.any() else "",
        _whole(network),
    ]
    return "\n".join(part for part in parts if part)


def _head(network: FDNBuild, knobs: Knobs, path: Path) -> str:
    comment = "\n".join(f"// {line}" for line in description(network, knobs))
    name = plain_name(path, otherwise="reverb")
    return f'declare name "{name}";\ndeclare description "Reverb";\n\n{comment}\n'


def _sliders(network: FDNBuild, knobs: Knobs) -> str:
    most = 1000 * knobs.more_pre_delay_samples / network.fs
    per_ms = number(network.fs / 1000)
    rows = [
        "// 0: the sound as it comes in, 1: the reverb alone.",
        'mix = hslider("[0]Mix", 1, 0, 1, 0.01);',
        "",
        "// Samples added to the pre-delay.",
        f'more_pre_delay = int(hslider("[1]More pre-delay[unit:ms]", 0, 0, {most:g}, 1)*{per_ms});',
    ]
    if knobs.decays:
        rows += [
            "",
            "// The slowest decay, times this; faster ones change less.",
            f'decay = hslider("[2]Decay", 1, 0.1, {knobs.most_decay:g}, 0.01);',
            f"loss(samples) = pow({number(knobs.radius)}, samples*(1/decay - 1));",
        ]
    return "\n".join(rows) + "\n"


def _lines(network: FDNBuild, knobs: Knobs) -> str:
    """Delay lines, one sample short: the loop itself takes one."""
    rows = ["// The delay lines with their absorption; one sample of each delay is in the loop."]
    for index, delay in enumerate(network.delays):
        steps = [f"@({delay - 1})"]
        if knobs.decays:
            steps.append(f"*(loss({delay}))")
        steps += _chain(network.filters, index)
        rows.append(f"line({index}) = " + "\n  : ".join(steps) + ";")
    return "\n".join(rows) + "\n"


def _chain(sections: np.ndarray | None, index: int) -> list[str]:
    if sections is None:
        return []
    return [
        "section(" + ", ".join(number(value) for value in state_variable(section[:, index])) + ")"
        for section in sections
    ]


def state_variable(section: np.ndarray) -> tuple[float, ...]:
    """The coefficients a1 a2 a3 m0 m1 m2 of a state-variable filter with the response of a section.

    With g = tan(ω₀/2) and damping k, its denominator is (1 + gk + g²) + 2 (g² − 1) z⁻¹ + (1 − gk + g²) z⁻².
    High-, band- and low-pass outputs have the numerators (1 − z⁻¹)², g (1 − z⁻²) and g² (1 + z⁻¹)².

    Parameters
    ----------
    section : (6,) stable [b0 b1 b2 1 a1 a2]
    """
    b0, b1, b2, _, a1, a2 = (float(value) for value in section)
    scale = 4 / (1 - a1 + a2)
    g = math.sqrt((1 + a1 + a2) * scale) / 2
    gk = (1 - a2) * scale / 2
    high, low = (b0 - b1 + b2) * scale / 4, (b0 + b1 + b2) * scale / (4 * g * g)
    band = (b0 - b2) * scale / (2 * g)
    first = 1 / (1 + gk + g * g)
    return first, g * first, g * g * first, high, band - gk / g * high, low - high


def _gains(name: str, words: str, matrix: np.ndarray) -> str:
    """A matrix as a function of as many signals as it has columns."""
    arguments = ", ".join(f"x{column}" for column in range(matrix.shape[1]))
    rows = [
        _sum([f"x{column}*({number(gain)})" for column, gain in enumerate(row) if gain], "    ")
        for row in matrix
    ]
    return f"// {words}\n{name}({arguments}) =\n  " + ",\n  ".join(rows) + ";\n"


def _sum(terms: list[str], indent: str) -> str:
    if not terms:
        return "0"
    groups = [" + ".join(terms[start : start + _TERMS]) for start in range(0, len(terms), _TERMS)]
    if len(groups) == 1:
        return groups[0]
    return "(" + f")\n{indent}+ (".join(groups) + ")"


def _tone(network: FDNBuild) -> str:
    if network.post_eq is None:
        return ""
    rows = ["// The tone of the late sound."]
    for index in range(network.outputs):
        rows.append(f"tone({index}) = " + "\n  : ".join(_chain(network.post_eq, index) or ["_"]) + ";")
    return "\n".join(rows) + "\n"


def _early(early: Taps, outputs: int, inputs: int) -> str:
    """The early reflections as sums of sums, each a function of its own."""
    rows = ["// The early reflections from each input to each output: delays in samples, and gains."]
    for output in range(outputs):
        for source in range(inputs):
            terms = [
                f"x@({position})*({number(gain)})"
                for position, gain in zip(early.positions, early.gains[output, source], strict=True)
                if gain
            ]
            rows += _sum_functions(f"early_{output}_{source}", terms)
    arguments = ", ".join(f"x{source}" for source in range(inputs))
    sums = [
        " + ".join(f"early_{output}_{source}(x{source})" for source in range(inputs))
        for output in range(outputs)
    ]
    rows.append(f"early({arguments}) =\n  " + ",\n  ".join(sums) + ";")
    return "\n".join(rows) + "\n"


def _sum_functions(name: str, terms: list[str]) -> list[str]:
    """Definitions that end in `name`(x), the sum of all terms."""
    rows, level = [], 0
    while len(terms) > _TERMS:
        calls = []
        for group, start in enumerate(range(0, len(terms), _TERMS)):
            part = f"{name}_{level}_{group}"
            rows.append(f"{part}(x) = " + " + ".join(terms[start : start + _TERMS]) + ";")
            calls.append(f"{part}(x)")
        terms, level = calls, level + 1
    rows.append(f"{name}(x) = " + (" + ".join(terms) or "0") + ";")
    return rows


def _whole(network: FDNBuild) -> str:
    """The loop, and dry and wet sound in one."""
    lines, inputs, outputs = network.lines, network.inputs, network.outputs
    after = f" : par(i, {outputs}, tone(i))" if network.post_eq is not None else ""
    beside = [
        name for name, there in (("early", network.early is not None), ("direct", network.D.any())) if there
    ]
    wet = "late"
    if beside:
        wet = f"par(i, {inputs}, _) <: late, {', '.join(beside)} :> par(i, {outputs}, _)"
    dry = f"par(i, {inputs}, _)"
    if inputs != outputs:
        dry = f"par(i, {inputs}, *({number(1 / inputs)})) :> _ <: par(i, {outputs}, _)"
    return f"""\
// Each line hears its input and the feedback, both one sample late.
add = par(i, {lines}, _), par(i, {lines}, _) :> par(i, {lines}, _);
loop = (add : par(i, {lines}, line(i))) ~ feedback;
late = par(i, {inputs}, @({network.pre_delay} + more_pre_delay))
  : input_gains : par(i, {lines}, mem) : loop : output_gains{after};

wet = {wet};
dry = {dry};
process = par(i, {inputs}, _) <: (dry : par(i, {outputs}, *(1 - mix))), (wet : par(i, {outputs}, *(mix)))
  :> par(i, {outputs}, _);
"""
