"""The twin: a multilayer network learning by backpropagation, on the same protocol as the rest.

It is the rival every claim is measured against: the same observations, the same stream, the same
code path, only the learning differs. It is not local and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from sodachi.core.clock import new_clock, tick
from sodachi.core.evidence import observed_value, share
from sodachi.core.lanes import gather
from sodachi.core.names import named_key
from sodachi.errors import SpecError
from sodachi.system import Spec, State, System, Variable, arguments, factory, system

SLOPE = 0.1  # of leaky_relu below zero

ACTIVATIONS: dict[str, Callable] = {
    "leaky_relu": lambda x: jax.nn.leaky_relu(x, SLOPE),
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
}
#: Square of each activation's gain: the variance that keeps signals of one size (He, Glorot).
GAINS = {"leaky_relu": 2.0 / (1.0 + SLOPE**2), "relu": 2.0, "tanh": 1.0, "sigmoid": 1.0}
OPTIMISERS: dict[str, Callable] = {"adam": optax.adam, "sgd": optax.sgd}
LOSSES = ("squared", "softmax")
EXCEPTION = "an exact backward sweep: each weight needs the transposed weights above it, in order"

Weights = dict[str, Any]


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
        sizes, activation, loss, optimiser, rate, decay_to_initial, decay, str(dtype)
    )
    _check(settings)
    given = settings._asdict() | {"layers": list(sizes)}
    spec = Spec(
        factory="backprop_net",
        arguments=arguments(**given),
        observed=(
            Variable("input", (sizes[0],), dtype=settings.dtype),
            Variable("label", (sizes[-1],), "categorical", dtype=settings.dtype),
        ),
        capabilities=frozenset({"learns"}),
        exceptions=(EXCEPTION,),
    )
    return system(spec, lambda key: _init(settings, key), lambda s, o: _step(settings, s, o))


def _check(s: Settings) -> None:
    if len(s.layers) < 2 or any(type(n) is not int or n < 1 for n in s.layers):
        raise SpecError("layers", "two or more positive integers", s.layers)
    names = {"activation": ACTIVATIONS, "loss": LOSSES, "optimiser": OPTIMISERS}
    for name, known in names.items():
        if getattr(s, name) not in known:
            raise SpecError(name, f"one of {sorted(known)}", getattr(s, name))
    for name in ("rate", "decay_to_initial", "decay"):
        if not 0 <= getattr(s, name) < float("inf"):
            raise SpecError(name, "0 or more, finite", getattr(s, name))
    if s.dtype not in ("float32", "float64"):
        raise SpecError("dtype", "float32 or float64", s.dtype)


def _optimiser(s: Settings) -> optax.GradientTransformation:
    return OPTIMISERS[s.optimiser](s.rate)


def _init(s: Settings, key) -> State:
    weights: Weights = {}
    steps = list(zip(s.layers[:-1], s.layers[1:], strict=True))
    for i, (below, above) in enumerate(steps):
        gain = 1.0 if i == len(steps) - 1 else GAINS[s.activation]
        spread = (gain / below) ** 0.5
        drawn = jax.random.normal(named_key(key, f"weight_{i}"), (below, above), s.dtype)
        weights[f"weight_{i}"] = spread * drawn
        weights[f"bias_{i}"] = jnp.zeros(above, s.dtype)
    shared = {
        "weights": weights,
        "synapses": {"initial": weights, "optimiser": _optimiser(s).init(weights)},
        "clock": new_clock(),
    }
    return State(shared, {"activity": {"label": jnp.zeros(s.layers[-1], s.dtype)}})


def _step(s: Settings, state: State, observation):
    shared = state.shared
    seen, told = observation.evidence["input"], observation.evidence["label"]
    x = share(seen) * observed_value(seen)
    target, known = observed_value(told), share(told)
    raw = predict(s, shared["weights"], x)
    answer = jax.nn.softmax(raw) if s.loss == "softmax" else raw
    taught = observation.learn & (known.max() > 0)
    # A lane whose numbers are not finite teaches nothing (`observe` refuses it before this).
    taught = taught & jnp.all(jnp.isfinite(x)) & jnp.all(jnp.isfinite(target))
    batch = jax.tree.map(gather, (x, target, known, taught))
    # Not `where`: without a lane that learns the backward sweep is not computed at all.
    weights, synapses = shared["weights"], shared["synapses"]
    weights, synapses = jax.lax.cond(
        jnp.any(batch[3]),
        lambda: _learn(s, weights, synapses, batch),
        lambda: (weights, synapses),
    )
    clock = tick(shared["clock"], jnp.any(gather(observation.learn)))
    answer = jnp.where(jnp.isfinite(answer), answer, 0.0)
    output = {
        "energy": loss_of(s, raw, target, known),
        "residual": jnp.zeros((), s.dtype),
        "label": answer,
        "input": x,
    }
    shared = {"weights": weights, "synapses": synapses, "clock": clock}
    return State(shared, {"activity": {"label": answer}}), output


def predict(s: Settings, weights: Weights, x):
    """Return the top layer's linear output y for inputs ``x`` of shape (..., layers[0])."""
    depth = len(s.layers) - 1
    for i in range(depth):
        x = x @ weights[f"weight_{i}"] + weights[f"bias_{i}"]
        x = ACTIVATIONS[s.activation](x) if i < depth - 1 else x
    return x


def loss_of(s: Settings, raw, target, known):
    """Return the loss of one sample, ``½ Σ κ (t − y)²`` or ``−Σ κ t log softmax(y)``."""
    if s.loss == "softmax":
        return -jnp.sum(known * target * jax.nn.log_softmax(raw))
    return 0.5 * jnp.sum(known * (target - raw) ** 2)


def mean_loss(s: Settings, weights: Weights, batch):
    """Return L, the mean loss over the lanes that learn; ``batch`` is (x, t, κ, learns)."""
    x, target, known, taught = batch
    x = jnp.where(taught[:, None], x, 0.0)
    target = jnp.where(taught[:, None], target, 0.0)
    each = jax.vmap(lambda *sample: loss_of(s, *sample))(predict(s, weights, x), target, known)
    return jnp.sum(jnp.where(taught, each, 0.0)) / jnp.maximum(taught.sum(), 1)


def _learn(s: Settings, weights: Weights, synapses, batch):
    """One optimiser step on the mean gradient; what would not be finite stays as it was."""
    gradient = jax.grad(lambda w: mean_loss(s, w, batch))(weights)
    step, optimiser = _optimiser(s).update(gradient, synapses["optimiser"], weights)

    def move(w, dw, start):
        return w + dw - s.rate * (s.decay_to_initial * (w - start) + s.decay * w)

    moved = jax.tree.map(move, weights, step, synapses["initial"])
    old, new = (weights, synapses["optimiser"]), (moved, optimiser)
    weights, optimiser = jax.tree.map(lambda a, b: jnp.where(jnp.isfinite(b), b, a), old, new)
    return weights, {"initial": synapses["initial"], "optimiser": optimiser}
