"""Random words by Threefry-2x32, written out so that a compiler can fuse them into what they serve.

The library's own generator is the same function, rolled into a loop on a CPU, and throws one of
its two words away; where making chance is most of the work, that is felt.
"""

from __future__ import annotations

from math import prod

import jax
import jax.numpy as jnp
import numpy as np

TURNS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA
GROUPS = 5  # of four rounds each: twenty rounds


def threefry(key: tuple, counter: tuple) -> tuple:
    r"""Return the two words of Threefry-2x32 with 20 rounds, for uint32 arrays of counters.

    A round is ``a ← a + b; b ← (b ⋘ r) ⊕ a``; after every four the next two of three key words
    (the third: ``k_0 ⊕ k_1 ⊕ 0x1BD11BDA``) and the number of the group are added.

    References
    ----------
    Salmon, Moraes, Dror and Shaw (2011), Parallel random numbers: as easy as 1, 2, 3.

    Examples
    --------
    >>> zero = jnp.uint32(0)
    >>> [hex(int(word)) for word in threefry((zero, zero), (zero, zero))]
    ['0x6b200159', '0x99ba4efe']
    """
    keys = (key[0], key[1], key[0] ^ key[1] ^ np.uint32(PARITY))
    a, b = counter[0] + keys[0], counter[1] + keys[1]
    for group in range(GROUPS):
        for turn in TURNS[group % 2]:
            a = a + b
            b = ((b << np.uint32(turn)) | (b >> np.uint32(32 - turn))) ^ a
        a = a + keys[(group + 1) % 3]
        b = b + keys[(group + 2) % 3] + np.uint32(group + 1)
    return a, b


def random_words(key, shape: tuple[int, ...]):
    """Return uint32 words of a shape, all bits by chance; both words of every block are used.

    Keys of another kind than JAX's ``threefry2x32`` are served by ``jax.random.bits``.

    Examples
    --------
    >>> random_words(jax.random.key(0), (3, 5)).dtype
    dtype('uint32')
    """
    if str(jax.random.key_impl(key)) != "threefry2x32":
        return jax.random.bits(key, shape, jnp.uint32)
    rows, *rest = shape or (1,)
    half = ((rows + 1) // 2, *rest)  # cut across the first axis, the cut costs nothing
    blocks = prod(half)
    place = jnp.arange(blocks, dtype=jnp.uint32).reshape(half)
    own = jax.random.key_data(key)
    words = threefry((own[0], own[1]), (place, place + np.uint32(blocks)))
    return jnp.concatenate(words)[:rows].reshape(shape)
