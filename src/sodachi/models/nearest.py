"""The nearest neighbour over the last samples: it learns nothing and remembers everything.

A rival for every claim of fast learning: on a stream that changes, a buffer of recent samples is
hard to beat at equal floats.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick
from sodachi.core.evidence import observed_value, share
from sodachi.core.lanes import any_lane, gather
from sodachi.errors import SpecError
from sodachi.system import Spec, State, System, Variable, arguments, factory, system

EXCEPTION = "no synapses: a buffer of samples, searched as a whole"


class Settings(NamedTuple):
    """The factory's numbers (see `nearest_neighbour`)."""

    inputs: int
    labels: int
    capacity: int


@factory("nearest_neighbour")
def nearest_neighbour(*, inputs: int = 64, labels: int = 10, capacity: int = 270) -> System:
    r"""Return the label of the nearest of the last ``capacity`` labelled samples.

    ``answer = label[argmin_k Σ_j κ_j (x_j − m_kj)²]``, κ the share of evidence on an input; an
    empty buffer answers all labels alike. A sample is stored when ``learn`` holds and its label
    and whole input are known, in place of the oldest: ``capacity · (inputs + 1)`` numbers.

    Parameters
    ----------
    inputs, labels
        Sizes of the observed variables `input` (real) and `label` (categorical).
    capacity
        Samples remembered.

    Returns
    -------
    System
        Outputs: energy (½ squared distance to the nearest), residual (0), label (the answer,
        one-hot), input (the nearest sample, where not observed) and stored (how many).

    Raises
    ------
    SpecError
        For a size below 1.

    References
    ----------
    Fix & Hodges (1951), Cover & Hart (1967).

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> net = nearest_neighbour(inputs=2, labels=2, capacity=3)
    >>> state, _ = net.step(net.init(0), observe(net.spec, input=[0.0, 1.0], label=1))
    >>> state, out = net.step(state, observe(net.spec, input=[0.1, 0.9]))
    >>> out["label"].tolist(), int(out["stored"])
    ([0.0, 1.0], 1)
    """
    settings = Settings(inputs, labels, capacity)
    for name, size in settings._asdict().items():
        if type(size) is not int or size < 1:
            raise SpecError(name, "a positive integer", size)
    spec = Spec(
        factory="nearest_neighbour",
        arguments=arguments(**settings._asdict()),
        observed=(Variable("input", (inputs,)), Variable("label", (labels,), "categorical")),
        capabilities=frozenset({"learns"}),
        exceptions=(EXCEPTION,),
    )
    return system(spec, lambda key: _init(settings), lambda s, o: _step(settings, s, o))


def _init(s: Settings) -> State:
    structure = {
        # Samples lie in columns, so that a distance is a sum of rows: quick on a processor.
        "inputs": jnp.zeros((s.inputs, s.capacity)),
        "labels": jnp.zeros(s.capacity, jnp.int32),
        "stored": jnp.zeros((), jnp.int32),
        "next": jnp.zeros((), jnp.int32),
    }
    lane = {"activity": {"label": jnp.full(s.labels, 1.0 / s.labels)}}
    return State({"weights": {}, "structure": structure, "clock": new_clock()}, lane)


def _step(s: Settings, state: State, observation):
    shared = state.shared
    buffer = shared["structure"]
    seen, told = observation.evidence["input"], observation.evidence["label"]
    x, known = observed_value(seen), share(seen)
    distance = jnp.sum(known[:, None] * (x[:, None] - buffer["inputs"]) ** 2, axis=0)
    distance = jnp.where(jnp.arange(s.capacity) < buffer["stored"], distance, jnp.inf)
    nearest, any_stored = jnp.argmin(distance), buffer["stored"] > 0
    answer = jax.nn.one_hot(buffer["labels"][nearest], s.labels)
    answer = jnp.where(any_stored, answer, 1.0 / s.labels)

    target = observed_value(told)
    whole = jnp.all(known == 1) & (share(told).max() > 0)
    fine = jnp.all(jnp.isfinite(x)) & jnp.all(jnp.isfinite(target))
    buffer = _store(s, buffer, x, jnp.argmax(target), observation.learn & whole & fine)
    output = {
        "energy": jnp.where(any_stored, 0.5 * distance[nearest], 0.0),
        "residual": jnp.zeros(()),
        "label": answer,
        "input": jnp.where(known > 0, x, buffer["inputs"][:, nearest]),
        "stored": buffer["stored"],
    }
    clock = tick(shared["clock"], any_lane(observation.learn))
    shared = {"weights": {}, "structure": buffer, "clock": clock}
    return State(shared, {"activity": {"label": answer}}), output


def _store(s: Settings, buffer, x, label, wanted):
    """Write the samples of all lanes that ask, in lane order, over the oldest."""
    xs, labels, asks = gather(x), gather(label), gather(wanted)
    rank, total = jnp.cumsum(asks) - 1, jnp.sum(asks)
    # Of more lanes than places only the last are kept: two writes to one place have no order.
    kept = asks & (rank >= total - s.capacity)
    place = jnp.where(kept, (buffer["next"] + rank) % s.capacity, s.capacity)
    return {
        "inputs": buffer["inputs"].at[:, place].set(xs.T, mode="drop"),
        "labels": buffer["labels"].at[place].set(labels.astype(jnp.int32), mode="drop"),
        "stored": jnp.minimum(buffer["stored"] + total, s.capacity).astype(jnp.int32),
        "next": ((buffer["next"] + total) % s.capacity).astype(jnp.int32),
    }
