"""The steps of a training as one compiled program, whatever number of them is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.training.train_state import TrainState

from tonewright.errors import TonewrightError
from tonewright.filters.bank_response import bank_magnitude
from tonewright.filters.config import Config
from tonewright.filters.model import ParametricVAE, first_parameters
from tonewright.filters.objective import losses_of
from tonewright.filters.spectra import FLOOR_DB, Grid, grid_of
from tonewright.filters.spectra.variation import varied
from tonewright.learning.config import TrainConfig

Terms = Mapping[str, Any]


class FilterState(TrainState):
    """Parameters and optimiser, with the moving average of the parameters; empty where there is none."""

    average: Any

    @property
    def used(self) -> Any:
        """The parameters that are validated and saved."""
        return self.average or self.params

    def moved(self, gradients: Any, rate: Any) -> FilterState:
        """A step of the optimiser at a learning rate."""
        direction, memory = self.tx.update(gradients, self.opt_state, self.params)
        moved = jax.tree.map(lambda old, way: old - rate * way, self.params, direction)
        return self.replace(step=self.step + 1, params=moved, opt_state=memory)


class Programs(NamedTuple):
    """What is compiled once for a training.

    Attributes
    ----------
    advance : (state, key, batches, kl_weights, rates, first, stop) -> state, logged: steps of the batches
        first … stop − 1 of an epoch; ``logged[name][i]`` is a term of batch i
    validate : (parameters, batches) -> terms, their means over all rows
    gradients : (parameters, key, rows, kl_weight) -> terms, gradients
    """

    advance: Callable[..., tuple[FilterState, dict[str, jax.Array]]]
    validate: Callable[..., dict[str, jax.Array]]
    gradients: Callable[..., tuple[dict[str, jax.Array], Any]]


@lru_cache(maxsize=8)
def optimiser(
    betas: tuple[float, float], weight_decay: float, gradient_clip: float
) -> optax.GradientTransformation:
    """Adam's direction with decoupled weight decay, behind a limit on the gradient's norm; without a rate."""
    parts = [optax.clip_by_global_norm(gradient_clip)] if gradient_clip > 0 else []
    parts.append(optax.scale_by_adam(*betas))
    if weight_decay > 0:
        parts.append(optax.add_decayed_weights(weight_decay))
    return optax.chain(*parts)


def first_state(config: TrainConfig) -> FilterState:
    """The state before the first step, decided by the seed."""
    model = ParametricVAE(config.system)
    key = jax.random.fold_in(jax.random.key(config.seed), 0)
    parameters = first_parameters(config.system, key)
    averaged, settings = config.trainer.ema_decay > 0, config.optimizer
    first, second = settings.betas
    return FilterState.create(
        apply_fn=model.apply,
        params=parameters,
        tx=optimiser((first, second), settings.weight_decay, config.trainer.gradient_clip),
        # Copies, since the state's memory is given away at each step.
        average=jax.tree.map(jnp.copy, parameters) if averaged else {},
    ).replace(step=jnp.zeros((), jnp.int32))


def step_key(seed: int) -> jax.Array:
    """What the random numbers of every step follow from, with the step's number."""
    return jax.random.fold_in(jax.random.key(seed), 1)


