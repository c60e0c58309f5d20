"""What a canonical network remembers of the tick before: products of beliefs, as an observation.

The past ψ is heard through synapses like anything observed. A term is a product of factors of the
state, the input and the action; it has a cell for every combination of their values.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import Any, NamedTuple

import jax.numpy as jnp

from sodachi.errors import SpecError
from sodachi.models.factors import Factors

#: A factor of a population: its name, and which.
Part = tuple[str, int]


class Seen(NamedTuple):
    """Values of cells, and how far each is known: 0 is absent and neither read nor counted."""

    value: Any
    known: Any


def parse_terms(
    field: str, given: Any, populations: Mapping[str, Factors]
) -> tuple[tuple[Part, ...], ...]:
    """Return the terms that words describe: ``"state"``, ``"state:0*input:2"`` or a list of such.

    A population without a number stands for each of its factors in turn.

    Raises
    ------
    SpecError
        For a population or factor that there is not, or the same term twice.

    Examples
    --------
    >>> sizes = {"state": Factors((1, 1)), "input": Factors((3,))}
    >>> parse_terms("transition", "state*input", sizes)
    ((('state', 0), ('input', 0)), (('state', 1), ('input', 0)))
    """
    if given is None:
        return ()
    words = [given] if isinstance(given, str) else given
    if not isinstance(words, list | tuple) or not all(isinstance(w, str) for w in words):
        raise SpecError(field, "None, a term such as 'state*action', or a list of them", given)
    terms = [
        term
        for word in words
        for term in product(*(_parts(field, part, populations) for part in word.split("*")))
    ]
    if len(set(terms)) != len(terms) or any(len(set(t)) != len(t) for t in terms):
        raise SpecError(field, "each term, and each factor of a term, once", given)
    return tuple(terms)


def _parts(field: str, word: str, populations: Mapping[str, Factors]) -> list[Part]:
    name, _, number = word.partition(":")
    if name not in populations:
        raise SpecError(field, f"factors of {sorted(populations)}", word)
    count = len(populations[name].sizes)
    if not number:
        return [(name, i) for i in range(count)]
    if not number.isdecimal() or int(number) >= count:
        raise SpecError(field, f"a factor of {name} below {count}", word)
    return [(name, int(number))]


def term_factors(
    terms: tuple[tuple[Part, ...], ...], populations: Mapping[str, Factors]
) -> Factors:
    """Return the factors of the past: a single factor as it is, a product a cell a combination."""
    sizes = []
    for term in terms:
        if len(term) == 1:
            name, i = term[0]
            sizes.append(populations[name].sizes[i])
        else:
            sizes.append(prod(populations[name].values[i] for name, i in term))
    return Factors(tuple(sizes))


def remember(
    terms: tuple[tuple[Part, ...], ...],
    populations: Mapping[str, Factors],
    seen: Mapping[str, Seen],
) -> Seen:
    """Return the past as it will be heard at the next tick: products over each term's factors.

    Examples
    --------
    >>> sizes = {"state": Factors((1,)), "action": Factors((2,))}
    >>> now = {"state": Seen(jnp.array([1.0]), jnp.ones(1))}
    >>> now["action"] = Seen(jnp.array([0.0, 1.0]), jnp.ones(2))
    >>> remember(parse_terms("policy", "state*action", sizes), sizes, now).value.tolist()
    [0.0, 0.0, 0.0, 1.0]
    """
    values, known = [], []
    for term in terms:
        if len(term) == 1:
            name, i = term[0]
            cells = populations[name].cells_of(i)
            values.append(seen[name].value[cells])
            known.append(seen[name].known[cells])
            continue
        joint = [_all_values(populations[name], i, seen[name]) for name, i in term]
        values.append(_outer([value for value, _ in joint]))
        known.append(_outer([sure for _, sure in joint]))
    value, sure = jnp.concatenate(values), jnp.concatenate(known)
    fine = jnp.isfinite(value) & jnp.isfinite(sure)  # what is no number is not remembered
    return Seen(jnp.where(fine, value, 0.0), jnp.where(fine, sure, 0.0))


def _all_values(factors: Factors, i: int, seen: Seen):
    value, known = seen.value[factors.cells_of(i)], seen.known[factors.cells_of(i)]
    if factors.sizes[i] > 1:
        return value, known
    return jnp.concatenate([1.0 - value, value]), jnp.concatenate([known, known])


def _outer(vectors):
    total = vectors[0]
    for vector in vectors[1:]:
        total = (total[:, None] * vector).reshape(-1)
    return total
