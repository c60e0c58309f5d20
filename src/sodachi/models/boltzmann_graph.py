"""The one graph of a Boltzmann machine: populations of any kind of unit, coupled in any loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from sodachi.core.colouring import colour, partners
from sodachi.errors import SpecError
from sodachi.models.boltzmann_parts import Coupling, Units, coupling_of, units_of


class Parameters(NamedTuple):
    """What a machine's law depends on; all of it is given at runtime, nothing recompiles.

    ``weights`` by coupling, ``bias`` by population (in its shape), ``log_variance`` by Gaussian
    population.
    """

    weights: dict[str, Any]
    bias: dict[str, Any]
    log_variance: dict[str, Any]


@dataclass(frozen=True)
class BoltzmannGraph:
    r"""Who is coupled with whom: the topology, static and hashable (see `boltzmann_graph`).

    ``E(x) = −Σ_couplings sᵀ W s' − Σ b·x + Σ_gaussian (x − b)²/2σ²`` with the signal s = x, or
    x/σ² of a Gaussian unit (whose bias is its mean).
    """

    populations: tuple[Units, ...]
    couplings: tuple[Coupling, ...]

    def population(self, name: str) -> Units:
        """Return the population of that name; `SpecError` if there is none."""
        for units in self.populations:
            if units.name == name:
                return units
        raise SpecError("population", f"one of {[u.name for u in self.populations]}", name)

    def of(self, name: str) -> tuple[Coupling, ...]:
        """Return the couplings that a population takes part in."""
        return tuple(c for c in self.couplings if name in (c.source, c.target))

    @cached_property
    def turns(self) -> tuple[tuple[str, ...], ...]:
        """Populations that are not coupled with one another take one turn together.

        Deep machines have two turns, odd and even layers. Turns stand in the order of the
        population named first.
        """
        names = [u.name for u in self.populations]
        pairs = {
            (names.index(c.source), names.index(c.target)) for c in self.couplings if not c.inner
        }
        colours = colour(partners(sorted(pairs), len(names)))
        first = dict.fromkeys(colours.tolist())
        return tuple(
            tuple(n for n, k in zip(names, colours, strict=True) if k == turn) for turn in first
        )

    def classes(self, name: str) -> np.ndarray | None:
        """Return the colour of each unit within its population; None where all are coupled.

        A population that is coupled all to all is visited one unit after another.
        """
        inner = [c for c in self.couplings if c.inner and c.source == name]
        if any(c.full for c in inner):
            return None
        pairs = [pair for c in inner for pair in c.connection.pairs]  # type: ignore[attr-defined]
        return colour(partners(pairs, self.population(name).units))

    def parameters(self, fill: float = 0.0, dtype=jnp.float32) -> Parameters:
        """Return parameters that are all ``fill`` (variances 1), in the right shapes."""
        return Parameters(
            {c.name: jnp.full(c.connection.weights, fill, dtype) for c in self.couplings},
            {u.name: jnp.full(u.shape, fill, dtype) for u in self.populations},
            {u.name: jnp.zeros(u.shape, dtype) for u in self.populations if u.kind == "gaussian"},
        )

    def start(self, chains: int | None = None, dtype=jnp.float32) -> dict[str, Any]:
        """Return a state to begin chains with: everything at its first value (0, −1, state 0)."""
        found = {}
        for u in self.populations:
            x = np.zeros(u.sites)
            if u.kind == "categorical":
                x[:, 0] = 1.0
            elif u.kind == "spin":
                x[:] = -1.0
            x = x.reshape(u.shape)
            if chains is not None:
                x = np.broadcast_to(x[..., None], (*u.shape, chains))
            found[u.name] = jnp.asarray(x, dtype)
        return found


def boltzmann_graph(populations: Sequence, couplings: Sequence) -> BoltzmannGraph:
    r"""Return the graph of a Boltzmann machine from plain lists.

    Parameters
    ----------
    populations
        ``[name, size]`` or ``[name, size, kind]``; the size is a number of units or, for
        categorical units, ``[units, states]`` or a number of states (one unit: a label). Kinds:
        ``"binary"`` {0, 1} by default, ``"spin"`` ±1, ``"categorical"`` (one-hot), ``"gaussian"``.
    couplings
        ``[a, b]`` couples every unit of a with every unit of b (of itself, if a is b);
        ``[a, b, [[i, j], ...]]`` couples single pairs. Between categorical units a pair has one
        weight: it counts when both are in the same state (Potts). ``[a, b, {"kind":
        "convolution", "image": [rows, columns, channels], "channels": 8, "size": 5}]`` gives b's
        units fields of a, which is laid out as an image (``"local"``: untied).

    Returns
    -------
    BoltzmannGraph
        Couplings are named ``"a-b"``.

    Raises
    ------
    SpecError
        For an unknown name or kind, a size below 1, a coupling given twice, a pair that is no pair
        of different units, two coupled Gaussian populations (their energy may have no bound), or
        a categorical population coupled with itself all to all (pairs can do that), or fields that
        do not fit the populations.

    Examples
    --------
    >>> torus = boltzmann_graph([["spins", 4, "spin"]], [["spins", "spins", [[0, 1], [1, 2]]]])
    >>> torus.classes("spins").tolist()
    [1, 0, 1, 0]
    >>> deep = boltzmann_graph([["v", 6], ["h1", 4], ["h2", 3]], [["v", "h1"], ["h1", "h2"]])
    >>> deep.turns
    (('v', 'h2'), ('h1',))
    """
    units = tuple(units_of(*row) for row in populations)
    names = [u.name for u in units]
    if not names or len(set(names)) != len(names):
        raise SpecError("populations", "one or more, of different names", names)
    graph = BoltzmannGraph(units, ())
    made = tuple(
        coupling_of(graph.population(a), graph.population(b), *how) for a, b, *how in couplings
    )
    both = [frozenset((c.source, c.target)) for c in made]
    if len(set(both)) != len(both):
        raise SpecError("couplings", "one for two populations", [c.name for c in made])
    return BoltzmannGraph(units, made)
