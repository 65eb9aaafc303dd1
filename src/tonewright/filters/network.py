"""The trained networks in NumPy: the same sums as Flax's, without loading it, and their numbers as knobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tonewright.errors import RunError
from tonewright.filters.config import LOG_VARIANCE_RANGE, TYPICAL_DB, Config
from tonewright.filters.trees import Tree, mismatch

CONVOLUTIONS = (16, 32, 64)
ENCODING, DECODING = (128, 64), (64, 128)
KERNEL = 3


class Turning(NamedTuple):
    """How the numbers of a model become knobs: z' = sign (z[order] − centre) / spread.

    Attributes
    ----------
    order : (latent,) which number each knob was
    sign : (latent,) 1 or −1
    centre, spread : (latent,) in the new order
    """

    order: np.ndarray
    sign: np.ndarray
    centre: np.ndarray
    spread: np.ndarray

    def applied(self, z: np.ndarray) -> np.ndarray:
        """Numbers (…, latent) as knobs."""
        return self.sign * (z[..., self.order] - self.centre) / self.spread


class Network:
    """Both networks of a model, in float64.

    Parameters
    ----------
    config : what the parameters belong to
    parameters : Flax's tree, ``{"params": …}``
    source : names it in errors

    Raises
    ------
    RunError
        If the parameters are not those of this configuration, or not finite.
    """

    def __init__(self, config: Config, parameters: Tree, source: str = "the parameters") -> None:
        difference = mismatch(parameters, expected(config))
        if difference:
            raise RunError(f"{source}: does not fit config.yaml ({difference}); restore both from one run")
        self.config = config
        networks = parameters["params"]
        self._encoder, self._decoder = _doubled(networks["encoder"]), _doubled(networks["decoder"])
        for network in (self._encoder, self._decoder):
            if not all(np.isfinite(part).all() for layer in network.values() for part in layer.values()):
                raise RunError(f"{source}: holds NaN or infinite parameters; train again")

    def encode(self, heard: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and log-variance, (sounds, latent) each, of what is heard, (sounds, points)."""
        x = np.asarray(heard, np.float64)
        x = x / TYPICAL_DB if self.config.spectrum == "erb" else x
        layers = self._encoder
        if self.config.encoder == "convolutional":
            x = x[..., None]
            for number in range(len(CONVOLUTIONS)):
                x = np.maximum(_convolved(layers[f"Conv_{number}"], x), 0.0)
            x = x.reshape(len(x), -1)
            for number in range(len(ENCODING)):
                x = np.maximum(_dense(layers[f"Dense_{number}"], x), 0.0)
        else:
            x = _silu(self._blocks(layers, x))
        return _dense(layers["mean"], x), np.clip(_dense(layers["log_variance"], x), *LOG_VARIANCE_RANGE)

    def decode(self, z: np.ndarray) -> np.ndarray:
        """Raw outputs (banks, 3, filters) of numbers (banks, latent)."""
        layers, x = self._decoder, np.asarray(z, np.float64)
        if self.config.encoder == "convolutional":
            for number in range(len(DECODING)):
                x = np.maximum(_dense(layers[f"Dense_{number}"], x), 0.0)
        else:
            x = _silu(self._blocks(layers, x))
        return _dense(layers[f"Dense_{_last(self.config)}"], x).reshape(-1, 3, self.config.filters)

    def _blocks(self, layers: Mapping[str, Any], x: np.ndarray) -> np.ndarray:
        x = _dense(layers["Dense_0"], x)
        for number in range(1, 2 * self.config.blocks, 2):
            inner = _silu(_dense(layers[f"Dense_{number}"], _silu(x)))
            x = x + _dense(layers[f"Dense_{number + 1}"], inner)
        return x


