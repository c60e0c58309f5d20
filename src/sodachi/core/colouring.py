"""Colouring of a graph: cells of one colour are not neighbours, so they may be updated together."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np


def colour(neighbours: Sequence[Sequence[int]]) -> np.ndarray:
    """Return a colour 0, 1, ... for every node, different from every neighbour's.

    Whoever sees the most colours around it is coloured next, with the lowest that is free (DSATUR,
    Brélaz, 1979): two colours for every graph that two suffice for, at most one more than the
    highest degree for any.

    Parameters
    ----------
    neighbours
        For every node its neighbours, in both directions; a node is not its own neighbour.

    Examples
    --------
    >>> colour([[1, 3], [0, 2], [1, 3], [2, 0]]).tolist()  # a ring of four
    [0, 1, 0, 1]
    """
    nodes = len(neighbours)
    around: list[set[int]] = [set() for _ in range(nodes)]
    colours = np.full(nodes, -1)
    queue = [(0, -len(row), node) for node, row in enumerate(neighbours)]
    heapq.heapify(queue)
    while queue:
        seen, _, node = heapq.heappop(queue)
        if colours[node] >= 0 or -seen != len(around[node]):
            continue  # already coloured, or an entry that is out of date
        free = 0
        while free in around[node]:
            free += 1
        colours[node] = free
        for other in neighbours[node]:
            if colours[other] < 0 and free not in around[other]:
                around[other].add(free)
                heapq.heappush(queue, (-len(around[other]), -len(neighbours[other]), other))
    return colours


def partners(pairs, nodes: int) -> list[list[int]]:
    """Return every node's neighbours from a list of pairs.

    Examples
    --------
    >>> partners([(0, 1), (1, 2)], 3)
    [[1], [0, 2], [1]]
    """
    rows: list[list[int]] = [[] for _ in range(nodes)]
    for i, j in pairs:
        rows[i].append(int(j))
        rows[j].append(int(i))
    return rows
