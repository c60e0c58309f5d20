"""A layered net that learns from labels: its birth, its answer, its loss and the loss's slope.

What every net trained by backpropagation here has in common; how a slope becomes a change of the
weights is each model's own file. `s` is the model's `Settings`: it has ``layers``, ``activation``,
``loss``, ``layer_norm``, ``optimiser``, ``rate``, ``decay_to_initial``, ``decay`` and ``dtype``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from sodachi.core.evidence import observed_value, share
from sodachi.core.names import named_key
from sodachi.errors import SpecError
from sodachi.system import Variable

SLOPE = 0.1  # of leaky_relu below zero
FLAT = 1e-5  # added to the variance that a layer is normalised by

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


class Lesson(NamedTuple):
    """What one lane brings: input (D,), label t and its share κ (C,), and whether it teaches."""

    x: Any
    target: Any
    known: Any
    taught: Any


def check_layers(s, not_negative: tuple[str, ...]) -> None:
    """Raise `SpecError` for a net that cannot be, or a negative number among those named."""
    if len(s.layers) < 2 or any(type(n) is not int or n < 1 for n in s.layers):
        raise SpecError("layers", "two or more positive integers", s.layers)
    names = {"activation": ACTIVATIONS, "loss": LOSSES, "optimiser": OPTIMISERS}
    for name, known in names.items():
        if getattr(s, name) not in known:
            raise SpecError(name, f"one of {sorted(known)}", getattr(s, name))
    for name in ("rate", *not_negative):
        if not 0 <= getattr(s, name) < float("inf"):
            raise SpecError(name, "0 or more, finite", getattr(s, name))
    if s.dtype not in ("float32", "float64"):
        raise SpecError("dtype", "float32 or float64", s.dtype)


def observed(s) -> tuple[Variable, Variable]:
    """Return the variables `input` (real) and `label` (categorical) of a layered net."""
    label = Variable("label", (s.layers[-1],), "categorical", dtype=s.dtype)
    return Variable("input", (s.layers[0],), dtype=s.dtype), label


def optimiser_of(s) -> optax.GradientTransformation:
    """Return the optimiser of optax that the settings name, at their rate, falling or not."""
    falls = getattr(s, "anneal", None)
    rate = s.rate if falls is None else optax.linear_schedule(s.rate, 0.0, falls)
    return OPTIMISERS[s.optimiser](rate)


def newborn(s, key) -> Weights:
    """Return weights at birth: normal, of variance gain²/fan-in; biases 0."""
    weights: Weights = {}
    for i, above in enumerate(s.layers[1:]):
        weights[f"weight_{i}"] = newborn_weight(s, i, named_key(key, f"weight_{i}"))
        weights[f"bias_{i}"] = jnp.zeros(above, s.dtype)
    return weights


def newborn_weight(s, i: int, key):
    """Return the weights from layer i to the next as at birth, (layers[i], layers[i + 1])."""
    below, above = s.layers[i], s.layers[i + 1]
    gain = 1.0 if i == len(s.layers) - 2 else GAINS[s.activation]
    return (gain / below) ** 0.5 * jax.random.normal(key, (below, above), s.dtype)


def lesson(observation) -> Lesson:
    """Return what a lane is shown and told; one whose numbers are not finite teaches nothing."""
    seen, told = observation.evidence["input"], observation.evidence["label"]
    x = share(seen) * observed_value(seen)
    target, known = observed_value(told), share(told)
    taught = observation.learn & (known.max() > 0)
    # `observe` refuses such numbers before this.
    taught = taught & jnp.all(jnp.isfinite(x)) & jnp.all(jnp.isfinite(target))
    return Lesson(x, target, known, taught)


def forward(s, weights: Weights, x) -> list:
    """Return the activity of every layer above the input, the top one linear: (..., layers[l])."""
    depth, layers = len(s.layers) - 1, []
    for i in range(depth):
        x = x @ weights[f"weight_{i}"] + weights[f"bias_{i}"]
        if i < depth - 1:
            x = ACTIVATIONS[s.activation](normalised(x) if s.layer_norm else x)
        layers.append(x)
    return layers


def predict(s, weights: Weights, x):
    """Return the top layer's linear output y for inputs ``x`` of shape (..., layers[0])."""
    return forward(s, weights, x)[-1]


def normalised(x):
    """Return ``(x − mean)/√(variance + 1e-5)`` over the last axis (Ba, Kiros, Hinton, 2016)."""
    off = x - x.mean(-1, keepdims=True)
    return off / jnp.sqrt((off**2).mean(-1, keepdims=True) + FLAT)


def loss_of(s, raw, target, known):
    """Return the loss of one sample, ``½ Σ κ (t − y)²`` or ``−Σ κ t log softmax(y)``."""
    if s.loss == "softmax":
        return -jnp.sum(known * target * jax.nn.log_softmax(raw))
    return 0.5 * jnp.sum(known * (target - raw) ** 2)


def mean_loss(s, weights: Weights, batch):
    """Return L, the mean loss over the lanes that learn; ``batch`` is (x, t, κ, learns)."""
    return mean_loss_and_layers(s, weights, batch)[0]


def mean_loss_and_layers(s, weights: Weights, batch):
    """Return L and the activity of every layer, of all lanes: (lanes, layers[l])."""
    x, target, known, taught = batch
    x = jnp.where(taught[:, None], x, 0.0)
    target = jnp.where(taught[:, None], target, 0.0)
    layers = forward(s, weights, x)
    each = jax.vmap(lambda *sample: loss_of(s, *sample))(layers[-1], target, known)
    loss = jnp.sum(jnp.where(taught, each, 0.0)) / jnp.maximum(taught.sum(), 1)
    return loss, layers


def moved(s, weights: Weights, step: Any, initial: Weights) -> Weights:
    """Return ``w + step − rate · (decay_to_initial · (w − w_0) + decay · w)`` for every weight."""

    def move(w, dw, start):
        if not (s.decay_to_initial or s.decay):
            return w + dw  # a large net is not read once more for nothing
        return w + dw - s.rate * (s.decay_to_initial * (w - start) + s.decay * w)

    return jax.tree.map(move, weights, step, initial)


def kept_finite(old, new):
    """Return ``new``, but every number that is not finite there as it was in ``old``."""
    return jax.tree.map(lambda a, b: jnp.where(jnp.isfinite(b), b, a), old, new)


def answered(s, raw, told: Lesson):
    """Return ``(answer, output)``: what the net says of its lesson, and what is read out of it."""
    answer = jax.nn.softmax(raw) if s.loss == "softmax" else raw
    answer = jnp.where(jnp.isfinite(answer), answer, 0.0)
    return answer, {
        "energy": loss_of(s, raw, told.target, told.known),
        "residual": jnp.zeros((), s.dtype),
        "label": answer,
        "input": told.x,
    }
