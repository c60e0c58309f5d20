"""The rows of a claim about forecasts: machines, rivals and lesions on one series, one protocol."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from sodachi.claims.claim import Figures, Measured
from sodachi.claims.online_forecasts import (
    Machine,
    Series,
    against,
    error,
    forecasts,
    least_squares,
    persistence,
)
from sodachi.claims.recurrent_rival import Memory, recurrent_forecasts
from sodachi.claims.statistics import Check, above, at_most

PERSISTENCE = "persistence"
FROZEN = ", no learning at test"


class Contest(NamedTuple):
    """Who forecasts a series. Every row that learns passes the training part as often."""

    series: Callable[[], Series]
    passes: int
    machines: dict[str, Machine]
    """Ours and their lesions, and vector autoregressions, which are the machine without traces."""
    ours: tuple[str, ...]
    rivals: tuple[str, ...]
    """Rows against which ours are tested."""
    memories: dict[str, Memory]
    orders: dict[str, int]
    """Autoregressions fitted once by least squares."""

    def rows(self, seed: int) -> dict[str, Callable[[], Figures]]:
        """Return what is measured. Only reservoirs and recurrent nets depend on the seed."""
        frozen = [name + FROZEN for name in self.ours]
        names = (PERSISTENCE, *self.orders, *self.machines, *self.memories, *frozen)
        return {name: partial(self.measured, name, seed) for name in names}

    def measured(self, name: str, seed: int) -> Figures:
        """Return a row's error; of ours also how sure it is that they beat each rival."""
        series, foreseen = self.series(), self.foreseen(name, seed)
        if name not in self.ours:
            return {"error": error(series, foreseen)}
        others = {rival: self.foreseen(rival, seed) for rival in self.rivals}
        return against(series, foreseen, others)

    def foreseen(self, name: str, seed: int) -> np.ndarray:
        """Return a row's forecasts of the test part."""
        series = self.series()
        if name == PERSISTENCE:
            return persistence(series)
        if name in self.orders:
            return least_squares(series, self.orders[name])
        if name in self.memories:
            return _kept(self.series, self.memories[name], self.passes, seed, True)
        machine = self.machines[name.removesuffix(FROZEN)]
        own = seed if machine.reservoir else 0
        return _kept(self.series, machine, self.passes, own, not name.endswith(FROZEN))


@lru_cache(maxsize=32)
def _kept(series, learner: Machine | Memory, passes: int, seed: int, learn: bool) -> np.ndarray:
    if isinstance(learner, Memory):
        return recurrent_forecasts(learner, series(), passes, seed)
    return forecasts(learner, series(), passes, seed, learn)


def sure(m: Measured, row: str, rivals: tuple[str, ...]) -> list[Check]:
    """Return the checks that a row beats rivals by the test of Diebold and Mariano."""
    return [at_most(f"{row} beats {rival}: p below .05", m(row, f"p, {rival}"), 0.05)
            for rival in rivals]  # fmt: skip


def worse(m: Measured, words: str, lesion: str, ours: str) -> Check:
    """Return the check that a lesion errs more, over seeds."""
    return above(words, m(lesion, "error"), m(ours, "error"))
