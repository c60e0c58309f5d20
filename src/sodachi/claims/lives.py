"""Lives: any system in a stream of worlds, asked before it is told, one compiled call per world."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.errors import ClaimError
from sodachi.system import Evidence, Observation, State, System


class Life(NamedTuple):
    """What came of a life: ``answers`` int [worlds, n, before], ``labels`` int [worlds, n]."""

    state: State
    answers: np.ndarray
    labels: np.ndarray

    @property
    def correct(self) -> np.ndarray:
        """Whether the last answer before the label was right: bool [worlds, n]."""
        return self.answers[:, :, -1] == self.labels


def live(
    system: System,
    worlds: Iterable[tuple],
    seed: int,
    before: int = 1,
    after: int = 1,
    always: bool = True,
    watch: Callable[[int, State], None] | None = None,
) -> Life:
    """Return the `Life` of a newborn system in ``worlds``, one batch-1 stream.

    Of every sample the system first sees the input alone for ``before`` ticks (its answers are
    read at each), then also the label for ``after`` ticks. ``learn`` holds at every tick, or with
    ``always`` False (learning in phases) only while the label is there. Worlds are not announced;
    samples are (``first``), for systems that reset themselves.

    Parameters
    ----------
    system
        Observes `input` (shape d) and `label` (categorical), without lanes.
    worlds
        ``(X [n, d], y [n], info)``, as `RewiredWorlds.worlds` yields them.
    seed
        Of the system's birth.
    watch
        Called after every world with its number from 0 and the state then.

    Raises
    ------
    ClaimError
        For no worlds, worlds of different lengths, or ticks below 1.

    Examples
    --------
    >>> from sodachi.models.nearest import nearest_neighbour
    >>> X = np.eye(3, 2, dtype=np.float32)
    >>> life = live(nearest_neighbour(inputs=2, labels=2, capacity=4), [(X, [0, 1, 1], 0)] * 2, 0)
    >>> life.correct[1].tolist()
    [True, True, True]
    """
    world = tell(system, before, after, always)
    state = system.init(seed)
    answers, labels = [], []
    for X, y, _ in worlds:
        X, y = np.array(X), np.array(y)  # JAX may alias a buffer that its owner uses again
        if labels and y.shape != labels[0].shape:
            raise ClaimError("worlds", f"all of length {len(labels[0])}", len(y))
        state, read = world(state, X, y)
        answers.append(np.asarray(read))
        labels.append(y)
        if watch is not None:
            watch(len(labels) - 1, state)
    if not labels:
        raise ClaimError("worlds", "at least one", "none")
    return Life(state, np.stack(answers), np.stack(labels))


def tell(
    system: System, before: int, after: int, always: bool = True, absent: bool = False
) -> Callable:
    """Return compiled ``world(state, X, y) -> (state, answers [n, before])``; see `live`.

    With ``absent`` NaN entries of X are inputs that are not there.
    """
    if before < 1 or after < 0:
        raise ClaimError("ticks", "before >= 1, after >= 0", (before, after))
    classes = system.spec.variable("label").shape[0]

    def one_sample(state, sample):
        x, y = sample
        known = jnp.full(x.shape, jnp.inf, x.dtype)
        if absent:
            known = jnp.where(jnp.isnan(x), 0.0, known)
            x = jnp.where(jnp.isnan(x), 0.0, x)
        told = jax.nn.one_hot(y, classes)
        ticks = jnp.arange(before + after)

        def one_tick(state, i):
            clamp = jnp.full((classes,), jnp.where(i < before, 0.0, jnp.inf))
            evidence = {
                "input": Evidence(x, known, jnp.zeros_like(x)),
                "label": Evidence(jnp.where(i < before, 0.0, told), clamp, jnp.zeros(classes)),
            }
            now = Observation(evidence, _ones(system), always | (i >= before), i == 0)
            state, output = system.step(state, now)
            return state, jnp.argmax(output["label"]).astype(jnp.int8)

        state, answers = jax.lax.scan(one_tick, state, ticks)
        return state, answers[:before]

    @jax.jit
    def world(state, X, y):
        return jax.lax.scan(one_sample, state, (X.astype(jnp.float32), y))

    return world


def rest(system: System, ticks: int) -> Callable:
    """Return compiled ``idle(state) -> (state, {energy, label}[ticks])``: nothing is clamped.

    ``learn`` holds throughout: what the system makes of nothing may reach its weights.
    """

    def one_tick(state, _):
        free = {
            v.name: Evidence(*(jnp.zeros(v.shape, v.dtype) for _ in range(3)))
            for v in system.spec.observed
        }
        now = Observation(free, _ones(system), jnp.array(True), jnp.array(False))
        state, output = system.step(state, now)
        return state, {name: output[name] for name in ("energy", "label")}

    return jax.jit(lambda state: jax.lax.scan(one_tick, state, None, length=ticks))


def _ones(system: System) -> dict[str, Any]:
    return {name: jnp.ones(()) for name in system.spec.modulated}


def count_weights(state: State) -> int:
    """Return how many numbers a system has learned: weights, and what its structure holds.

    Optimiser moments and other bookkeeping of single synapses and cells are counted by
    `count_floats`, not here.
    """
    return _held(state.shared)


def _held(shared) -> int:
    structure = dict(shared.get("structure", {}))
    structure.pop("owner", None)  # which context a unit belongs to: one small integer per unit
    arrays = [a for a in jax.tree.leaves(structure) if np.ndim(a) > 0]
    inner = _held(shared["inner"]) if "inner" in shared else 0  # of a net with a memory
    return _size((shared.get("weights", {}), arrays)) + inner


def count_floats(state: State) -> int:
    """Return how many numbers outlast a sample: everything shared, the clock left out."""
    return _size({k: v for k, v in state.shared.items() if k != "clock"})


def _size(tree) -> int:
    return sum(int(np.size(leaf)) for leaf in jax.tree.leaves(tree))
