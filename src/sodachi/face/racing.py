"""Learners side by side in one stream: each is asked before it is told, world after world."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from sodachi.claims.contestants import CONTESTANTS, Contestant
from sodachi.claims.rewired import grown
from sodachi.face.units import Units, units_of
from sodachi.observation import observe
from sodachi.runner import predict_then_learn
from sodachi.runner.predicting import ANSWER
from sodachi.running import run

OURS, TWIN, ADAM, BUFFER = "sodachi", "tuned twin", "plain Adam", "buffer of 270"

ROOM = 24  # worlds that ours has room for at birth; once they are used up it doubles its room

#: Who lives in the demo; the same definitions as in the claims.
RACERS: dict[str, Contestant] = {
    OURS: grown(ROOM),
    TWIN: CONTESTANTS["tuned twin"],
    ADAM: CONTESTANTS["Adam"],
    BUFFER: CONTESTANTS["nearest of 270"],
}


class Lived(NamedTuple):
    """One learner's pass through one world, a value per sample; ``live`` is None without units.

    ``correct`` is judged on the answer before the label was seen; ``energy`` is the last tick's;
    ``units`` are those at the world's end.
    """

    correct: np.ndarray
    energy: np.ndarray
    live: np.ndarray | None
    units: Units | None = None

    @property
    def accuracy(self) -> float:
        """Share of right answers in this world."""
        return float(self.correct.mean())


class Racer:
    """One learner and its state; one compiled program for every world.

    Examples
    --------
    >>> racer = Racer(CONTESTANTS["nearest of 270"], seed=0, rows=3)
    >>> X = np.zeros((3, 64), np.float32)
    >>> racer.live(X, np.array([1, 1, 1])).correct.tolist()
    [False, True, True]
    """

    def __init__(self, contestant: Contestant, seed: int, rows: int):
        self.system = contestant.make()
        self.ticks = contestant.before + contestant.after
        told = predict_then_learn(self.system, contestant.before, contestant.after)
        self._run = run(told, emit=_shown, chunk=rows)
        self.state = told.init(seed)

    def start_again(self, seed: int) -> None:
        """Be newborn, keeping the compiled program."""
        self.state = self.system.init(seed)

    def live(self, X: np.ndarray, y: np.ndarray) -> Lived:
        """Live one world, learning all the time; return what came of it."""
        stream = observe(self.system.spec, steps=len(y), input=X, label=y)
        self.state, outputs = self._run(self.state, stream, checked=True)
        if self.system.grow:
            self.state = self.system.grow(self.state)
        units = units_of(self.state, self.ticks)
        return Lived(outputs["choice"] == y, outputs["energy"], outputs.get("live"), units)


def _shown(output: dict[str, Any]) -> dict[str, Any]:
    kept = {"choice": jnp.argmax(output[ANSWER]), "energy": output["energy"]}
    if "live" in output:
        kept["live"] = output["live"]
    return kept


class Race:
    """Several learners in the same worlds; two at a time, so that two cores are busy."""

    def __init__(self, names: Sequence[str], seed: int, rows: int):
        self.racers = {name: Racer(RACERS[name], seed, rows) for name in names}

    def world(self, X: np.ndarray, y: np.ndarray) -> dict[str, Lived]:
        """Let every learner live one world; return what came of it by name."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            futures = {name: pool.submit(r.live, X, y) for name, r in self.racers.items()}
            return {name: future.result() for name, future in futures.items()}

    def start_again(self, seed: int) -> None:
        """Make every learner newborn."""
        for racer in self.racers.values():
            racer.start_again(seed)
