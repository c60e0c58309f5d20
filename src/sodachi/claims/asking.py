"""Ask one settled net many things: clamp what is known, leave the rest free, weights frozen.

An image is known pixel by pixel with a precision (infinite: clamped, finite: noisy, 0: unknown).
A label is clamped, left free, or tried: ten lanes hold the ten labels, and the least tense stands.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.combinators import minibatch
from sodachi.core.evidence import evidence_energy
from sodachi.system import Evidence, Observation, State, System

CLASSES = 10


class Answer(NamedTuple):
    """What a net answers: labels [n], images [n, pixels] as it predicts them, tension [n]."""

    label: Any
    image: Any
    tension: Any


def known(image, precision, label=None) -> Observation:
    """Return the observation of n images known with a precision, labels [n] clamped or free.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> seen = known(jnp.zeros((2, 4)), jnp.full((2, 4), jnp.inf))
    >>> float(seen.evidence["label"].precision.sum())
    0.0
    """
    n = image.shape[0]
    none = jnp.zeros((n, CLASSES), image.dtype)
    value = none if label is None else jax.nn.one_hot(label, CLASSES, dtype=image.dtype)
    clamp = none if label is None else jnp.full_like(none, jnp.inf)
    evidence = {
        "input": Evidence(image, precision, jnp.zeros_like(image)),
        "label": Evidence(value, clamp, none),
    }
    return Observation(evidence, {}, jnp.zeros(n, bool), jnp.ones(n, bool))


class Asker:
    r"""A settling net with frozen weights that is asked in batches of one size.

    Tension is ``E + Σ ½ p (x − v)²``, the energy of the springs and of evidence of precision p.

    Parameters
    ----------
    system
        Without lanes, with ``input`` [pixels] and ``label`` [10] observed.
    shared
        What a net of the same graph has learned.
    batch
        Questions asked at a time.

    Examples
    --------
    >>> from sodachi.models import settling_net
    >>> net = settling_net(layers=(4, 3, 10), start="feedforward", settle_ticks=5)
    >>> asker = Asker(net, net.init(0).shared, batch=2)
    >>> answer = asker.try_labels(np.zeros((3, 4)), np.full((3, 4), np.inf))
    >>> answer.label.shape, answer.image.shape
    ((3,), (3, 4))
    """

    def __init__(self, system: System, shared: Any, batch: int = 100):
        self.batch, self._shared = batch, shared
        one, ten = minibatch(system, batch), minibatch(system, batch * CLASSES)

        @jax.jit
        def ask(shared, key, image, precision, label):
            state, output = one.step(
                State(shared, one.init(key).lane), known(image, precision, label)
            )
            return _answer(state, output, known(image, precision, label))

        @jax.jit
        def tried(shared, image, precision):
            every = jnp.tile(jnp.arange(CLASSES), batch)
            image, precision = (jnp.repeat(a, CLASSES, 0) for a in (image, precision))
            seen = known(image, precision, every)
            state, output = ten.step(State(shared, ten.init(0).lane), seen)
            answer = _answer(state, output, seen)
            tension = answer.tension.reshape(batch, CLASSES)
            label = jnp.argmin(tension, -1)
            place = jnp.arange(batch)
            images = answer.image.reshape(batch, CLASSES, -1)
            return Answer(label, images[place, label], tension[place, label])

        self._ask, self._tried = ask, tried

    def ask(self, image, precision, label=None, seed: int = 0) -> Answer:
        """Return the answer of one relaxation; label free (None) or clamped, int [n]."""
        parts = []
        for i, (x, p, y) in enumerate(self._batches(image, precision, label)):
            key = jax.random.fold_in(jax.random.key(seed), i)
            parts.append(self._ask(self._shared, key, x, p, y))
        return _joined(parts, len(image))

    def try_labels(self, image, precision) -> Answer:
        """Return the answer under the label of least tension, all ten relaxed side by side."""
        parts = [
            self._tried(self._shared, x, p) for x, p, _ in self._batches(image, precision, None)
        ]
        return _joined(parts, len(image))

    def _batches(self, image, precision, label):
        n = len(image)
        rows = np.arange(-(-n // self.batch) * self.batch) % n  # the last batch is filled up
        for some in rows.reshape(-1, self.batch):
            x, p = (jnp.asarray(np.asarray(a, np.float32)[some]) for a in (image, precision))
            yield x, p, None if label is None else jnp.asarray(np.asarray(label)[some])


def _answer(state, output, seen: Observation) -> Answer:
    held = jax.vmap(evidence_energy)(state.lane["activity"]["input"], seen.evidence["input"])
    return Answer(jnp.argmax(output["label"], -1), output["input"], output["energy"] + held)


def _joined(parts, n: int) -> Answer:
    return jax.tree.map(lambda *some: np.concatenate([np.asarray(a) for a in some])[:n], *parts)
