"""Layers as the populations of a Boltzmann machine: each coupled with the next, and no other."""

from __future__ import annotations

from math import prod
from typing import Any

from sodachi.errors import SpecError
from sodachi.models.boltzmann_graph import BoltzmannGraph, boltzmann_graph
from sodachi.models.boltzmann_mixing import check_mixing
from sodachi.models.boltzmann_parts import fields_of

#: What a layered machine calls its dreams, and what a Boltzmann machine does.
DREAMS = {
    "persistent": "persistent",
    "reconstruction": "contrastive_divergence",
    "conditional": "conditional",
}
SETTLING = ("sample", "mean_field")


def layered_graph(given: dict[str, Any]) -> BoltzmannGraph:
    """Return the graph that the arguments of `deep_boltzmann_machine` describe.

    Examples
    --------
    >>> graph = layered_graph({"layers": [4, 3], "labels": 2, "input": "binary"})
    >>> [c.name for c in graph.couplings]
    ['input-hidden1', 'hidden1-label']
    """
    first = given["layers"][0]
    shape = tuple(first) if isinstance(first, list | tuple) else (first,)
    populations: list[Any] = [["input", prod(shape), given["input"]]]
    couplings: list[Any] = []
    for i, size in enumerate(given["layers"][1:], 1):
        name, below = f"hidden{i}", populations[-1][0]
        couplings.append([below, name])
        if isinstance(size, dict):
            options = size | {"image": list(shape)}
            shape = fields_of(f"layers, {name}", shape, size).target
            couplings[-1].append(options)
        else:
            shape = (size,)
        populations.append([name, prod(shape)])
    if given["labels"]:
        couplings.append([populations[-1][0], "label"])
        populations.append(["label", given["labels"], "categorical"])
    return boltzmann_graph(populations, couplings)


def check(given: dict[str, Any]) -> None:
    """Raise `SpecError` for arguments of which no machine can be made."""
    layers = given["layers"]
    first, rest = (layers[0], layers[1:]) if layers else (0, [])
    image = isinstance(first, list | tuple)
    sizes = [*(first if image else [first]), *(n for n in rest if not isinstance(n, dict))]
    if not rest or any(type(n) is not int or n < 1 for n in sizes) or (image and len(first) != 3):
        words = "two or more positive sizes, the first perhaps [rows, columns, channels]"
        raise SpecError("layers", words, layers)
    labels = given["labels"]
    if type(labels) is not int or labels < 0 or labels == 1:
        raise SpecError("labels", "0, or 2 or more", labels)
    known = {"input": ("binary", "gaussian"), "dream": tuple(DREAMS), "settling": SETTLING}
    for name, names in known.items():
        if given[name] not in names:
            raise SpecError(name, f"one of {names}", given[name])
    for name in ("chains", "sweeps", "iterations"):
        if name == "iterations" and given[name] is None:
            continue
        if type(given[name]) is not int or given[name] < 1:
            raise SpecError(name, "a positive integer", given[name])
    dreams = DREAMS[given["dream"]], given["chains"]
    check_mixing(given["mixing"], *dreams)
    for name in ("rate", "decay", "sparsity", "scale", "generative", "discriminative"):
        if not 0 <= given[name] < float("inf"):
            raise SpecError(name, "0 or more, finite", given[name])
    if given["discriminative"] and not (labels and len(layers) == 2):
        words = "0 unless labels stand above a single hidden layer"
        raise SpecError("discriminative", words, given["discriminative"])
    above = len(layers) - 1 + bool(labels)
    if given["dream"] == "conditional" and (above < 2 or given["discriminative"]):
        words = "not conditional, without a hidden layer between or beside `discriminative`"
        raise SpecError("dream", words, given["dream"])
    if not 0 < given["reach"] <= 1:
        raise SpecError("reach", "above 0 and at most 1", given["reach"])
    for name in ("centring", "sparse_target"):
        if not 0 <= given[name] < 1:
            raise SpecError(name, "0 or more and below 1", given[name])
