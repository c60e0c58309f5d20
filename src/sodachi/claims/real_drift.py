"""Claim: on streams that drifted in the world the growing grid is not behind tuned backprop.

Electricity prices by the half-hour and the weather by the day, in the order of their time. Labels
hang together there: to say what was said last is a strong rival, and is told apart.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from sodachi.claims.anatomy import SAMPLE, anatomy, timed
from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.contestants import Contestant
from sodachi.claims.lives import live
from sodachi.claims.statistics import Check, above, ahead, by_mean, not_below
from sodachi.data import load_drifting, load_water_flow
from sodachi.models import growing_grid
from sodachi.models.backprop import backprop_net
from sodachi.models.continual import continual_net
from sodachi.models.mixture import settling_mixture
from sodachi.models.nearest import nearest_neighbour
from sodachi.system import System

WATER = "water flow"


class Stream(NamedTuple):
    """How a stream is lived: in ``parts``, of which the last ten (quick: two) are scored.

    Settings were chosen on the first ``tuned`` rows; ``window`` rows make a week, a year, a day.
    """

    parts: int
    tuned: int
    window: int


STREAMS = {
    "electricity": Stream(14, 9_072, 336),
    "weather": Stream(14, 3_632, 365),
    WATER: Stream(4, 0, 24),
}
CLIP, FOLLOW = 3.0, 1e-3  # of the inputs once standardised; slowest rate of their mean and spread
OURS, MIXTURE = "growing grid", "settling mixture"
ONE_STEP, LINEAR = "one step size", "no births"
BACKPROP, CONTINUAL, NEAREST = "backprop", "continual backprop", "nearest of recent"
SAME, MOST = "no change", "majority"
LEARNERS = (OURS, MIXTURE, ONE_STEP, LINEAR, BACKPROP, CONTINUAL, NEAREST)
TOLD = ", last label told"
#: Settings were chosen on the first fifth of each stream: the best of 15 (grid), 17 (backprop), 12
#: (continual backprop) and 13 (mixture), those at an edge of their ranges searched on.
GRID: dict[str, dict[str, Any]] = {
    "electricity": {
        "units": 64, "levels": 2, "fan_in": 3, "rate": 0.003, "meta_rate": 0.1, "hunger": 0.02,
        "patience": 20, "maturity": 4000, "idle": 0.5, "margin": 0.5, "swing": 0.01,
    },
    "weather": {
        "units": 64, "levels": 1, "fan_in": 8, "rate": 0.03, "meta_rate": 0.01, "hunger": 0.1,
        "patience": 50, "maturity": 1000, "idle": 0.1, "margin": 0.8, "swing": 0.0,
    },
}  # fmt: skip
#: What is taken from the grid; the one step size is the best of two.
WITHOUT: dict[str, dict[str, Any]] = {
    OURS: {},
    ONE_STEP: {"meta_rate": 0.0, "rate": 0.1},
    LINEAR: {"hunger": 1e9},
}
MIX: dict[str, dict[str, Any]] = {
    "electricity": {"beta": 8.0, "hunger": 0.45, "label_rate": 0.3, "track": 0.02},
    "weather": {"beta": 4.0, "hunger": 0.4, "label_rate": 0.3, "track": 0.005},
}
NETS: dict[tuple[str, str], dict[str, Any]] = {
    (BACKPROP, "electricity"): {"optimiser": "sgd", "rate": 0.1},
    (BACKPROP, "weather"): {"rate": 0.001, "decay_to_initial": 0.03},
    (CONTINUAL, "electricity"): {"optimiser": "sgd", "rate": 0.1, "replacement_rate": 1e-4},
    (CONTINUAL, "weather"): {"rate": 0.001, "replacement_rate": 1e-5},
}
#: Numbers that the backprop nets learn, about: the mixture has as many, the grid fewer.
EQUAL = 3_000


def contestant(learner: str, stream: str, inputs: int) -> Contestant:
    """Return who lives in a stream of so many inputs; settings are those of the stream."""
    like = "electricity" if stream == WATER else stream
    size: dict[str, Any] = {"inputs": inputs, "labels": 2}
    layers = (inputs, 50, 50, 2)

    def make() -> System:
        if learner in WITHOUT:
            settings = size | GRID[like] | WITHOUT[learner]
            return growing_grid(label_kind="categorical", **settings)
        if learner == MIXTURE:
            return settling_mixture(units=round(EQUAL / (inputs + 2)), **size, **MIX[like])
        if learner == NEAREST:
            return nearest_neighbour(capacity=round(EQUAL / (inputs + 1)), **size)
        net = backprop_net if learner == BACKPROP else continual_net
        return net(layers=layers, loss="softmax", **NETS[learner, like])

    return Contestant(make, 5, 2) if learner == MIXTURE else Contestant(make)


@cache
def told(stream: str, last_label: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs, standardised by what came before, and the labels of a stream.

    ``(x_t − m_t)/√v_t``, clipped to ±3, where mean and spread follow the rows before t at the rate
    ``max(1/t, .001)``. With ``last_label`` there is one input more: ±1, what was right last.
    """
    X, y = load_water_flow() if stream == WATER else load_drifting(stream)
    X = standardised(X)
    if last_label:
        X = np.concatenate([X, np.r_[0.0, 2.0 * y[:-1] - 1.0][:, None]], 1)
    skipped = len(y) % STREAMS[stream].parts  # so that all parts are equally long
    return X[skipped:].astype(np.float32), y[skipped:]


