"""Numbers that a factory is given: known when the program is made, or only when it runs."""

from __future__ import annotations

from typing import Any

from jax.core import Tracer


def known(value: Any) -> bool:
    """Return whether a number is known now; inside `jax.vmap` over it, it is not.

    Examples
    --------
    >>> import jax
    >>> known(0.5), bool(jax.vmap(lambda x: x + known(x))(jax.numpy.zeros(1))[0])
    (True, False)
    """
    return not isinstance(value, Tracer)


def is_on(value: Any) -> bool:
    """Return whether a setting is not 0; one that is known only when the program runs counts as on.

    Examples
    --------
    >>> is_on(0.0), is_on(0.1)
    (False, True)
    """
    return not known(value) or bool(value)
