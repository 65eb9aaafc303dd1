"""Which parts of a network are trained, what they are at the start, and the network that they make up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.network import FDNBuild, Taps
from tonewright.reverb.train.parameters import ParameterMap, Parts

if TYPE_CHECKING:
    from tonewright.reverb.train.build import Trainable


def built_parts(build: FDNBuild) -> Parts:
    """The parts of a network of which nothing but gains is trained."""
    return Parts(build.A, build.B, build.C, build.D)


def parameter_map(build: FDNBuild, trainable: Trainable, matrix: str) -> ParameterMap:
    """The map from a flat vector to the trained parts of a network.

    Parameters
    ----------
    build : the network at the start
    trainable : the parts that are trained
    matrix : "orthogonal" or "random"
    """
    start = built_parts(build)
    if trainable.decay:
        from tonewright.reverb.train.loop_design import measured_decay

        start.decay = measured_decay(build)
    if trainable.delays:
        start.delays = build.delays.astype(np.float64)
    if trainable.tone:
        from tonewright.reverb.train.tone import ToneFilter

        start.tone = np.zeros((ToneFilter(build.fs).centers_hz.size, build.outputs))
    if trainable.early:
        if build.early is None:
            raise NetworkError(
                "trainable.early is set, but the network has no early reflections; give it some"
            )
        start.early = build.early.gains
    if trainable.pre_delay:
        start.pre_delay = np.array([float(build.pre_delay)])
    return ParameterMap(start, trained_names(trainable), matrix=matrix)


def trained_names(trainable: Trainable) -> tuple[str, ...]:
    """Names of the trained parts, as `Parts` has them."""
    return tuple(name for name in Parts.__dataclass_fields__ if getattr(trainable, name))


def built(start: FDNBuild, parts: Parts) -> FDNBuild:
    """The network of some parts; delays are rounded to whole samples.

    Parameters
    ----------
    start : the network that training departs from
    parts : what it is now
    """
    build = start.changed(A=parts.feedback, B=parts.input_gain, C=parts.output_gain, D=parts.direct)
    if parts.pre_delay is not None:
        build = build.changed(pre_delay=round(float(parts.pre_delay[0])))
    if parts.early is not None and start.early is not None:
        build = build.changed(early=Taps(start.early.positions, parts.early))
    if parts.tone is not None:
        from tonewright.reverb.train.tone import ToneFilter

        sections = ToneFilter(start.fs).sections(parts.tone)
        known = [] if start.post_eq is None else [start.post_eq]
        build = build.changed(post_eq=np.concatenate([*known, sections]))
    if parts.delays is None and parts.decay is None:
        return build
    from tonewright.reverb.train.loop_design import LoopDesign

    whole = start.delays if parts.delays is None else np.maximum(np.round(parts.delays), 1)
    return build.changed(delays=whole, filters=LoopDesign(start).filters(parts.decay, whole))
