"""The six models, a module each, with a function of the same name: of sounds, values and who has one."""

from tonewright.timbre.differentiable.models.boominess import boominess
from tonewright.timbre.differentiable.models.brightness import brightness
from tonewright.timbre.differentiable.models.depth import depth
from tonewright.timbre.differentiable.models.roughness import roughness
from tonewright.timbre.differentiable.models.sharpness import sharpness
from tonewright.timbre.differentiable.models.warmth import warmth

__all__ = ["boominess", "brightness", "depth", "roughness", "sharpness", "warmth"]
