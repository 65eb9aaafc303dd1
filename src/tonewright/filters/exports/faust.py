"""A bank as a Faust program that a person can read and turn.

Each filter is a state-variable filter in the trapezoidal form (V. Zavalishin, "The Art of VA Filter Design",
2012; outputs mixed as in A. Simper, "Linear Trapezoidal Integrated State Variable Filter", 2013). Its
response is that of the bilinear designs in `tonewright.dsp.biquads`. For every coefficient g > 0 and damping
k > 0 it is stable, also while they change, and in single precision it keeps what a direct form loses at low
frequencies.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from tonewright.audio.exporting import number, plain_name
from tonewright.filters.exports.words import OTHERWISE, described, description

if TYPE_CHECKING:
    from tonewright.filters.bank import Bank

MOST_SLIDERS = 64  # filters; a bank of more is written without sliders for each
_LONG_CHAIN = 256  # the time to compile grows with its square
_TERMS = 8  # long sums are written as sums of short ones, which compile much faster

_CORE = """\
// Coefficients are made for the rate at which the program runs. A filter that cannot be made at it is off.
usable(frequency) = (frequency/ma.SR >= 0.000001) & (frequency/ma.SR <= 0.49);
tangent(frequency) = tan(ma.PI*max(0.000001, min(0.49, frequency/ma.SR)));

// A state-variable filter: stable for every g > 0 and k > 0, also while they change.
state_variable(g, k, m0, m1, m2) = step ~ (_, _) : !, !, _
with {
  a1 = 1/(1 + g*(g + k));
  a2 = g*a1;
  a3 = g*a2;
  step(s1, s2, x) = 2*v1 - s1, 2*v2 - s2, m0*x + m1*v1 + m2*v2
  with {
    v1 = a1*s1 + a2*(x - s2);
    v2 = s2 + a2*s1 + a3*(x - s2);
  };
};
"""
_BAND_PASS = """
// A band-pass with a gain of 1 at its centre.
band_pass(frequency, q) = state_variable(tangent(frequency), 1/q, 0, 1/q, 0);
"""
_SHAPES = {
    "peaking": """
// A bell: `gain` dB at its centre, 0 dB far from it.
peaking(frequency, q, gain) = state_variable(tangent(frequency), k, 1, k*(a*a - 1), 0)
with { a = pow(10, usable(frequency)*gain/40); k = 1/(q*a); };
""",
    "low_shelf": """
// A shelf: `gain` dB far below its frequency, half of it there, 0 dB far above.
low_shelf(frequency, q, gain) = state_variable(tangent(frequency)/sqrt(a), 1/q, 1, (a - 1)/q, a*a - 1)
with { a = pow(10, usable(frequency)*gain/40); };
""",
    "high_shelf": """
// A shelf: `gain` dB far above its frequency, half of it there, 0 dB far below.
high_shelf(frequency, q, gain) = state_variable(tangent(frequency)*sqrt(a), 1/q, a*a, (1 - a)*a/q, 1 - a*a)
with { a = pow(10, usable(frequency)*gain/40); };
""",
}
_WHOLE = """\
process = par(i, channels, _ <: *(1 - mix), (filters : *(level*mix)) :> _);
"""


def faust_text(bank: Bank, path: Path) -> str:
    """The program: knobs, what a filter is, the filters, and how they hang together."""
    parts = [_head(bank, path), _knobs(bank), _CORE]
    if bank.kind == "parallel":
        parts[-1] += _BAND_PASS
    else:
        parts[-1] += "".join(text for shape, text in _SHAPES.items() if shape in bank.shapes)
    sliders = bank.filters <= MOST_SLIDERS
    parts += [_sliders(bank) if sliders else "", _filters(bank, sliders), _WHOLE]
    return "\n".join(part for part in parts if part)


def _head(bank: Bank, path: Path) -> str:
    lines = description(bank)
    if bank.kind == "series" and bank.filters > _LONG_CHAIN:
        lines.append("So long a chain takes minutes to compile: faust -t 0 lifts the limit of two.")
    comment = "\n".join(f"// {line}" for line in lines)
    return (
        f'declare name "{plain_name(path, otherwise=OTHERWISE)}";\n'
        f'declare description "{described(bank)}";\n\n{comment}\n\nimport("stdfaust.lib");\n'
    )


def _knobs(bank: Bank) -> str:
    low, high = min(-60, math.floor(bank.level_db)), max(24, math.ceil(bank.level_db))
    level = f'hslider("[0]Level[unit:dB]", {number(bank.level_db)}, {low}, {high}, 0.1)'
    return f"""\