@lru_cache(maxsize=8)
def programs_of(config: Config, ema_decay: float = 0.0) -> Programs:
    """The programs of a training.

    Neither the number of steps nor the rate is a constant of the program: one compilation serves trainings of
    any length and every stretch between two checkpoints, and a step comes to the same numbers in whichever
    stretch it falls.
    """
    grid = grid_of(config)
    losses = losses_of(config, grid.frequencies_hz, grid.weights)

    def gradients(parameters: Any, key: jax.Array, rows: jax.Array, kl_weight: jax.Array) -> Any:
        varying, drawing = jax.random.split(key)
        rows = changed(varying, rows, config)

        def loss(at: Any) -> tuple[jax.Array, dict[str, jax.Array]]:
            terms = losses(at, rows, drawing, kl_weight)
            return terms["loss"], terms

        (_, terms), found = jax.value_and_grad(loss, has_aux=True)(parameters)
        return terms, found

    def advance(
        state: FilterState,
        key: jax.Array,
        batches: jax.Array,
        kl_weights: jax.Array,
        rates: jax.Array,
        first: jax.Array,
        stop: jax.Array,
    ) -> tuple[FilterState, dict[str, jax.Array]]:
        shapes, _ = jax.eval_shape(gradients, state.params, key, batches[0], kl_weights[0])
        logged = {name: jnp.zeros(batches.shape[0], jnp.float32) for name in shapes}

        def step(index: jax.Array, carried: tuple[FilterState, dict[str, jax.Array]]) -> Any:
            state, logged = carried
            drawn = jax.random.fold_in(key, state.step)
            terms, found = gradients(state.params, drawn, batches[index], kl_weights[index])
            state = averaged(state.moved(found, rates[index]), ema_decay)
            return state, {name: logged[name].at[index].set(terms[name]) for name in logged}

        return jax.lax.fori_loop(first, stop, step, (state, logged))

    def validate(parameters: Any, batches: jax.Array) -> dict[str, jax.Array]:
        def measured(rows: jax.Array) -> dict[str, jax.Array]:
            terms = losses(parameters, rows, None, jnp.float32(config.kl_weight))
            figures = {name: value for name, value in terms.items() if name != "kl_weight"}
            return {**figures, "distance_db": distance_db(parameters, rows, config, grid)}

        return {name: values.mean() for name, values in jax.lax.map(measured, batches).items()}

    return Programs(jax.jit(advance, donate_argnums=0), jax.jit(validate), jax.jit(gradients))


def changed(key: jax.Array, rows: jax.Array, config: Config) -> jax.Array:
    """A batch as training hears it: most spectra varied, those of magnitudes as they are."""
    if config.spectrum != "erb" or not config.variation:
        return rows
    return varied(key, rows, share=config.variation)


def averaged(state: FilterState, decay: float) -> FilterState:
    """Move the average: ā ← d ā + (1 − d) a with d = min(decay, (1 + n)/(10 + n)) after n steps."""
    if not decay:
        return state
    count = jnp.float32(state.step)
    share = jnp.minimum(decay, (1 + count) / (10 + count))
    average = jax.tree.map(lambda old, new: new + share * (old - new), state.average, state.params)
    return state.replace(average=average)


def distance_db(parameters: Any, rows: jax.Array, config: Config, grid: Grid) -> jax.Array:
    """Mean log-spectral distance of a batch from what its means decode to, the levels made equal, in dB."""
    answer: Any = ParametricVAE(config).apply(parameters, rows)
    magnitude = bank_magnitude(
        answer.bank, grid.frequencies_hz, sample_rate=config.sample_rate, order=config.order
    )
    target_db = rows if config.spectrum == "erb" else decibels(rows)
    response_db = decibels(magnitude)
    # Spectra have a floor; what the response does below is not known to be wrong.
    difference = jnp.maximum(response_db, response_db.max(-1, keepdims=True) - FLOOR_DB) - target_db
    weights = jnp.asarray(grid.weights, jnp.float32)
    difference = difference - (difference @ weights)[:, None]
    return jnp.sqrt(difference**2 @ weights).mean()


def decibels(magnitude: jax.Array) -> jax.Array:
    """20 log₁₀ |H|, not below −120 dB."""
    return 20 * jnp.log10(jnp.maximum(magnitude, 1e-6))


def check_finite(logged: Mapping[str, np.ndarray], first: int, config: TrainConfig) -> None:
    """Refuse terms that are not finite; `first` is the number of the first step, counted from 1."""
    for name, values in logged.items():
        broken = np.flatnonzero(~np.isfinite(values))
        if broken.size:
            raise TonewrightError(
                f"step {first + broken[0]}: {name} is not finite; lower optimizer.learning_rate (now "
                f"{config.optimizer.learning_rate:g}) or look at the data with: tonewright data check"
            )
