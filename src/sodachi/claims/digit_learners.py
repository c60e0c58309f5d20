"""Who learns digits in the claims about order, noise and few samples, and how they are lived.

64 inputs, 64 hidden cells, 10 labels (the mixture: about as many weights). The last quarter of the
digits, drawn by other writers, is for testing alone; rates were chosen on tuning seeds, each by
validation on 300 of the others, the same grid for all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.training import told, trainer
from sodachi.combinators import minibatch
from sodachi.data import load_digits
from sodachi.models.backprop_graph import backprop_graph
from sodachi.models.mixture import settling_mixture
from sodachi.models.settling import settling_net
from sodachi.system import State, System

TEST_FROM = 1347
CLASSES = 10
LAYERS = (64, 64, 10)
SAME = {"softmax": "squared"}  # births and answers
BORN_WITH = ("optimiser", "feedback")  # options that a newborn state depends on
UNITS = 64  # of a mixture: 74 numbers each
DOWN: dict[str, Any] = {
    "direction": "down",
    "start": "feedforward",
    "rate": 0.1,
    "precision": {"hidden1": 0.3},
    "scale": 0.3,
    "last_scale": 0.3,
}
UP: dict[str, Any] = {"direction": "up", "start": "feedforward", "settle_ticks": 10, "rate": 0.2}
LEARN_TICKS, READ_TICKS = 20, 100
KINDS = {
    "predictive coding, down": "down",
    "predictive coding, up": "up",
    "twin": "squared",
    "twin, softmax": "softmax",
    "settling mixture": "mixture",
}


class Recipe(NamedTuple):
    """How a learner lives one test: its net's options, samples a step, and steps."""

    options: dict[str, Any]
    batch: int = 10
    steps: int = 0


class Split(NamedTuple):
    """Images and labels a learner lives on, and those it is tested on."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def digits(seed: int) -> Split:
    """Return the digits for learning, in the seed's own order, and the test digits."""
    X, y = load_digits()
    order = np.random.default_rng(seed).permutation(TEST_FROM)
    return Split(X[order], y[order], X[TEST_FROM:], y[TEST_FROM:])


def make(kind: str, ticks: int = LEARN_TICKS, layers=LAYERS, **options) -> System:
    """Return a learner of one of `KINDS`; ``ticks`` are those of relaxation downward."""
    if kind == "down":
        return settling_net(layers=layers, settle_ticks=ticks, **(DOWN | options))
    if kind == "up":
        return settling_net(layers=layers, **(UP | options))
    if kind == "mixture":
        return settling_mixture(units=UNITS, reset=True, **options)
    return backprop_graph(layers=layers, loss=kind, **options)


def live(
    kind: str,
    recipe: Recipe,
    X,
    y,
    order,
    seed: int,
    layers=LAYERS,
    chunk: int | None = None,
    ready: Callable[[State], State] = lambda state: state,
) -> State:
    """Return the state of a newborn learner after it lived the rows of ``order`` in that order.

    ``chunk`` rows are lived in one compiled call (all, by default); ``order`` is made of such.
    ``ready`` is what happens to a newborn before it sees anything.
    """
    system = _learner(kind, layers, tuple(sorted(recipe.options.items())))
    born = tuple((n, v) for n, v in sorted(recipe.options.items()) if n in BORN_WITH)
    state = _newborn(SAME.get(kind, kind), layers, recipe.batch, born)(seed)
    state = ready(state)
    epoch = _epoch(system, recipe.batch)
    X, y, order = jnp.asarray(X), jnp.asarray(y), np.asarray(order)
    for part in order.reshape(-1, chunk or len(order)):
        state = epoch(state, X, y, jnp.asarray(part))
    return state


def read(kind: str, state: State, X, y, layers=LAYERS, **options) -> float:
    """Return the share of images whose label the learner reads right, its own way.

    The net turned upward is read by its twin: with a free label nothing settles, its first pass
    is its equilibrium; and a softmax changes no order.
    """
    kind = "squared" if kind == "up" else SAME.get(kind, kind)
    said = _reader(kind, layers, len(X), tuple(options.items()))(state.shared, jnp.asarray(X))
    return float((np.asarray(said) == np.asarray(y)).mean())


@cache
def _learner(kind: str, layers, options) -> System:
    return make(kind, layers=layers, **dict(options))


@cache
def _newborn(kind: str, layers, batch: int, options):
    """Births do not depend on rates or losses: one compilation for all of them."""
    return minibatch(_learner(kind, layers, options), batch).init


@cache
def _epoch(system: System, batch: int):
    return trainer(system, batch)


@cache
def _reader(kind: str, layers, count: int, options):
    lanes = minibatch(make(kind, READ_TICKS, layers, **dict(options)), count)

    @jax.jit
    def some(state, X):
        output = lanes.step(state, told(lanes, X, None, learn=False))[1]
        return jnp.argmax(output["label"], -1)

    own = lanes.init(0)  # with step sizes of its own, which a reading does not use

    def said(shared, X):
        known = {name: value for name, value in shared.items() if name != "synapses"}
        return some(State(own.shared | known, own.lane), X)

    return said


def draws(count: int, samples: int, rng) -> np.ndarray:
    """Return so many rows below ``samples``, pass after pass, each shuffled anew.

    Examples
    --------
    >>> sorted(draws(4, 2, np.random.default_rng(0)).tolist())
    [0, 0, 1, 1]
    """
    passes = [rng.permutation(samples) for _ in range(-(-count // samples))]
    return np.concatenate(passes)[:count]