// How many channels of sound; all go through the same filters.
channels = 2;

level = {level} : ba.db2linear;
// 0: the sound as it comes in, 1: the filtered sound alone.
mix = hslider("[1]Mix", 1, 0, 1, 0.01);
"""


def _sliders(bank: Bank) -> str:
    """The sliders of a filter, wide enough for what the bank holds."""
    low, high = min(20.0, float(bank.frequency_hz.min())), max(20000, math.ceil(bank.frequency_hz.max()))
    least, most = min(0.1, float(bank.q.min())), max(30, math.ceil(bank.q.max()))
    gains = math.ceil(max(abs(bank.gain.min()), abs(bank.gain.max())))
    unit, reach = ("[unit:dB]", max(24, gains)) if bank.kind == "series" else ("", max(4, gains))
    return f"""\
// The sliders of filter i; their ranges keep it stable.
knob(i, what) = hgroup("Filters", vgroup("%3i", what));
frequency(i, hz) = knob(i, hslider("[0]Frequency[unit:Hz][scale:log]", hz, {low:g}, {high}, 0.01));
sharpness(i, q) = knob(i, hslider("[1]Q[scale:log]", q, {least:g}, {most}, 0.0001));
strength(i, gain) = knob(i, hslider("[2]Gain{unit}", gain, -{reach}, {reach}, 0.0001));
"""


def _filters(bank: Bank, sliders: bool) -> str:
    """The filters: a line each, with their numbers."""
    rows = []
    for index in range(bank.filters):
        values = ", ".join(number(values[index]) for values in (bank.frequency_hz, bank.q, bank.gain))
        shape = f"{bank.shapes[index]}, " if bank.kind == "series" else ""
        rows.append(f"filter({index + 1}, {shape}{values})")
    names = ("frequency(i, hz)", "sharpness(i, q)", "strength(i, gain)") if sliders else ("hz", "q", "gain")
    if bank.kind == "series":
        hangs = "\n  : ".join(rows)
        return f"""\
// Frequency (Hz), Q and gain (dB) of each filter.
filter(i, shape, hz, q, gain) = shape({", ".join(names)});
filters =
  {hangs};
"""
    stages = "" if bank.order == 1 else f" : seq(stage, {bank.order - 1}, band_pass(f, s))"
    return f"""\
// Frequency (Hz), Q and gain (a factor) of each filter.
filter(i, hz, q, gain) = band_pass(f, s){stages} : *({names[2]}*usable(f))
with {{ f = {names[0]}; s = {names[1]}; }};
{_sums(rows)}
"""


def _sums(rows: list[str]) -> str:
    """Filters that hear the same sound, added up in groups."""
    if len(rows) <= _TERMS:
        return "filters = _ <:\n  " + ",\n  ".join(rows) + "\n  :> _;"
    groups = [rows[start : start + _TERMS] for start in range(0, len(rows), _TERMS)]
    lines = [
        f"filters_{count} = _ <:\n  " + ",\n  ".join(group) + "\n  :> _;"
        for count, group in enumerate(groups)
    ]
    level = [f"filters_{count}" for count in range(len(groups))]
    depth = 0
    while len(level) > _TERMS:
        parts = [level[start : start + _TERMS] for start in range(0, len(level), _TERMS)]
        lines += [
            f"sum_{depth}_{count} = _ <: " + ", ".join(part) + " :> _;" for count, part in enumerate(parts)
        ]
        level = [f"sum_{depth}_{count}" for count in range(len(parts))]
        depth += 1
    return "\n".join([*lines, "filters = _ <: " + ", ".join(level) + " :> _;"])
