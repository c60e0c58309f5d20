"""The estimators' network: a settling mixture at rest before every sample, compiled once a shape.

Sizes are rounded up to a few buckets and samples are handed over in fixed chunks, so that many
tables share few programs. An entry that is NaN is not observed (precision 0), which is also how
the places between a table's width and its bucket are filled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.combinators import minibatch
from sodachi.models.mixture import settling_mixture
from sodachi.observation import observe
from sodachi.running import run
from sodachi.system import Evidence, Observation, State

#: Samples per call of a compiled program.
CHUNK = 256
#: Sizes to which the number of inputs and of classes are rounded up; beyond, powers of two.
INPUT_BUCKETS = (16, 64, 256)
CLASS_BUCKETS = (4, 16, 64)
#: Scale of standardised inputs at which the mixture's own β competes well on small tables.
REACH = 3.5


class Network(NamedTuple):
    """Compiled functions of one shape; ``shared`` is the state that all samples share.

    ``start(seed) -> shared``; ``learn(shared, values, targets) -> (shared, answers)`` for samples
    in order, each answered from rest before it is learned (a NaN target: answered only, learned
    without a label); ``answer(shared, values) -> (samples, labels)`` learns nothing.
    ``learn_one`` and ``answer_one`` do the same with one sample at the least cost.
    """

    inputs: int
    labels: int
    start: Callable[[int], Any]
    learn: Callable[[Any, np.ndarray, np.ndarray], tuple[Any, np.ndarray]]
    answer: Callable[[Any, np.ndarray], np.ndarray]
    learn_one: Callable[[Any, np.ndarray, np.ndarray], Any]
    answer_one: Callable[[Any, np.ndarray], Any]


def bucket(size: int, buckets: tuple[int, ...]) -> int:
    """Return the smallest bucket that holds the size, or the next power of two.

    Examples
    --------
    >>> bucket(3, (4, 16)), bucket(16, (4, 16)), bucket(17, (4, 16))
    (4, 16, 32)
    """
    for candidate in buckets:
        if size <= candidate:
            return candidate
    return 1 << (size - 1).bit_length()


def input_scale(inputs: int, sharpness: float) -> float:
    """Return the factor of standardised inputs: distances then do not grow with their number."""
    return REACH * float(np.sqrt(sharpness / max(inputs, 1)))


def widened(values: np.ndarray, width: int) -> np.ndarray:
    """Return rows of float32 padded with NaN (not observed) to the width."""
    padded = np.full((len(values), width), np.nan, np.float32)
    padded[:, : values.shape[1]] = values
    return padded


@lru_cache(maxsize=32)
def classifier_network(inputs: int, classes: int, units: int, emerging: bool = False) -> Network:
    """Return the network for at most so many inputs and classes (sizes are rounded up).

    ``emerging``: inputs may come late and go (see `settling_mixture`).
    """
    extra = {"emerging": True} if emerging else {}
    return _network(bucket(inputs, INPUT_BUCKETS), bucket(classes, CLASS_BUCKETS), units, extra)


@lru_cache(maxsize=32)
def regressor_network(
    inputs: int, units: int, label_precision: float, emerging: bool = False
) -> Network:
    """Return the network that predicts one standardised number."""
    extra = {"label_kind": "real", "label_beta": label_precision}
    extra |= {"emerging": True} if emerging else {}
    return _network(bucket(inputs, INPUT_BUCKETS), 1, units, extra)


def _network(inputs: int, labels: int, units: int, extra: dict[str, Any]) -> Network:
    """Build and share by shape: two tables in the same buckets get the same programs."""
    return _compiled(inputs, labels, units, tuple(sorted(extra.items())))


@lru_cache(maxsize=32)
def _compiled(inputs: int, labels: int, units: int, extra: tuple) -> Network:
    # The answer comes from below alone, with the weights as they were: a tick that learns also
    # tells what was predicted before.
    # beta 3 is what `input_scale` is made for, however many inputs pad the bucket.
    shape = {"inputs": inputs, "labels": labels, "units": units}
    single = settling_mixture(beta=3.0, reset=True, **shape, **dict(extra))
    batch = minibatch(single, CHUNK)
    live = run(single, emit=("label",), chunk=CHUNK)
    rest = single.init(0).lane

    @jax.jit
    def answer_chunk(shared, observation):
        lanes = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (CHUNK, *leaf.shape)), rest)
        return batch.step(State(shared, lanes), observation)[1]["label"]

    def start(seed: int):
        return single.init(seed).shared

    def learn(shared, values, targets):
        evidence = {"input": values, "label": targets}
        observations = observe(
            single.spec, steps=len(values), first=True, missing="absent", **evidence
        )
        state, outputs = live(State(shared, rest), observations, checked=True)
        return state.shared, outputs["label"]

    def answer(shared, values):
        answers = np.empty((len(values), labels), np.float32)
        for i in range(0, len(values), CHUNK):
            piece = values[i : i + CHUNK]
            padded = np.full((CHUNK, inputs), np.nan, np.float32)
            padded[: len(piece)] = piece
            o = observe(batch.spec, learn=False, first=True, missing="absent", input=padded)
            answers[i : i + CHUNK] = np.asarray(answer_chunk(shared, o))[: len(piece)]
        return answers

    @jax.jit
    def learn_one(shared, values, target):
        o = _one(values, target, jnp.inf, True)
        return single.step(State(shared, rest), o)[0].shared

    @jax.jit
    def answer_one(shared, values):
        o = _one(values, jnp.zeros(labels), 0.0, False)
        return single.step(State(shared, rest), o)[1]["label"]

    return Network(inputs, labels, start, learn, answer, learn_one, answer_one)


def _one(values, target, precision, learn) -> Observation:
    """Build an observation inside a program; NaN entries of the values are not observed."""
    known = ~jnp.isnan(values)
    seen = Evidence(
        jnp.where(known, values, 0.0), jnp.where(known, jnp.inf, 0.0), jnp.zeros_like(values)
    )
    told = Evidence(target, jnp.full_like(target, precision), jnp.zeros_like(target))
    return Observation({"input": seen, "label": told}, {}, jnp.array(learn), jnp.array(True))
