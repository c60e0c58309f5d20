"""Lives of growing grids in the returning world, many settings by one compiled program.

Numbers in which settings differ are arguments of the program: nothing is compiled again for them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.bit_flipping import INPUTS, count_grid, seen
from sodachi.claims.claim import Figures
from sodachi.claims.returning_figures import Ask, figures
from sodachi.claims.returning_world import World, world
from sodachi.models import growing_grid
from sodachi.models.grid import Wiring, forward, utility
from sodachi.models.growing import Settings
from sodachi.models.growing_step import begin_grid, step_grid

#: Numbers in which grids may differ that share a program. Patience, ages and switches are whole.
NUMBERS = ("rate", "meta_rate", "hunger", "patience", "maturity", "idle", "passed", "negligible",
           "margin", "usual", "shy", "proven", "noticed", "zeros", "swing")  # fmt: skip
#: Of these, those that switch something on: a program is for grids with them, or without.
SWITCHES = ("zeros", "swing")
Options = Mapping[str, Any]


class Life(NamedTuple):
    """What a life leaves behind: squared ``errors`` (v, n) of every example before it was learned.

    ``births`` (v,) of every visit, the mean share of the ``fringe`` (v,), the slow state ``after``
    every visit (v, ...), and its ``settings``.
    """

    errors: Any
    births: Any
    fringe: Any
    after: Any
    settings: Settings


def measure(options: Options, seed: int, visits: int) -> Figures:
    """Return the figures of one grid's life in the returning world, and how it was built."""
    here = world(seed, visits)
    life = live(options, here, seed)
    return figures(here, life.errors, life.after, asking(life.settings.levels)) | built(life)


def built(life: Life) -> Figures:
    """Return weights at the end, births, the share of the fringe, and how utility is conserved.

    ``unbalanced`` is how far the sum of utility strays from 1 after any visit.
    """
    s = life.settings

    def total(shared):
        wiring, w = Wiring(**shared["structure"]), shared["weights"]
        kept, nodes = utility(s.levels, w["units"], wiring, w["output"], s.passed)
        return jnp.sum(kept) + jnp.sum(nodes)

    sums = np.asarray(jax.jit(jax.vmap(total))(life.after), np.float64)
    return {
        "weights": float(count_grid(life.after["structure"]["source"][-1])),
        "births": float(life.births.sum()),
        "fringe": float(life.fringe.mean()),
        "unbalanced": float(np.abs(sums - 1).max()),
    }


def asking(levels: int) -> Ask:
    """Return how a grid of so many levels is asked (see `sodachi.claims.returning_figures`)."""

    def ask(shared, X):
        wiring, w = Wiring(**shared["structure"]), shared["weights"]
        nodes = jax.vmap(lambda x: forward(levels, w["units"], wiring, x))(X)
        units = wiring.live.shape[0]
        return nodes[:, -units:] * w["output"][-units:, 0], nodes @ w["output"][:, 0]

    return ask


def settings_of(options: Options) -> Settings:
    """Return all settings of the `growing_grid` of these options; `SpecError` as it raises."""
    given: dict[str, Any] = {"inputs": INPUTS} | dict(options)
    return Settings(**json.loads(growing_grid(**given).spec.arguments))


def live(options: Options, world: World, seed: int, state=None) -> Life:
    """Return the life of one grid through a world, from birth or from a ``state``.

    Examples
    --------
    >>> from sodachi.claims.returning_world import world
    >>> life = live({"units": 4, "levels": 1, "fan_in": 4}, world(0, 2, 50), 0)
    >>> life.errors.shape, life.after["structure"]["live"].shape
    ((2, 50), (2, 4))
    """
    settings = settings_of(options)
    kind, numbers = _split(settings)
    begin, through = _program(kind)
    state = begin(numbers, jax.random.key(seed)) if state is None else state
    kept = through(numbers, state, jnp.asarray(world.X), jnp.asarray(world.y))
    errors, births, fringe, after = jax.tree.map(np.asarray, kept)
    return Life(errors, births, fringe, after, settings)


def _split(s: Settings) -> tuple[Settings, dict[str, Any]]:
    """Return what the program is made for, and the numbers that it is given."""
    off = [name for name in SWITCHES if not getattr(s, name)]
    numbers = {name: np.asarray(getattr(s, name)) for name in NUMBERS if name not in off}
    return s._replace(**dict.fromkeys(numbers, 1)), numbers


@cache
def _program(kind: Settings):
    def begin(numbers, key):
        return begin_grid(kind._replace(**numbers), key)

    def through(numbers, state, X, y):
        s = kind._replace(**numbers)

        def one(state, sample):
            state, out = step_grid(s, state, seen(*sample))
            error = (sample[1] - out["label"][0]) ** 2
            share = out.get("fringe", 0) / jnp.maximum(out["live"], 1)
            return state, (error, out["birth"], share)

        def visit(state, examples):
            state, (error, born, share) = jax.lax.scan(one, state, examples)
            return state, (error, jnp.sum(born), jnp.mean(share), state.shared)

        return jax.lax.scan(visit, state, (X, y))[1]

    return jax.jit(begin), jax.jit(through)
