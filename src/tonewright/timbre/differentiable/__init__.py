"""Six descriptors of timbre as differentiable functions of batches in torch, and a loss made of them.

Where a model decides (where notes begin and end, which bins are peaks, which frames count), the decision
is taken on the numbers, by the code of the models in NumPy, and held while the gradient is taken. Some
decisions would leave hardly any gradient, or a misleading one, and are smoothed for it, though not in the
value:

- roughness: peaks fade in around the least contrast, instead of being there or not;
- sharpness, boominess, warmth: the slopes of specific loudness bend where they bend, not at tenths of a Bark;
- depth: a note ends when its level passes −40 dB, not at a whole block;
- warmth: powers of spectra have a floor, 120 dB below the highest bin.

`exact=False` returns the value of the smoothed functions as well.
"""

from tonewright.timbre.differentiable.loss import SCALES, TimbreLoss
from tonewright.timbre.differentiable.measures import (
    DESCRIPTORS,
    boominess,
    brightness,
    depth,
    describe,
    roughness,
    sharpness,
    warmth,
)

__all__ = [
    "DESCRIPTORS",
    "SCALES",
    "TimbreLoss",
    "boominess",
    "brightness",
    "depth",
    "describe",
    "roughness",
    "sharpness",
    "warmth",
]