def standardised(X) -> np.ndarray:
    """Return rows as seen by who has only met those before; see `told`.

    Examples
    --------
    >>> standardised(np.array([[5.0], [5.0], [7.0], [5.0]])).ravel().round(2).tolist()
    [3.0, 0.0, 3.0, -0.71]
    """
    mean, spread = np.zeros(X.shape[1]), np.ones(X.shape[1])
    found = np.empty(X.shape)
    for t, x in enumerate(np.asarray(X, np.float64)):
        off = x - mean
        found[t] = np.clip(off / np.sqrt(spread + 1e-8), -CLIP, CLIP)
        rate = max(1.0 / (t + 1), FOLLOW)
        mean += rate * off
        spread = (1 - rate) * (spread + rate * off**2)
    return found


def lived(learner: str, stream: str, last_label: bool, seed: int, scored: int) -> Figures:
    """Return how a learner fared in the part that the seed names, having lived all before it."""
    X, y = told(stream, last_label)
    s = STREAMS[stream]
    length = len(y) // s.parts
    part = s.parts - scored + seed
    place = slice(part * length, (part + 1) * length)
    if learner in (SAME, MOST):
        right = {SAME: no_change, MOST: majority}[learner](y)[place] == y[place]
        return _scored(right, s)
    who = contestant(learner, stream, X.shape[1])
    system, seconds = who.make(), []
    parts = [(X[i : i + length], y[i : i + length], None)
             for i in range(0, (part + 1) * length, length)]  # fmt: skip
    life = live(system, timed(parts, seconds), seed, *who[1:])
    figures = _scored(life.correct[-1], s) | anatomy(system, life.state, X[place][-SAMPLE:])
    figures["microseconds"] = 1e6 * float(np.median(seconds[1:])) / length
    figures["ticks"] = float(who.before + who.after)
    return figures


def no_change(y) -> np.ndarray:
    """Return at every row the label of the last one (0 at the first)."""
    return np.r_[0, y[:-1]]


def majority(y) -> np.ndarray:
    """Return at every row the label that was more frequent before it (0 where none was)."""
    return (2 * np.r_[0, np.cumsum(y)[:-1]] > np.arange(len(y))).astype(int)


