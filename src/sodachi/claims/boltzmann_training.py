"""How the claims teach a layered Boltzmann machine: passes over images, one compiled call each."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.combinators import minibatch
from sodachi.core.names import named_key
from sodachi.errors import ClaimError
from sodachi.observation import observe
from sodachi.system import Evidence, Observation, State, System


class Schooling(NamedTuple):
    """How many passes, in which batches, and when the step size begins to fall."""

    passes: int
    batch: int = 100
    full: float = 0.3
    """The share of all updates with the whole step size; from there it falls straight to 0."""
    drawn: bool = True
    """Whether pixels are drawn anew, ``P(1) = intensity``, at every visit."""


def shown(system: System, lanes: int, learn: bool = True, **layers: Any) -> Observation:
    """Return the observation of a batch: layers given are clamped, None and others are free."""
    empty = observe(system.spec)
    evidence = {}
    for variable in system.spec.observed:
        x = layers.get(variable.name)
        none = jnp.zeros((lanes, *variable.shape))
        precision = none if x is None else jnp.full_like(none, jnp.inf)
        evidence[variable.name] = Evidence(none if x is None else x, precision, none)
    modulation = {name: jnp.ones(lanes) for name in empty.modulation}
    return Observation(evidence, modulation, jnp.full(lanes, learn), jnp.zeros(lanes, bool))


def schooled(
    system: System,
    how: Schooling,
    seed: int,
    X: np.ndarray,
    y: np.ndarray | None = None,
    *,
    start: State | None = None,
    **beside: np.ndarray,
) -> State:
    """Return the state of a machine after its passes, every one in an order of its own.

    Parameters
    ----------
    system
        A `deep_boltzmann_machine` without lanes, or a rival that observes an `input` and a `label`;
        the falling step size is for what can be modulated.
    X, y
        Images [n, pixels] in [0, 1]; labels [n], clamped too, or None.
    start
        What a simpler machine came to know, to go on from (`inherited`), or None: newborn.
    **beside
        Other layers [n, units], clamped too, and drawn where pixels are.

    Raises
    ------
    ClaimError
        For fewer images than a batch.

    Examples
    --------
    >>> from sodachi.models import deep_boltzmann_machine
    >>> machine = deep_boltzmann_machine(layers=(3, 2))
    >>> state = schooled(machine, Schooling(passes=1, batch=2), 0, np.eye(3, dtype=np.float32))
    >>> state.shared["weights"]["input-hidden1"].shape
    (3, 2)
    """
    if len(X) < how.batch:
        raise ClaimError("images", f"at least {how.batch}", len(X))
    updates = len(X) // how.batch
    classes = system.spec.variable("label").shape[0] if y is not None else 0
    lanes, one_pass = _passes(system, how.batch, how.drawn, classes)
    state, key = lanes.init(seed), jax.random.key(seed + 1)
    if start is not None:
        state = State(inherited(state.shared, start.shared), state.lane)
    images = jnp.asarray(X, jnp.float32)
    told = None if y is None else jnp.asarray(y)
    others = {name: jnp.asarray(a, jnp.float32) for name, a in beside.items()}
    for i in range(how.passes):
        lived = (np.arange(updates) + i * updates) / (how.passes * updates)
        sizes = np.minimum(1.0, (1.0 - lived) / (1.0 - how.full))
        now = jax.random.fold_in(key, i)
        state = one_pass(state, images, told, others, now, jnp.asarray(sizes, "float32"))
    return state


def inherited(young: Any, old: Any) -> Any:
    """Return what a newborn shares between its lanes, with all that an older one has by that name.

    A layer whose weights are 0 changes no law of the layers below, so that a machine may begin with
    what one of fewer layers knows.

    Examples
    --------
    >>> inherited({"weights": {"a": 0, "b": 0}}, {"weights": {"a": 1}, "clock": 7})
    {'weights': {'a': 1, 'b': 0}}
    """
    if not isinstance(young, dict):
        return old
    return {name: inherited(a, old[name]) if name in old else a for name, a in young.items()}


@lru_cache(32)
def _passes(system: System, batch: int, drawn: bool, classes: int):
    """Return the lanes of a system and its compiled pass, once for all it is taught."""
    lanes = minibatch(system, batch)

    @jax.jit
    def one_pass(state, X, y, beside, key, sizes):
        order, drawing = jax.random.split(key)
        updates = len(sizes)
        rows = jax.random.permutation(order, len(X))[: updates * batch]

        def one(state, now):
            rows, key, size = now
            x = X[rows]
            others: dict[str, Any] = {name: a[rows] for name, a in beside.items()}
            if drawn:
                x = jax.random.bernoulli(key, x).astype(x.dtype)
                others = {
                    name: jax.random.bernoulli(named_key(key, name), a).astype(a.dtype)
                    for name, a in others.items()
                }
            label = jax.nn.one_hot(y[rows], classes) if classes else None
            seen = shown(system, batch, input=x, label=label, **others)
            modulation = {name: size * ones for name, ones in seen.modulation.items()}
            return lanes.step(state, seen._replace(modulation=modulation))[0], None

        keys = jax.random.split(drawing, updates)
        return jax.lax.scan(one, state, (rows.reshape(updates, -1), keys, sizes))[0]

    return lanes, one_pass
