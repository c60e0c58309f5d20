"""Random keys that belong to names: adding a variable never changes another's numbers."""

from __future__ import annotations

import hashlib

import jax


def named_key(key, name: str):
    """Return the key of a name: ``fold_in`` of a hash that is the same on every machine.

    Examples
    --------
    >>> import jax
    >>> a, b = named_key(jax.random.key(0), "a"), named_key(jax.random.key(0), "b")
    >>> bool((jax.random.key_data(a) != jax.random.key_data(b)).any())
    True
    """
    return jax.random.fold_in(key, int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]))
