"""Absorption: filters in the delay lines that give a network its decay at every frequency."""

from tonewright.reverb.absorption.graphic import GraphicAbsorption as GraphicAbsorption
from tonewright.reverb.absorption.graphic import fewest_sections as fewest_sections
from tonewright.reverb.absorption.graphic import graphic_absorption as graphic_absorption
from tonewright.reverb.absorption.sections import sections_response as sections_response
from tonewright.reverb.absorption.shelves import shelf_absorption as shelf_absorption
from tonewright.reverb.absorption.target import OCTAVES_HZ as OCTAVES_HZ
from tonewright.reverb.absorption.target import decay_curve as decay_curve
from tonewright.reverb.absorption.target import octave_centers as octave_centers
