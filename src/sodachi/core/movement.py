"""The books of an audit: every weight that moved must have moved through a rule."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from sodachi.core.rule import Change


def synaptic_leaves(shared) -> list[tuple[str, Any]]:
    """Return name and array of everything under a ``weights`` or ``synapses`` key."""
    leaves = jax.tree_util.tree_flatten_with_path(shared)[0]
    return [
        (jax.tree_util.keystr(path), leaf)
        for path, leaf in leaves
        if any(getattr(part, "key", None) in ("weights", "synapses") for part in path)
    ]


def moved_outside(before, after, changes: list[Change]) -> list[str]:
    """Return the names of synaptic arrays that moved, but not as the outcome of ``changes``.

    A chain of changes, one upon another, is accounted for; so are separate lives and stacked
    layers, whose parts changed one by one.
    """
    moves: dict[Any, set] = {}
    for change in changes:
        pairs = zip(jax.tree.leaves(change.before), jax.tree.leaves(change.after), strict=True)
        for old, new in pairs:
            moves.setdefault(_identity(old), set()).add(_identity(new))
    return [
        name
        for (name, old), (_, new) in zip(
            synaptic_leaves(before), synaptic_leaves(after), strict=True
        )
        if not _accounted(np.asarray(old), np.asarray(new), moves)
    ]


def _accounted(old, new, moves) -> bool:
    """Whether a chain of changes leads from old to new bits, whole or part by part.

    Separate lives and stacked layers lie on leading axes; each was a change of its own.
    """
    reached, frontier = set(), {_identity(old)}
    while frontier:
        reached |= frontier
        frontier = set().union(*(moves.get(bits, set()) for bits in frontier)) - reached
    if _identity(new) in reached:
        return True
    if old.shape != new.shape or old.ndim == 0:
        return False
    return all(_accounted(a, b, moves) for a, b in zip(old, new, strict=True))


def _identity(array):
    array = np.asarray(array)
    return array.shape, str(array.dtype), array.tobytes()