def turned(parameters: Tree, turning: Turning) -> Tree:
    """The parameters of the model whose numbers are the knobs: every sound has the same bank as before.

    Mean and log-variance of a number are linear in what the last layer before them says, and the decoder
    begins with a linear layer, so that order, direction and scale go into these three.
    """
    networks = parameters["params"]
    encoder, decoder = networks["encoder"], networks["decoder"]
    order, sign, centre, spread = turning
    mean, log_variance, first = encoder["mean"], encoder["log_variance"], decoder["Dense_0"]
    kernel = np.asarray(first["kernel"], np.float64)[order]
    new_encoder = {
        **encoder,
        "mean": _layer(
            np.asarray(mean["kernel"], np.float64)[:, order] * (sign / spread),
            (np.asarray(mean["bias"], np.float64)[order] - centre) * (sign / spread),
        ),
        "log_variance": _layer(
            np.asarray(log_variance["kernel"])[:, order],
            np.asarray(log_variance["bias"], np.float64)[order] - 2 * np.log(spread),
        ),
    }
    new_first = _layer(
        kernel * (sign * spread)[:, None], np.asarray(first["bias"], np.float64) + centre @ kernel
    )
    return {"params": {**networks, "encoder": new_encoder, "decoder": {**decoder, "Dense_0": new_first}}}


def expected(config: Config) -> Tree:
    """Shapes and dtypes of a configuration's parameters, as a tree of arrays that take no memory."""
    encoder: Tree = {}
    if config.encoder == "convolutional":
        channels, length = 1, config.size
        for number, features in enumerate(CONVOLUTIONS):
            encoder[f"Conv_{number}"] = _shapes(KERNEL, channels, features)
            channels, length = features, -(-length // 2)
        width = channels * length
        for number, features in enumerate(ENCODING):
            encoder[f"Dense_{number}"] = _shapes(width, features)
            width = features
        sizes = (config.latent, *DECODING)
        decoder = {f"Dense_{number}": _shapes(*sizes[number : number + 2]) for number in range(len(DECODING))}
        last = DECODING[-1]
    else:
        width = last = config.width
        inner = {f"Dense_{number}": _shapes(width, width) for number in range(1, 1 + 2 * config.blocks)}
        encoder |= {"Dense_0": _shapes(config.size, width), **inner}
        decoder = {"Dense_0": _shapes(config.latent, width), **inner}
    encoder |= {name: _shapes(width, config.latent) for name in ("mean", "log_variance")}
    decoder[f"Dense_{_last(config)}"] = _shapes(last, 3 * config.filters)
    return {"params": {"encoder": encoder, "decoder": decoder}}


def _last(config: Config) -> int:
    """Number of the decoder's last layer."""
    return len(DECODING) if config.encoder == "convolutional" else 1 + 2 * config.blocks


def _shapes(*shape: int) -> Tree:
    zero = np.zeros((), np.float32)
    return {"kernel": np.broadcast_to(zero, shape), "bias": np.broadcast_to(zero, shape[-1:])}


def _doubled(network: Mapping[str, Any]) -> dict[str, dict[str, np.ndarray]]:
    return {
        name: {part: np.array(value, np.float64) for part, value in layer.items()}
        for name, layer in network.items()
    }


def _layer(kernel: np.ndarray, bias: np.ndarray) -> Tree:
    return {"kernel": kernel.astype(np.float32), "bias": bias.astype(np.float32)}


def _dense(layer: Mapping[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    return x @ layer["kernel"] + layer["bias"]


def _convolved(layer: Mapping[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Kernel of three, stride of two, ends as TensorFlow's "SAME": (sounds, ⌈length/2⌉, features)."""
    length = x.shape[1]
    count = -(-length // 2)
    missing = max(2 * (count - 1) + KERNEL - length, 0)
    padded = np.pad(x, ((0, 0), (missing // 2, missing - missing // 2), (0, 0)))
    seen = np.lib.stride_tricks.sliding_window_view(padded, KERNEL, axis=1)[:, ::2][:, :count]
    return np.einsum("blck,kcf->blf", seen, layer["kernel"], optimize=True) + layer["bias"]


def _silu(x: np.ndarray) -> np.ndarray:
    """x σ(x), without overflow."""
    return x * (0.5 + 0.5 * np.tanh(0.5 * x))
