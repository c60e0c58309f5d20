"""What the claims about rewired worlds share: the one network of ours, and a life's figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sodachi.claims.claim import Figures
from sodachi.claims.contestants import Contestant
from sodachi.claims.examined import examined_life
from sodachi.claims.lives import count_weights
from sodachi.models.backprop import backprop_net
from sodachi.models.mixture import settling_mixture
from sodachi.models.nearest import nearest_neighbour
from sodachi.worlds import RewiredWorlds, score

UNITS, NAMES, BETA = 236, 32, 5.0
LAYERS = (64, 100, 100, 10)


def grown(worlds: int, **settings) -> Contestant:
    """Return our network: 236 units (17.5k weights) for each world it opens, and 32 namings.

    The same settings in every stream: rewired pixels, unseen images, renamed labels, slow drift.
    ``worlds`` is only room; the network opens a context when its energy asks for one.
    """
    usual: dict[str, Any] = {
        "units": UNITS,
        "contexts": worlds,
        "pool": True,
        "names": NAMES,
        "beta": BETA,
    }
    return Contestant(lambda: settling_mixture(**(usual | settings)), before=5, after=2)


def twin(**settings) -> Contestant:
    """Return a backprop net of 17.6k weights: one step to answer, one to learn."""
    usual: dict[str, Any] = {"layers": LAYERS}
    return Contestant(lambda: backprop_net(**(usual | settings)))


def nearest(capacity: int, **settings) -> Contestant:
    """Return the nearest of the last ``capacity`` samples."""
    return Contestant(lambda: nearest_neighbour(capacity=capacity, **settings))


def one_life(
    contestant: Contestant,
    make_stream: Callable[[], RewiredWorlds],
    seed: int,
    edge: int,
    examine: bool = True,
) -> Figures:
    """Return the accuracies of one life, each sample answered before it is told, and its anatomy.

    ``edge`` is how many new worlds at either end of the life are compared; ``examine`` as in
    `examined_life`.
    """
    stream = make_stream()
    life, examined = examined_life(contestant, stream, seed, edge, examine)
    figures = score(life.correct, stream.infos, edge=edge)
    figures = {name: value for name, value in figures.items() if isinstance(value, float)}
    owner = life.state.shared.get("structure", {}).get("owner")
    if owner is not None:
        figures["units_born"] = float((owner >= 0).sum())
    return figures | {"weights": float(count_weights(life.state))} | examined
