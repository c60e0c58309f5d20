"""Who lives in the streams of the claims: ours, its lesions and its rivals, one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sodachi.models.backprop import backprop_net
from sodachi.models.mixture import settling_mixture
from sodachi.models.nearest import nearest_neighbour
from sodachi.models.settling import settling_net
from sodachi.system import System


class Contestant(NamedTuple):
    """A system for 64 inputs and 10 labels, its ticks a sample, and whether it always learns."""

    make: Callable[[], System]
    before: int = 1
    after: int = 1
    always: bool = True


def _ours(**settings) -> Contestant:
    """A settling mixture: five ticks to settle, then two with the label."""
    return Contestant(lambda: settling_mixture(**settings), before=5, after=2)


def _twin(**settings) -> Contestant:
    """A backprop net: one step to answer, one to learn."""
    return Contestant(lambda: backprop_net(**settings))


def _deep(direction: str, **settings) -> Contestant:
    """Predictive coding in phases: settle freely, then ten ticks with the label, then learn."""
    usual = {
        "activation": "leaky_relu",
        "start": "feedforward",
        "settle_ticks": 10,
        "rate": 0.3,
        "decay_to_initial": 0.1,
    }
    return Contestant(lambda: settling_net(direction=direction, **(usual | settings)), always=False)


# The best of six three-layer settings on a tuning seed; wide hidden layers answer at chance.
_DOWN = {
    "layers": (64, 32, 10),
    "activation": "tanh",
    "start": "carried",
    "settle_ticks": 30,
    "rate": 0.1,
    "decay_to_initial": 1.0,
}


CONTESTANTS: dict[str, Contestant] = {
    "ours A": _ours(units=236),
    "ours B": _ours(units=220, contexts=12),
    "tuned twin": _twin(decay_to_initial=0.3),
    "twin, decay .1": _twin(decay_to_initial=0.1),
    "twin without decay": _twin(),
    "Adam": _twin(activation="relu", loss="softmax"),
    "predictive coding, up": _deep("up"),
    "predictive coding, down": _deep("down"),
    "predictive coding, down, 3 layers": _deep("down", **_DOWN),
    "nearest of 270": Contestant(lambda: nearest_neighbour(capacity=270)),
    "nearest of 4,500": Contestant(lambda: nearest_neighbour(capacity=4500)),
    # As many births as hunger makes in trial lives: .058 a tick with a label.
    "random-time imprinting": _ours(units=236, lesion="random-time", birth_rate=0.058),
    "random newborns": _ours(units=236, lesion="random-newborn"),
}
