"""Binary activity as a sample of ``e^{−E}``: one cell at a time, from its own log-odds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from sodachi.core.evidence import evidence_field, movable_force
from sodachi.core.relax.method import Settled, held, numbered, whole


@dataclass(frozen=True)
class Gibbs:
    """Gibbs sampling of cells in {0, 1}: ``P(x_i = 1 | others) = σ(field_i(x) + evidence_i)``.

    What is given to `relax` as the force is the **field**: each cell's log-odds given the others.
    For an energy that is linear in each cell alone (a Boltzmann machine) the two are the same;
    divide it by a temperature to sample at one. Finite evidence adds ``precision·(value − ½) +
    drive`` to the log-odds; a clamp holds its cell.

    Parameters
    ----------
    sweeps
        How many times every cell is visited, in the sorted order of names. Each visit evaluates
        the whole field; networks that need speed visit independent cells together.

    Raises
    ------
    SpecError
        If ``sweeps`` is not a positive integer.

    Notes
    -----
    The residual is ``max |σ(field) − x|`` over cells that are not clamped: how far the sample is
    from its conditional mean. A sampler does not stop on it. Geman and Geman (1984).

    Examples
    --------
    >>> from sodachi.core.relax import relax
    >>> sure = lambda a: {"x": jnp.array([50.0, -50.0])}
    >>> x = {"x": jnp.zeros(2)}
    >>> relax(sure, x, {}, method=Gibbs(1), key=jax.random.key(0)).activity["x"].tolist()
    [1.0, 0.0]
    """

    sweeps: int = 1

    random: ClassVar[bool] = True

    def __post_init__(self):
        whole("Gibbs.sweeps", self.sweeps)

    def settle(self, force, activity, evidence, key) -> Settled:
        """Return a sample."""
        number, cells = numbered(activity)
        known = {n: evidence_field(e) for n, e in evidence.items()}

        def chances(x):
            field = force(x)
            return {n: jax.nn.sigmoid(field[n] + known.get(n, 0.0)) for n in x}

        def visit(i, carry):
            x, uniform = carry
            chance = chances(x)
            new = {n: (uniform[i] < chance[n]).astype(x[n].dtype) for n in x}
            x = {n: jnp.where(number[n] == i, new[n], x[n]) for n in x}
            return held(x, evidence, 0.0), uniform

        def sweep(t, x):
            uniform = jax.random.uniform(jax.random.fold_in(key, t), (cells,))
            return jax.lax.fori_loop(0, cells, visit, (x, uniform))[0]

        x = jax.lax.fori_loop(0, self.sweeps, sweep, activity)
        residual = {n: _distance(c, x[n], evidence.get(n)) for n, c in chances(x).items()}
        return Settled(x, residual, jnp.int32(self.sweeps))


def _distance(chance, x, evidence):
    away = chance - x
    if evidence is not None:
        only_clamps = evidence._replace(
            precision=jnp.where(jnp.isinf(evidence.precision), jnp.inf, 0.0),
            drive=jnp.zeros_like(evidence.drive),
        )
        away = movable_force(away, x, only_clamps, 0.0)
    return jnp.max(jnp.abs(away)).astype(x.dtype)
