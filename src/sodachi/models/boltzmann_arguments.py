"""What the arguments of a Boltzmann machine may be, and what its spec declares by them."""

from __future__ import annotations

from typing import Any

from sodachi.core.connections import Convolution
from sodachi.errors import SpecError
from sodachi.models.boltzmann_graph import BoltzmannGraph
from sodachi.models.boltzmann_mixing import check_mixing
from sodachi.models.boltzmann_settings import DREAMS, Settings


def check(given: dict[str, Any]) -> None:
    """Raise `SpecError` for arguments of which no machine can be made."""
    for name in ("sweeps", "dreams", "dream_sweeps"):
        if not (isinstance(given[name], int) and given[name] >= 1):
            raise SpecError(name, "1 or more", given[name])
    choices = {
        "schedule": ("colours", "random"), "wake": ("gibbs", "mean_field"), "dream": DREAMS,
    }  # fmt: skip
    for name, allowed in choices.items():
        if given[name] not in allowed:
            raise SpecError(name, f"one of {allowed}", given[name])
    if given["schedule"] == "random" and given["wake"] == "mean_field":
        raise SpecError("wake", '"gibbs" where units are visited at random', given["wake"])
    if not given["temperature"] > 0:
        raise SpecError("temperature", "above 0", given["temperature"])
    ladder = given["ladder"]
    if len(ladder) < 1 or ladder[0] != 1 or not all(t > 0 for t in ladder):
        raise SpecError("ladder", "temperatures above 0, the first of them 1", ladder)
    check_mixing(given["mixing"], given["dream"], given["dreams"])
    if not (isinstance(given["mixing_lag"], int) and given["mixing_lag"] >= 1):
        raise SpecError("mixing_lag", "1 or more", given["mixing_lag"])
    check_steps(given)
    if not 0 < given["reach"] <= 1:
        raise SpecError("reach", "above 0 and at most 1", given["reach"])
    if given["sparse"] is not None and not 0 < given["sparse"] < 1:
        raise SpecError("sparse", "between 0 and 1, or None", given["sparse"])


def check_steps(given: dict[str, Any]) -> None:
    """Raise `SpecError` for step sizes that cannot be."""
    if given["optimiser"] not in ("sgd", "adam"):
        raise SpecError("optimiser", "sgd or adam", given["optimiser"])
    if given["optimiser"] == "adam" and given["decay"]:
        raise SpecError("decay", "0 with Adam's steps, which would scale it away", given["decay"])
    if given["anneal"] is not None and (type(given["anneal"]) is not int or given["anneal"] < 1):
        raise SpecError("anneal", "a positive integer, or None", given["anneal"])


def chance_of(s: Settings) -> set[str]:
    """Return whether chance plays a part: means alone, awake and in dreams, are all the same."""
    means = s.wake == "mean_field" and s.dream in ("mean_field", "conditional")
    return set() if means else {"stochastic"}


def modulated_names(graph: BoltzmannGraph) -> tuple[str, ...]:
    """Return what is modulated: every coupling, and the bias (and variance) of every population."""
    return (*(c.name for c in graph.couplings), *(u.name for u in graph.populations))


def exceptions_of(graph: BoltzmannGraph) -> tuple[str, ...]:
    """Return where a machine declares that it is not local."""
    sites = [c.name for c in graph.couplings if isinstance(c.connection, Convolution)]
    tied = [
        c.name
        for c in graph.couplings
        if graph.population(c.source).kind == "categorical" and hasattr(c.connection, "pairs")
    ]
    potts = "a pair of categorical units has one weight for all states (Potts)"
    return (*(f"{name}: {potts}" for name in tied), *(f"{name}: tied over sites" for name in sites))
