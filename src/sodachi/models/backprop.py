"""The twin: a multilayer network learning by backpropagation, on the same protocol as the rest.

It is the rival every claim is measured against: the same observations, the same stream, the same
code path, only the learning differs. It is not local and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick
from sodachi.core.lanes import gather, only_if
from sodachi.errors import SpecError
from sodachi.models.layered import EXCEPTION as EXCEPTION
from sodachi.models.layered import LOSSES as LOSSES
from sodachi.models.layered import (
    Weights,
    answered,
    check_layers,
    kept_finite,
    lesson,
    moved,
    newborn,
    observed,
    optimiser_of,
)
from sodachi.models.layered import mean_loss as mean_loss
from sodachi.models.layered import predict as predict
from sodachi.system import Spec, State, System, arguments, factory, system


class Settings(NamedTuple):
    """The factory's numbers, handed to every part (see `backprop_net`)."""

    layers: tuple[int, ...]
    activation: str
    loss: str
    optimiser: str
    rate: float
    decay_to_initial: float
    decay: float
    dtype: str
    anneal: int | None = None
    layer_norm = False  # `continual_net` has the choice


@factory("backprop_net")
def backprop_net(
    *,
    layers: Sequence[int] = (64, 100, 100, 10),
    activation: str = "leaky_relu",
    loss: str = "squared",
    optimiser: str = "adam",
    rate: float = 1e-3,
    decay_to_initial: float = 0.0,
    decay: float = 0.0,
    anneal: int | None = None,
    dtype: str = "float32",
) -> System:
    r"""Return a multilayer network that makes one gradient step on every labelled observation.

    ``x_l = f(x_{l−1} W_l + b_l)``, the top layer linear; with κ the share of evidence on the
    label t, the loss is ``½ Σ κ (t − y)²`` or ``−Σ κ t log softmax(y)``, its mean over the lanes
    that learn is L, and

    ``w ← w + optimiser(∂L/∂w) − rate · (decay_to_initial · (w − w_0) + decay · w)``.

    The answer is given before the step; without a label or without ``learn`` no slow bit moves.

    Parameters
    ----------
    layers
        Sizes from `input` (real) to `label` (categorical); biases included.
    activation
        ``"leaky_relu"`` (slope .1), ``"relu"``, ``"tanh"`` or ``"sigmoid"``.
    loss
        ``"squared"`` (the answer is y) or ``"softmax"`` (the answer is softmax(y)).
    optimiser, rate
        ``"adam"`` or ``"sgd"`` of optax, and its step size.
    decay_to_initial, decay
        Decoupled decay to the initial weights and to zero.
    anneal
        Let the optimiser's step fall to nothing, in a straight line, by this lesson; or None.
    dtype
        ``"float32"``, or ``"float64"`` inside ``jax.enable_x64()``.

    Returns
    -------
    System
        Outputs: energy (the loss; 0 without a label), residual (0: nothing settles), label
        (the answer) and input.

    Raises
    ------
    SpecError
        For fewer than two layers, a size below 1, an unknown name, or a negative number.

    References
    ----------
    Rumelhart, Hinton & Williams (1986); Kingma & Ba (2015); decoupled decay: Loshchilov &
    Hutter (2019), here also to the initial weights as Kumar et al. (2023) do by a penalty.

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> net = backprop_net(layers=(2, 8, 2), rate=0.05)
    >>> state = net.init(0)
    >>> for _ in range(20):
    ...     state, out = net.step(state, observe(net.spec, input=[0.0, 1.0], label=1))
    >>> state, out = net.step(state, observe(net.spec, input=[0.0, 1.0]))
    >>> int(out["label"].argmax()), float(out["residual"])
    (1, 0.0)
    """
    sizes = tuple(layers)
    settings = Settings(
        sizes, activation, loss, optimiser, rate, decay_to_initial, decay, str(dtype), anneal
    )
    check_layers(settings, ("decay_to_initial", "decay"))
    if anneal is not None and not (isinstance(anneal, int) and anneal >= 1):
        raise SpecError("anneal", "1 or more, or None", anneal)
    given = settings._asdict() | {"layers": list(sizes)}
    spec = Spec(
        factory="backprop_net",
        arguments=arguments(**given),
        observed=observed(settings),
        capabilities=frozenset({"learns"}),
        exceptions=(EXCEPTION,),
    )
    return system(spec, lambda key: _init(settings, key), lambda s, o: _step(settings, s, o))


def _init(s: Settings, key) -> State:
    weights = newborn(s, key)
    shared = {
        "weights": weights,
        "synapses": {"initial": weights, "optimiser": optimiser_of(s).init(weights)},
        "clock": new_clock(),
    }
    return State(shared, {"activity": {"label": jnp.zeros(s.layers[-1], s.dtype)}})


def _step(s: Settings, state: State, observation):
    shared = state.shared
    told = lesson(observation)
    answer, output = answered(s, predict(s, shared["weights"], told.x), told)
    batch = jax.tree.map(gather, told)
    # Not `where`: without a lane that learns the backward sweep is not computed at all.
    learned = shared["weights"], shared["synapses"]["optimiser"]
    initial = shared["synapses"]["initial"]
    weights, optimiser = only_if(jnp.any(batch.taught), partial(learn, s), learned, initial, batch)
    synapses = {"initial": initial, "optimiser": optimiser}
    clock = tick(shared["clock"], jnp.any(gather(observation.learn)))
    shared = {"weights": weights, "synapses": synapses, "clock": clock}
    return State(shared, {"activity": {"label": answer}}), output


def learn(s, learned, initial: Weights, batch):
    """One optimiser step on the mean gradient; what would not be finite stays as it was.

    ``learned`` is what moves: weights, and what the optimiser keeps of them.
    """
    weights, optimiser = learned
    gradient = jax.grad(lambda w: mean_loss(s, w, batch))(weights)
    step, optimiser = optimiser_of(s).update(gradient, optimiser, weights)
    return kept_finite(learned, (moved(s, weights, step, initial), optimiser))
