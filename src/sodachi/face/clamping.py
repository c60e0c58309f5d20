"""The same weights under other clamps: half-hidden digits completed, digits dreamt, settling seen.

Nothing here learns. What a network is asked is only which of its variables are held.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from sodachi.observation import observe
from sodachi.system import Evidence, Observation, State, System
from sodachi.worlds import RewiredWorlds

TICKS = 15  # of settling: at half the way a tick, 1/30,000 of where it stood is left
CURRENT = 1.5  # of a dream, standard deviation: with less all are alike, with more they stray


def settle(system: System, state: State, observations: Observation, names=("energy", "input")):
    """Return outputs of several lives, each from ``state``: arrays [n, ticks, ...] by name.

    ``observations`` carry axes [n, ticks]; state and weights are left as they are.
    """

    def one_life(own):
        def tick(state, now):
            state, output = system.step(state, now)
            return state, {name: output[name] for name in names}

        return jax.lax.scan(tick, state, own)[1]

    return jax.tree.map(np.asarray, jax.jit(jax.vmap(one_life))(observations))


def complete(system: System, state: State, images, known, ticks: int = TICKS) -> np.ndarray:
    """Return estimates [n, d] of images of which only the pixels ``known`` (bool [d]) are seen."""
    images = np.asarray(images, np.float32)
    shape = (len(images), ticks, images.shape[1])
    precision = np.broadcast_to(np.where(known, np.inf, 0.0), shape)
    values = np.broadcast_to(np.where(known, images, 0.0)[:, None], shape)
    seen = {"input": Evidence(values, precision, 0.0)}
    return settle(system, state, _observations(system, seen, shape[:2]))["input"][:, -1]


def dream(system: System, state: State, labels, seed: int, ticks: int = TICKS) -> np.ndarray:
    """Return images [n, d] that the network makes of labels alone.

    A random current into the absent input favours other units in every dream; it is off at the
    last tick, so that the picture is the network's own.
    """
    labels = np.asarray(labels)
    size = system.spec.variable("input").shape[0]
    shape = (len(labels), ticks, size)
    current = np.random.default_rng(seed).normal(0.0, CURRENT, (len(labels), 1, size))
    drive = np.broadcast_to(current, shape).copy()
    drive[:, -1] = 0.0
    told = np.repeat(labels[:, None], ticks, axis=1)
    free = {"input": Evidence(np.zeros(shape), np.zeros(shape), drive), "label": told}
    return settle(system, state, _observations(system, free, shape[:2]))["input"][:, -1]


def settle_on(system: System, state: State, images, ticks: int = TICKS) -> dict[str, np.ndarray]:
    """Return `energy` [n, ticks] and `label` [n, ticks, classes] as images follow one another.

    One life: every image is met with the activity that the one before it left behind.
    """
    images = np.asarray(images, np.float32)
    shown = np.repeat(images, ticks, axis=0)[None]
    observations = _observations(system, {"input": shown}, shown.shape[:2])
    outputs = settle(system, state, observations, ("energy", "label"))
    return {name: a.reshape(len(images), ticks, *a.shape[2:]) for name, a in outputs.items()}


def wiring(stream: RewiredWorlds, world: int, size: int) -> np.ndarray:
    """Return which pixel each place shows in a world: ``x_world = x[wiring]``."""
    places = np.arange(size, dtype=np.float32)[None]
    twin = RewiredWorlds(places, np.array([0]), stream.seed, stream.worlds_count, stream.every)
    return twin.world(world)[0][0].astype(np.int64)


def unwired(images: np.ndarray, wires: np.ndarray) -> np.ndarray:
    """Return images as they were before their pixels were rewired.

    Examples
    --------
    >>> wires = np.array([2, 0, 1])
    >>> unwired(np.array([[10, 20, 30]])[:, wires], wires).tolist()
    [[10, 20, 30]]
    """
    return np.asarray(images)[:, np.argsort(wires)]


def pixel_error(estimates, images, known) -> float:
    """Return the root of the mean squared error over the hidden pixels.

    Examples
    --------
    >>> pixel_error(np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]]), np.array([True, False]))
    2.0
    """
    return float(np.sqrt(np.mean((np.asarray(estimates) - images)[:, ~np.asarray(known)] ** 2)))


def _observations(system: System, values: dict[str, Any], shape: tuple[int, int]) -> Observation:
    """Return checked observations [n, ticks] that teach nothing."""
    flat = {name: jax.tree.map(lambda a: _flatten(a, shape), v) for name, v in values.items()}
    checked = observe(system.spec, steps=shape[0] * shape[1], learn=False, **flat)
    return jax.tree.map(lambda a: np.asarray(a).reshape(*shape, *np.shape(a)[1:]), checked)


def _flatten(array, shape: tuple[int, int]):
    """Lay [n, ticks, ...] out as one time axis; a single number stays."""
    array = np.asarray(array)
    return array if array.ndim == 0 else array.reshape(shape[0] * shape[1], *array.shape[2:])
