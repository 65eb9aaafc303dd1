"""A training's objective: from a vector of parameters to the loss and its gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tonewright.reverb.losses.colour import ColorlessLoss
from tonewright.reverb.network import FDNBuild
from tonewright.reverb.train.circle import inner_radius
from tonewright.reverb.train.forward import DAMPED_DB, Forward, Response, SpectralResponse, Spectrum
from tonewright.reverb.train.optimise import Evaluation
from tonewright.reverb.train.parameters import ParameterMap, Parts

if TYPE_CHECKING:
    from tonewright.reverb.train.terms import Term

# Parts that the recursion in time holds constant.
MOVING = frozenset(("decay", "delays", "tone", "pre_delay"))


class TrainingObjective:
    """Loss and gradient of a network as a function of its parameters.

    Parameters
    ----------
    build : the network; its parts that are not trained are held constant
    parameters : the map to the parts that are
    terms : weighted criteria
    nfft : samples of the response, and length of the DFT
    summed : one impulse on all inputs, instead of each input by itself
    wrapped : responses wrap around at `nfft` samples, as an inverse DFT of the spectrum has them
    device, dtype : where and in what precision it is computed

    Attributes
    ----------
    radius : of the circle on which spectra are taken, see `circle.inner_radius`
    """

    def __init__(
        self,
        build: FDNBuild,
        parameters: ParameterMap,
        terms: Sequence[Term],
        *,
        nfft: int,
        summed: bool,
        wrapped: bool = False,
        device: str | None = None,
        dtype: str = "float64",
    ) -> None:
        self.build, self.map, self.nfft = build, parameters, nfft
        self.terms = list(terms)
        self.settings: dict[str, Any] = {
            "summed": summed,
            "trained": tuple(parameters.slices),
            "device": device,
            "dtype": dtype,
        }
        self.radius = 1.0 if "decay" in parameters.slices else inner_radius(build, nfft)
        self.forwards: dict[str, Forward] = {}
        for term in self.terms:
            if term.domain in ("spectrum", "time") and term.domain not in self.forwards:
                self.forwards[term.domain] = self._forward(term.domain, wrapped)
        self._colorless = self._fused()

    def __call__(self, vector: np.ndarray) -> Evaluation:
        """Loss, criteria and gradient at (parameters,)."""
        parts = self.map.parts(vector)
        slopes: list[tuple[float, Parts]] = []
        values: dict[str, float] = {}
        heard: dict[str, np.ndarray] = {}
        back: dict[str, np.ndarray] = {}
        total = 0.0
        for term in self.terms:
            if term is self._colorless:
                value, by_parts = self._spectrum.colorless(parts)
                slopes.append((term.weight, by_parts))
            else:
                if term.domain in self.forwards and term.domain not in heard:
                    heard[term.domain] = self.forwards[term.domain].value(parts)
                value, gradient, by_parts = term.evaluate(heard.get(term.domain), parts)
                if gradient is not None:
                    known = back.get(term.domain)
                    back[term.domain] = term.weight * gradient + (0 if known is None else known)
                if by_parts is not None:
                    slopes.append((term.weight, by_parts))
            values[term.name] = value
            total += term.weight * value
        slopes += [(1.0, self.forwards[domain].pullback(gradient)) for domain, gradient in back.items()]
        return Evaluation(total, values, self._gradient(slopes))

    def _gradient(self, slopes: list[tuple[float, Parts]]) -> np.ndarray:
        whole = Parts(*[np.empty(0)] * 4)
        for name in self.map.slices:
            found = [(weight, getattr(part, name)) for weight, part in slopes]
            kept = [weight * value for weight, value in found if value is not None and np.size(value)]
            shape = np.shape(getattr(self.map.start, name))
            setattr(whole, name, sum(kept[1:], start=kept[0]) if kept else np.zeros(shape))
        return self.map.gradient(whole)

    def _forward(self, domain: str, wrapped: bool) -> Forward:
        build, nfft, settings = self.build, self.nfft, self.settings
        if domain == "spectrum":
            return Spectrum(build, nfft=nfft, radius=self.radius, **settings)
        if wrapped:
            return SpectralResponse(Spectrum(build, nfft=nfft, **settings), nfft=nfft, radius=1.0)
        if MOVING & set(settings["trained"]) or settings["device"] is not None:
            radius = float(10 ** (-DAMPED_DB[settings["dtype"]] / 20 / nfft))
            spectrum = Spectrum(build, nfft=nfft, radius=radius, **settings)
            return SpectralResponse(spectrum, nfft=nfft, radius=radius)
        return Response(build, length=nfft, summed=settings["summed"], dtype=settings["dtype"])

    def _fused(self) -> Any:
        """The one criterion of the spectrum, where the engine computes it in one pass with its gradient."""
        found = [term for term in self.terms if term.domain == "spectrum"]
        if len(found) != 1 or not isinstance(getattr(found[0], "loss", None), ColorlessLoss):
            return None
        return found[0] if self._spectrum.fused else None

    @property
    def _spectrum(self) -> Spectrum:
        return cast(Spectrum, self.forwards["spectrum"])
