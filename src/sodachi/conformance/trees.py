"""Comparing states bit for bit, and writing them out as plain NumPy arrays and back."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.errors import SodachiError


class BrokenPromise(SodachiError):
    """A check found a promise broken: the field, what was promised, what was found."""


class NoSubject(Exception):
    """The spec declares nothing that this promise could be about; the message says what."""


class SavedKey(NamedTuple):
    """A random key as NumPy data and the name of its implementation."""

    implementation: str
    data: np.ndarray


def is_key(leaf) -> bool:
    """Return whether a leaf is a typed random key."""
    return jnp.issubdtype(getattr(leaf, "dtype", np.dtype(bool)), jax.dtypes.prng_key)


def to_numpy(tree):
    """Return the tree as fresh NumPy arrays, keys as `SavedKey`: what a checkpoint can hold."""

    def save(leaf):
        if is_key(leaf):
            return SavedKey(str(jax.random.key_impl(leaf)), np.array(jax.random.key_data(leaf)))
        return np.array(leaf)

    return jax.tree.map(save, tree)


def from_numpy(tree):
    """Return what `to_numpy` saved as arrays and keys again."""

    def load(leaf):
        if isinstance(leaf, SavedKey):
            return jax.random.wrap_key_data(jnp.asarray(leaf.data), impl=leaf.implementation)
        return jnp.asarray(leaf)

    return jax.tree.map(load, tree, is_leaf=lambda x: isinstance(x, SavedKey))


def named_leaves(tree) -> list[tuple[str, np.ndarray]]:
    """Return name and NumPy array of every leaf, keys as their data."""
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return [
        (
            jax.tree_util.keystr(path).lstrip("."),
            np.asarray(jax.random.key_data(leaf) if is_key(leaf) else leaf),
        )
        for path, leaf in leaves
    ]


def require_same_bits(one, two, expected: str) -> None:
    """Raise `BrokenPromise` at the first leaf whose bits differ."""
    for name, a, b in _paired(one, two):
        if a.tobytes() != b.tobytes():
            raise BrokenPromise(name, expected, _difference(a, b))


def require_close(one, two, tolerance: float, expected: str) -> None:
    """Raise `BrokenPromise` where real leaves differ relative to their leaf's largest number.

    Other leaves (integers, keys) must be equal.
    """
    for name, a, b in _paired(one, two):
        if not jnp.issubdtype(a.dtype, jnp.floating):
            close = np.array_equal(a, b)
        else:
            finite = np.isfinite(a)
            scale = max(1.0, float(np.abs(a[finite]).max(initial=0)))
            close = np.allclose(a, b, rtol=0, atol=tolerance * scale, equal_nan=True)
        if not close:
            raise BrokenPromise(name, expected, _difference(a, b))


def same_bits(one, two) -> bool:
    """Return whether all leaves have equal bits."""
    return all(a.tobytes() == b.tobytes() for _, a, b in _paired(one, two))


def take(tree, lane: int):
    """Return one lane of a tree whose leaves have a leading lane axis."""
    return jax.tree.map(lambda leaf: leaf[lane], tree)


def _paired(one, two) -> list[tuple[str, Any, Any]]:
    first, second = named_leaves(one), named_leaves(two)
    if [(n, a.shape, a.dtype) for n, a in first] != [(n, b.shape, b.dtype) for n, b in second]:
        raise BrokenPromise("structure", "the same arrays", "other names, shapes or dtypes")
    return [(name, a, b) for (name, a), (_, b) in zip(first, second, strict=True)]


def _difference(a: np.ndarray, b: np.ndarray) -> str:
    if a.ndim == 0:
        return f"{a} and {b}"
    differs = (a != b) & ~((a != a) & (b != b))
    count = int(differs.sum())
    if count == 0:
        return "bits of other zeros or NaNs"
    place = tuple(int(i) for i in np.argwhere(differs)[0])
    return f"{count} of {a.size} elements different, first {place}: {a[place]} and {b[place]}"
