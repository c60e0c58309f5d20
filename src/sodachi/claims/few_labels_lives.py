"""How few labels are taught: images drawn anew, labels that are told, and guesses of one's own.

What a learner is sure of it takes for told: an unlabelled image, seen as it is, is believed to be
something; if the belief is strong enough, the same image, drawn anew (and moved), is a lesson.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.boltzmann_training import shown
from sodachi.combinators import minibatch
from sodachi.models.boltzmann import machine_graph
from sodachi.models.boltzmann_step import read_parameters
from sodachi.models.deep_boltzmann_labels import imagine
from sodachi.system import State, System

CLASSES = 10


class Few(NamedTuple):
    """Images with their labels, images without, and images to be read."""

    X: Any
    y: Any
    others: Any
    tests: Any
    truth: Any


class Lessons(NamedTuple):
    """Updates, images an update with a label and without, and when a guess counts as a label."""

    updates: int
    told: int = 50
    guessed: int = 100
    sure: float = 0.9
    after: float = 0.2
    """The share of updates before the first guess counts."""
    far: int = 0
    """How many pixels an image may be moved, both ways."""


def few_of(X, y, tests, truth, each: int, seed: int) -> Few:
    """Return ``each`` images of every class, by the seed's choice, with labels; all, without.

    Examples
    --------
    >>> y = np.repeat(np.arange(10), 3)
    >>> few = few_of(np.zeros((30, 4)), y, np.zeros((1, 4)), y[:1], 2, 0)
    >>> len(few.X), len(few.others), np.bincount(few.y).tolist()
    (20, 30, [2, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    """
    order = np.random.default_rng(seed).permutation(len(X))
    chosen = np.concatenate([order[y[order] == c][:each] for c in range(CLASSES)])
    return Few(X[chosen], y[chosen], X, tests, truth)


def moved(x, key, far: int):
    """Return every image [n, pixels] moved by up to ``far`` pixels up or down and sideways.

    Examples
    --------
    >>> float(moved(jnp.ones((2, 9)), jax.random.key(0), 1).sum())
    18.0
    """
    side = round(x.shape[1] ** 0.5)
    moves = jax.random.randint(key, (len(x), 2), -far, far + 1)

    def one(image, by):
        return jnp.roll(image.reshape(side, side), by, (0, 1)).reshape(-1)

    return jax.vmap(one)(x, moves)


def believe_exactly(system: System) -> Callable[[Any, Any], Any]:
    """Return ``(shared, x) -> p(y|v)`` [n, C] of a classification machine, without a tick."""
    graph = machine_graph(system.spec)
    none = {u.name: jnp.zeros(u.shape) for u in graph.populations}

    def believe(shared, x):
        parameters = read_parameters(graph, shared["weights"])
        return jax.vmap(lambda v: imagine(graph, parameters, "label", none | {"input": v})[0])(x)

    return believe


def believe_by_ticks(system: System, lanes: int) -> Callable[[Any, Any], Any]:
    """Return ``(shared, x) -> p(y|v)`` [n, C] of any system, by a tick that learns nothing."""
    many = minibatch(system, lanes)
    lane = many.init(0).lane

    def believe(shared, x):
        seen = shown(system, lanes, learn=False, input=x)
        return many.step(State(shared, lane), seen)[1]["label"]

    return believe


def taught(
    system: System,
    shared: Any,
    few: Few,
    how: Lessons,
    seed: int,
    believe: Callable[[Any, Any], Any],
) -> State:
    """Return the state after so many lessons; without ``guessed``, of what is told alone."""
    n = how.told + how.guessed
    lanes = minibatch(system, n)
    told = jnp.arange(n) < how.told

    @jax.jit
    def some(state, few: Few, key, sizes, guessing):
        def one(state, now):
            key, size = now
            keys = jax.random.split(key, 4)
            rows = jax.random.randint(keys[0], (how.told,), 0, len(few.X))
            others = jax.random.randint(keys[1], (how.guessed,), 0, len(few.others))
            x = jnp.concatenate([few.X[rows], few.others[others]])
            label = jax.nn.one_hot(few.y[rows], CLASSES)
            use = told
            if how.guessed:
                p = believe(state.shared, x[how.told :])
                guess = jax.nn.one_hot(p.argmax(1), CLASSES)
                label = jnp.concatenate([label, guess])
                sure = jnp.concatenate([jnp.ones(how.told, bool), p.max(1) > how.sure])
                use = told | (sure & guessing)
            x = moved(x, keys[2], how.far) if how.far else x
            x = jax.random.bernoulli(keys[3], x).astype(x.dtype)
            seen = shown(system, n, input=x, label=label)
            modulation = {name: size * ones for name, ones in seen.modulation.items()}
            seen = seen._replace(learn=use, modulation=modulation)
            return lanes.step(state, seen)[0], None

        return jax.lax.scan(one, state, (jax.random.split(key, len(sizes)), sizes))[0]

    state = State(shared, lanes.init(seed).lane)
    given = Few(*(jnp.asarray(part) for part in few))
    parts, key = 10, jax.random.key(seed + 2)
    lived = np.arange(how.updates) / how.updates
    sizes = np.minimum(1.0, (1.0 - lived) / 0.7).astype(np.float32)
    for i, some_sizes in enumerate(np.split(sizes[: how.updates // parts * parts], parts)):
        now = jax.random.fold_in(key, i)
        state = some(state, given, now, jnp.asarray(some_sizes), i / parts >= how.after)
    return state
