"""A cause on a line, believed in by two bumps and seen through noise: random models of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sodachi.models.fokker_planck import Grid
from sodachi.models.mechanics import gibbs

LINE, FINE = Grid((-3.5,), (3.5,), (35,)), 20


class World(NamedTuple):
    """A random generative model of φ on a line: two prior bumps, and one Gaussian observation."""

    centres: tuple[float, float]
    widths: tuple[float, float]
    share: float
    seen: float
    noise: float

    def log_prior(self, t, xp=np):
        """Return ln p(φ)."""
        bumps = [
            xp.log(weight) - 0.5 * ((t - c) / w) ** 2 - xp.log(w * np.sqrt(2 * np.pi))
            for weight, c, w in zip((self.share, 1 - self.share), self.centres, self.widths,
                                    strict=True)
        ]  # fmt: skip
        return xp.logaddexp(*bumps)

    def log_likelihood(self, t, xp=np):
        """Return ln p(o | φ)."""
        far = 0.5 * ((self.seen - t) / self.noise) ** 2
        return -far - xp.log(self.noise * np.sqrt(2 * np.pi))

    def hamiltonian(self, t, xp=np):
        """Return H = −ln p(φ, o)."""
        return -self.log_prior(t, xp) - self.log_likelihood(t, xp)


def world(seed: int) -> World:
    """Return a random model.

    Examples
    --------
    >>> -1.5 < world(0).centres[0] < -0.5 < 0.5 < world(0).centres[1] < 1.5
    True
    """
    rng = np.random.default_rng([seed, 41])
    left, right = rng.uniform(0.6, 1.4, 2)
    widths = tuple(float(w) for w in rng.uniform(0.3, 0.5, 2))
    return World(
        (-float(left), float(right)),
        (widths[0], widths[1]),
        float(rng.uniform(0.35, 0.65)),
        float(rng.uniform(-0.4, 0.4)),
        float(rng.uniform(0.8, 1.2)),
    )


def exact_law(here: World) -> np.ndarray:
    """Return the masses of e^{−H}/Z in the cells of the line, by a grid twenty times as fine."""
    fine = Grid(LINE.low, LINE.high, (LINE.cells[0] * FINE,))
    return gibbs(fine, here.hamiltonian(fine.points[:, 0])).reshape(-1, FINE).sum(1)
