"""Patches of an image, laid side by side: a strided convolution is then one matrix product.

Inside a compiled loop, where training lives, the CPU's own convolution is up to a hundred times
slower in its adjoint in the weights; slices and one product are fast there in both adjoints.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp


def patches(x, size: int, stride: int, padding: str = "SAME"):
    r"""Return what every site of a convolution sees: ``p[r, c, (i, j, k)] = x[rs + i, cs + j, k]``.

    Parameters
    ----------
    x
        An image, [height, width, channels].
    size, stride, padding
        Of the square field; ``"SAME"`` pads with zeros to ⌈n/stride⌉ sites, ``"VALID"`` not.

    Returns
    -------
    array [rows, columns, size² × channels]
        Linear in ``x``; a product with weights [size² × channels, out] is the convolution.

    Examples
    --------
    >>> patches(jnp.arange(4.0).reshape(2, 2, 1), 2, 1, "VALID").tolist()
    [[[0.0, 1.0, 2.0, 3.0]]]
    """
    sites, margins = [], []
    for n in x.shape[:2]:
        if padding == "SAME":
            count = -(-n // stride)
            margin = max((count - 1) * stride + size - n, 0)
            margins.append((margin // 2, margin - margin // 2))
        else:
            count = (n - size) // stride + 1
            margins.append((0, 0))
        sites.append(count)
    x = jnp.pad(x, (*margins, (0, 0)))
    rows, columns = sites
    reach = ((rows - 1) * stride + 1, (columns - 1) * stride + 1)
    pieces = [
        jax.lax.slice(x, (i, j, 0), (i + reach[0], j + reach[1], x.shape[2]), (stride, stride, 1))
        for i in range(size)
        for j in range(size)
    ]
    return jnp.concatenate(pieces, -1)