def _scored(right: np.ndarray, s: Stream) -> Figures:
    whole = right[: len(right) // s.window * s.window]
    windows = whole.reshape(-1, s.window).mean(1)
    return {"accuracy": float(right.mean()), "worst_window": float(windows.min())}


def rows(seed: int, form: str):
    """Return every learner in every stream, without the last label as an input and with it."""
    if form == "quick":
        wanted = [(row, WATER, False) for row in (OURS, BACKPROP, SAME)]
        return {f"{r}, {s}": partial(lived, r, s, t, seed, 2) for r, s, t in wanted}
    found = {}
    for stream in ("electricity", "weather"):
        for row in (*LEARNERS, SAME, MOST):
            found[f"{row}, {stream}"] = partial(lived, row, stream, False, seed, 10)
        for row in LEARNERS:
            found[f"{row}, {stream}{TOLD}"] = partial(lived, row, stream, True, seed, 10)
    return found


def check_full(m: Measured) -> list[Check]:
    """The target: not .01 below a net, above what does not learn, and one step size is worse."""
    checks = []
    for stream in ("electricity", "weather"):
        for given in ("", TOLD):
            row = f"{OURS}, {stream}{given}"
            ours = m(row, "accuracy")
            for net in (BACKPROP, CONTINUAL):
                rival = f"{net}, {stream}{given}"
                words = f"{row}: not below {rival} by .01 or more"
                checks.append(not_below(words, ours, m(rival, "accuracy"), 0.01))
            for rival in (f"{NEAREST}, {stream}{given}", f"{SAME}, {stream}", f"{MOST}, {stream}"):
                checks.append(above(f"{row}: above {rival}", ours, m(rival, "accuracy")))
    for given in ("", TOLD):
        ours = m(f"{OURS}, electricity{given}", "accuracy")
        row = f"{ONE_STEP}, electricity{given}"
        words = f"{row}: below ours by more than .01"
        checks.append(above(words, ours, m(row, "accuracy"), 0.01))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    ours = m(f"{OURS}, {WATER}", "accuracy")
    lead = ahead(ours, m(f"{BACKPROP}, {WATER}", "accuracy"))
    return [by_mean("ours: not below backprop on the water flow", lead, 0.0)]


RIVALS = {
    BACKPROP: "backprop of two hidden layers of 50, leaky ReLU and softmax; on electricity "
    "gradient descent at rate .1, on the weather Adam at .001 with decay to the initial weights "
    ".03",
    CONTINUAL: "the same without decay, its least useful hidden units replaced (rate 1e-4; weather "
    "1e-5), optimiser state too",
    NEAREST: "1-nearest neighbour over as many recent rows as make 3,000 numbers",
}
BARE = {
    SAME: "says what was right last",
    MOST: "says what was right more often until then",
}
LESION = {ONE_STEP: "the grid, all synapses with the same step size (.1, the best of two)"}


def _everywhere(things: dict[str, str], given: tuple[str, ...] = ("", TOLD)) -> dict[str, str]:
    """Say what a row is in both streams, with and without the last label as an input."""
    return {
        f"{row}, {stream}{last}": words
        for row, words in things.items()
        for stream in ("electricity", "weather")
        for last in given
    }


CLAIM = Claim(
    name="real-drift",
    source={
        "document": "R. S. Sutton, Toward better deep learning (talk, 2024)",
        "sentence": "Continual learning means always learning: every moment is training and test.",
    },
    rows=rows,
    rivals=_everywhere(RIVALS) | _everywhere(BARE, ("",)),
    lesion={row: words for row, words in _everywhere(LESION).items() if "electricity" in row},
    quick=Protocol(
        words="The hourly flow of water that river ships (1,244 rows), its last two quarters, each "
        "a seed; three rows; settings are those for electricity.",
        seeds=(0, 1),
        target="On average not below backprop.",
        check=check_quick,
    ),
    full=Protocol(
        words="Electricity (Elec2, 45,312 half-hours) and weather (18,159 days) in their order, "
        "one row at a time, inputs standardised by what came before; predicted before learned. A "
        "stream has 14 parts; a seed lives from the first row through the part it names, the fifth "
        "to the last, and is scored on that alone: the mean is that of the last ten parts, and "
        "95 % t intervals are over stretches of one history (they say nothing of another one, and "
        "neighbours are not independent). Settings were chosen on the first fifth, without the "
        "last label, which is not scored. The rows `settling mixture` (seven ticks a row, "
        "the others two) and `no births` (the grid as a linear map: whether growth pays) are ours "
        "and no rivals; of `one step size` nothing is claimed on the weather. `worst window` is "
        "the lowest week of electricity, year of weather. Needs the wheel of scikit-multiflow "
        "0.4.1 (read, not installed).",
        seeds=tuple(range(10)),
        target="The growing grid not below backprop and continual backprop by .01, above the "
        "nearest of recent rows, no change and the majority; in both streams, with and without the "
        "last label as an input. With one step size for all synapses .01 lower on electricity.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100,),
    shown=("accuracy", "worst_window", "weights", "dead_units", "effective_rank", "microseconds"),
)
