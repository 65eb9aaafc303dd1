"""Reverbs: a room as a feedback delay network that can be trained, turned, rendered and exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from tonewright.reverb import losses as losses
    from tonewright.reverb import train as train
    from tonewright.reverb.absorption import graphic_absorption as graphic_absorption
    from tonewright.reverb.absorption import shelf_absorption as shelf_absorption
    from tonewright.reverb.analysis import DecayFigures as DecayFigures
    from tonewright.reverb.analysis import RoomAnalysis as RoomAnalysis
    from tonewright.reverb.analysis import RoomDifference as RoomDifference
    from tonewright.reverb.analysis import Truncation as Truncation
    from tonewright.reverb.analysis import analyse as analyse
    from tonewright.reverb.analysis import compare as compare
    from tonewright.reverb.analysis import decay_relief as decay_relief
    from tonewright.reverb.analysis import echo_density as echo_density
    from tonewright.reverb.analysis import energy_decay_curve as energy_decay_curve
    from tonewright.reverb.analysis import octave_bands as octave_bands
    from tonewright.reverb.colorless_network import colorless as colorless
    from tonewright.reverb.config import Config as Config
    from tonewright.reverb.exports import export as export
    from tonewright.reverb.files import load_network as load_network
    from tonewright.reverb.files import save_network as save_network
    from tonewright.reverb.fitting.fit import fit as fit
    from tonewright.reverb.fitting.result import Fit as Fit
    from tonewright.reverb.gallery import fdn_build_gallery as fdn_build_gallery
    from tonewright.reverb.gallery import random_orthogonal as random_orthogonal
    from tonewright.reverb.gallery import sample_delay_lengths as sample_delay_lengths
    from tonewright.reverb.network import FDNBuild as FDNBuild
    from tonewright.reverb.network import Taps as Taps
    from tonewright.reverb.plots import plot as plot
    from tonewright.reverb.rendering.renderer import Renderer as Renderer
    from tonewright.reverb.rendering.sound_files import render_file as render_file
    from tonewright.reverb.rendering.sounds import render as render
    from tonewright.reverb.rendering.sounds import render_arrays as render_arrays
    from tonewright.reverb.response import impulse_response as impulse_response
    from tonewright.reverb.stability import check_stable as check_stable
    from tonewright.reverb.stability import is_stable as is_stable
    from tonewright.reverb.stability import loop_radius as loop_radius
    from tonewright.reverb.stability import slowest_decay_s as slowest_decay_s
    from tonewright.reverb.train.build import MatrixParam as MatrixParam
    from tonewright.reverb.train.build import Trainable as Trainable
    from tonewright.reverb.train.build import build_fdn as build_fdn
    from tonewright.reverb.train.build import extract_build as extract_build
    from tonewright.reverb.train.build import trainable_from_build as trainable_from_build
    from tonewright.reverb.train.build import with_decay as with_decay
    from tonewright.reverb.train.criteria import Objective as Objective
    from tonewright.reverb.train.criteria import build_objective as build_objective
    from tonewright.reverb.train.criteria import colorless_sparsity_loss as colorless_sparsity_loss
    from tonewright.reverb.train.criteria import feedback_matrix_module as feedback_matrix_module
    from tonewright.reverb.train.criteria import output_domain as output_domain
    from tonewright.reverb.train.model import TrainableFDN as TrainableFDN
    from tonewright.reverb.train.recording import TrainLog as TrainLog
    from tonewright.reverb.train.torch_module import FDNModule as FDNModule
    from tonewright.reverb.train.training import train_fdn as train_fdn


__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["losses", "train"],
    submod_attrs={
        "absorption": ["graphic_absorption", "shelf_absorption"],
        "analysis": [
            "DecayFigures",
            "RoomAnalysis",
            "RoomDifference",
            "Truncation",
            "analyse",
            "compare",
            "decay_relief",
            "echo_density",
            "energy_decay_curve",
            "octave_bands",
        ],
        "train.build": [
            "MatrixParam",
            "Trainable",
            "build_fdn",
            "extract_build",
            "trainable_from_build",
            "with_decay",
        ],
        "colorless_network": ["colorless"],
        "config": ["Config"],
        "train.criteria": [
            "Objective",
            "build_objective",
            "colorless_sparsity_loss",
            "feedback_matrix_module",
            "output_domain",
        ],
        "exports": ["export"],
        "files": ["load_network", "save_network"],
        "fitting.fit": ["fit"],
        "fitting.result": ["Fit"],
        "gallery": ["fdn_build_gallery", "random_orthogonal", "sample_delay_lengths"],
        "train.model": ["TrainableFDN"],
        "network": ["FDNBuild", "Taps"],
        "plots": ["plot"],
        "rendering.renderer": ["Renderer"],
        "rendering.sound_files": ["render_file"],
        "rendering.sounds": ["render", "render_arrays"],
        "response": ["impulse_response"],
        "stability": ["check_stable", "is_stable", "loop_radius", "slowest_decay_s"],
        "train.torch_module": ["FDNModule"],
        "train.recording": ["TrainLog"],
        "train.training": ["train_fdn"],
    },
)
