"""What one synapse may see, and whether its update saw more: the audit's instrument.

Everything a synapse may not see is changed, to random numbers and to NaN; its own update must not
move by one bit. Nothing is assumed of the update: it is a function that is called again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.connections import Connection, backward, lift

#: What an update may be given, and what a synapse may not see of each.
OTHERS = {
    "weight": "other weights",
    "synapse": "other synapses' state",
    "post": "other postsynaptic cells",
    "pre": "other presynaptic cells",
}


class Inputs(NamedTuple):
    """All that an update is given; cells carry a leading lane axis."""

    weight: Any
    synapse: Any
    post: Any
    pre: Any


class Touch(NamedTuple):
    """A synapse and what is its own: masks over weights, target cells and source cells."""

    place: tuple[int, ...]
    weights: np.ndarray
    post: np.ndarray
    pre: np.ndarray

    @property
    def sites(self) -> int:
        """Target cells that use this weight: more than one where weights are tied."""
        return int(self.post.sum())


def touches(connection: Connection, samples: int, rng, own_cell: bool) -> list[Touch]:
    """Return up to ``samples`` random synapses that reach a cell, each with what is its own.

    The cells follow from the connection alone: the support of ``apply`` and ``backward`` of a
    weight that is 1 at this synapse and 0 elsewhere. With ``own_cell`` the other synapses of the
    same postsynaptic cell are its own too.
    """
    reach = _reach(connection)
    found: list[Touch] = []
    for flat in rng.permutation(int(np.prod(connection.weights))):
        post, pre, siblings = (np.asarray(a) for a in reach(flat))
        if not post.any():
            continue  # padding, or a self-loop that the connection leaves out
        index = tuple(int(i) for i in np.unravel_index(flat, connection.weights))
        own = siblings if own_cell else np.zeros(connection.weights, bool)
        own = own.copy()
        own[index] = True
        found.append(Touch(index, own, post, pre))
        if len(found) == samples:
            break
    return found


def _reach(connection: Connection):
    source, target = jnp.ones(connection.source), jnp.ones(connection.target)
    size = int(np.prod(connection.weights))

    @jax.jit
    def reach(flat):
        one = jnp.zeros(size).at[flat].set(1.0).reshape(connection.weights)
        post = connection.apply(one, source) != 0
        pre = backward(connection, one, target) != 0
        siblings = lift(connection, post.astype(source.dtype)[None], source[None]) != 0
        return post, pre, siblings

    return reach


def seen(update: Callable[[Inputs], Any], inputs: Inputs, touch: Touch, rng) -> tuple[str, ...]:
    """Return what the synapse's update saw that is not its own; empty if it is local.

    ``update(inputs)`` returns arrays whose leading axes are the weight's.
    """
    inputs = jax.tree.map(np.asarray, inputs)
    # Padding's zeros meet every site of a tied weight, and 0 · NaN is NaN: no NaN there.
    changes = (partial(_random, rng=rng), _nan)[: 1 if touch.sites > 1 else 2]
    before = _bits(update(inputs), touch.place)

    def moved(fields) -> bool:
        for change in changes:
            other = inputs._replace(
                **{f: _outside(getattr(inputs, f), _own(touch, f), f, change) for f in fields}
            )
            if _bits(update(other), touch.place) != before:
                return True
        return False

    if not moved(OTHERS):
        return ()
    alone = tuple(OTHERS[field] for field in OTHERS if moved([field]))
    return alone or ("other cells and weights together",)


def misplaced(inputs: Inputs, connection: Connection) -> tuple[str, ...]:
    """Return the names of cell quantities that are not one per cell (nobody's own)."""
    wrong = []
    for side, shape in (("post", connection.target), ("pre", connection.source)):
        for path, leaf in jax.tree_util.tree_flatten_with_path(getattr(inputs, side))[0]:
            if np.shape(leaf)[1 : 1 + len(shape)] != tuple(shape):
                name = jax.tree_util.keystr(path)
                wrong.append(f"{side}{name} of shape {np.shape(leaf)[1:]}, not one per cell")
    return tuple(wrong)


def random_inputs(inputs: Inputs, rng) -> Inputs:
    """Return the inputs with every real number drawn from 0.1 to 1, so that nothing is silent."""

    def draw(array):
        array = np.asarray(array)
        if not _real(array):
            return array
        return rng.uniform(0.1, 1.0, array.shape).astype(array.dtype)

    return jax.tree.map(draw, inputs)


def captured(function, depth: int = 6) -> list[jax.Array]:
    """Return the arrays that a function carries along unseen (in closures and partials)."""
    if isinstance(function, jax.Array):
        return [function]
    if depth == 0 or function is None:
        return []
    inside: list[Any] = []
    if isinstance(function, partial):
        inside = [function.func, *function.args, *function.keywords.values()]
    elif isinstance(function, dict):
        inside = list(function.values())
    elif isinstance(function, tuple | list):
        inside = list(function)
    elif callable(function):
        cells = getattr(function, "__closure__", None) or ()
        inside = [_contents(c) for c in cells]
        inside += [getattr(function, name, None) for name in ("__self__", "__wrapped__")]
        inside += _defaults(function)
    return [array for part in inside for array in captured(part, depth - 1)]


def _contents(cell):
    try:
        return cell.cell_contents
    except ValueError:  # a name that was never bound
        return None


def _defaults(function) -> tuple[Any, ...]:
    by_name = getattr(function, "__kwdefaults__", None) or {}
    return (*(getattr(function, "__defaults__", None) or ()), *by_name.values())


def _own(touch: Touch, field: str) -> np.ndarray:
    return touch.weights if field in ("weight", "synapse") else getattr(touch, field)


def _outside(tree, own: np.ndarray, field: str, change):
    """Change every leaf wherever ``own`` is False; cells have a lane axis before their own."""
    lead = 1 if field in ("post", "pre") else 0

    def one(leaf):
        if leaf.shape[lead : lead + own.ndim] != own.shape:
            return leaf  # reported by `misplaced`
        mask = own.reshape((1,) * lead + own.shape + (1,) * (leaf.ndim - lead - own.ndim))
        return np.where(mask, leaf, change(leaf)).astype(leaf.dtype)

    return jax.tree.map(one, tree)


def _random(leaf, rng):
    if _real(leaf):
        return rng.normal(0.0, 2.0, leaf.shape)
    return ~leaf if leaf.dtype.kind == "b" else leaf + rng.integers(1, 4, leaf.shape)


def _nan(leaf):
    if _real(leaf):
        return np.full(leaf.shape, np.nan)
    return ~leaf if leaf.dtype.kind == "b" else leaf + 1


def _real(leaf) -> bool:
    return bool(jnp.issubdtype(leaf.dtype, jnp.floating))


def _bits(outcome, index: tuple[int, ...]) -> tuple[bytes, ...]:
    return tuple(np.asarray(leaf)[index].tobytes() for leaf in jax.tree.leaves(outcome))
