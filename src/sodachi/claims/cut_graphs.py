"""Graphs for the maximum cut, written as G-set files are: `n m`, then `i j weight`, from 1.

The G-set itself is made by a generator that cannot be rebuilt exactly and is not fetched. Two
graphs here have a planted cut that is largest by construction; of the third the best known is what
long runs of another solver found.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sodachi.errors import DataError

TORUS, CUBE, DENSE = "torus, planted", "three dimensions, planted", "dense, unweighted"
GRAPHS = (TORUS, CUBE, DENSE)
#: The largest that 60 runs of dwave-samplers found, of 30,000 sweeps each (seed 987654); no proof.
BEST_KNOWN = {DENSE: 11612.0}


class CutGraph(NamedTuple):
    """Edges [m, 2], their integer weights [m], and the best known cut."""

    edges: np.ndarray
    weights: np.ndarray
    best: float


def cut_graph(name: str, small: bool = False) -> CutGraph:
    """Return one of the graphs: 800 nodes as the first of the G-set (100 where ``small``).

    Tori of 1,600 (as G11) and, in three dimensions, 2,400 pairs, with weights that are sums of
    frustrated loops; and 19,176 unweighted random edges (as G1).

    Examples
    --------
    >>> graph = cut_graph(TORUS, small=True)
    >>> len(graph.edges) <= 200, graph.best > 0
    (True, True)
    """
    nodes = 100 if small else 800
    rng = np.random.default_rng([GRAPHS.index(name), 64, nodes])
    if name == TORUS:
        return _planted(_torus(10, 10) if small else _torus(20, 40), nodes, rng)
    if name == CUBE:
        return _planted(_torus(4, 5, 5) if small else _torus(8, 10, 10), nodes, rng)
    edges = _random(nodes, 300 if small else 19_176, rng)
    return CutGraph(edges, np.ones(len(edges), int), BEST_KNOWN[name] if not small else np.nan)


def _torus(*sides: int) -> np.ndarray:
    number = np.arange(np.prod(sides)).reshape(sides)
    return np.concatenate(
        [np.stack([number, np.roll(number, -1, axis)], -1).reshape(-1, 2)
         for axis in range(len(sides))]
    )  # fmt: skip


def _random(nodes: int, edges: int, rng) -> np.ndarray:
    every = np.stack(np.triu_indices(nodes, 1), -1)
    return every[np.sort(rng.choice(len(every), edges, replace=False))]


def _planted(edges: np.ndarray, nodes: int, rng, loops: float = 0.7, shortest: int = 6) -> CutGraph:
    """Weights whose largest cut is known: a sum of loops, each with one edge against the plan.

    A loop of L edges can leave no fewer than one edge unsatisfied, and a planted assignment leaves
    exactly one in every loop: no assignment does better in any, so none does better in the sum
    (Hen et al., 2015).
    """
    spins = rng.choice([-1, 1], nodes)
    around: list[list[int]] = [[] for _ in range(nodes)]
    for i, j in edges.tolist():
        around[i].append(j)
        around[j].append(i)
    weights: dict[tuple[int, int], int] = {}
    for _ in range(int(loops * nodes)):
        loop = _loop(around, rng, shortest)
        wrong = rng.integers(len(loop))
        for k, i in enumerate(loop):
            pair = (min(i, loop[k - 1]), max(i, loop[k - 1]))
            sign = spins[pair[0]] * spins[pair[1]] * (1 if k == wrong else -1)
            weights[pair] = weights.get(pair, 0) + int(sign)
    kept = sorted(pair for pair, w in weights.items() if w)
    found, value = np.array(kept), np.array([weights[pair] for pair in kept])
    best = value[spins[found[:, 0]] != spins[found[:, 1]]].sum()
    return CutGraph(found, value, float(best))


def _loop(around: list[list[int]], rng, shortest: int) -> list[int]:
    """A loop that a random walk which never turns back closes, of so many edges at least."""
    while True:
        path = [int(rng.integers(len(around)))]
        place = {path[0]: 0}
        while True:
            ways = [j for j in around[path[-1]] if len(path) < 2 or j != path[-2]]
            if not ways:
                break
            to = int(rng.choice(ways))
            if to in place:
                loop = path[place[to] :]
                if len(loop) >= shortest:
                    return loop
                break
            place[to] = len(path)
            path.append(to)


def write_cut_graph(graph: CutGraph) -> str:
    """Return a graph as the text of a G-set file."""
    nodes = int(graph.edges.max()) + 1
    lines = [f"{nodes} {len(graph.edges)}"]
    pairs = zip(graph.edges.tolist(), graph.weights.tolist(), strict=True)
    return "\n".join([*lines, *(f"{i + 1} {j + 1} {w}" for (i, j), w in pairs)]) + "\n"


def read_cut_graph(text: str, best: float = float("nan")) -> CutGraph:
    r"""Read the text of a G-set file.

    Raises
    ------
    DataError
        If a line is not three integers, a node is not there, or edges are missing.

    Examples
    --------
    >>> read_cut_graph("3 2\n1 2 1\n2 3 -1\n").weights.tolist()
    [1, -1]
    """
    try:
        rows = [[int(word) for word in line.split()] for line in text.splitlines() if line.strip()]
        (nodes, count), body = rows[0], np.array(rows[1:])
        fine = body.shape == (count, 3) and body[:, :2].min() >= 1 and body[:, :2].max() <= nodes
    except (ValueError, IndexError) as error:
        raise DataError("graph", "lines of integers: n m, then i j weight", str(error)) from error
    if not fine:
        raise DataError("graph", f"{count} edges between nodes 1..{nodes}", f"shape {body.shape}")
    return CutGraph(body[:, :2] - 1, body[:, 2], best)
