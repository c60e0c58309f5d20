"""Remedies against the loss of plasticity, each one function: what a backprop net may be given.

`s` is the `Settings` of `sodachi.models.continual`.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from sodachi.core.lanes import only_if
from sodachi.core.names import named_key
from sodachi.models.layered import Weights, kept_finite, newborn_weight

UTILITIES = ("adaptable", "contribution")
FIRST, SECOND = 0.9, 0.999  # Adam's decays, as optax has them


class Cells(NamedTuple):
    """What generate-and-test knows of a hidden layer: (units,) each, and replacements due ()."""

    age: Any
    mean: Any
    utility: Any
    due: Any


def new_cells(s) -> dict[str, Cells]:
    """Return what is known of every hidden layer at birth; nothing without replacement."""
    if not s.replacement_rate:
        return {}
    none = {n: jnp.zeros(n, s.dtype) for n in s.layers[1:-1]}
    return {
        f"hidden_{i}": Cells(jnp.zeros(n, jnp.int32), none[n], none[n], jnp.zeros((), s.dtype))
        for i, n in enumerate(s.layers[1:-1])
    }


def step_by_age(s, optimiser, cells: dict[str, Cells]) -> Weights:
    """Return Adam's step with every synapse's moments corrected for the synapse's own age.

    ``−rate · (m/(1 − β₁ᵃ)) / (√(v/(1 − β₂ᵃ)) + 1e-8)``; a synapse is as old, a updates, as the
    younger of its two cells; inputs and labels are as old as the net.
    """
    moments: Any = next(part for part in optimiser if isinstance(part, optax.ScaleByAdamState))
    depth = len(s.layers) - 1
    ages = [moments.count, *(cells[f"hidden_{i}"].age + 1 for i in range(depth - 1)), moments.count]

    def missing(decay):  # what is still missing of a mean that began at 0: decay ** age
        return [jnp.asarray(decay, s.dtype) ** age.astype(s.dtype) for age in ages]

    first, second, step = missing(FIRST), missing(SECOND), {}
    for i in range(depth):
        for name, below in ((f"weight_{i}", True), (f"bias_{i}", False)):

            def younger(power, i=i, below=below):
                return jnp.maximum(power[i][..., None], power[i + 1]) if below else power[i + 1]

            mean = moments.mu[name] / (1 - younger(first))
            power = moments.nu[name] / (1 - younger(second))
            step[name] = -s.rate * mean / (jnp.sqrt(power) + 1e-8)
    return step


def protect(s, utility: Weights, weights: Weights, gradient: Weights, step: Weights, key):
    r"""Return ``(utility, step)`` after utility-based perturbed gradient descent, per weight.

    ``u ← βu − (1 − β) w ∂L/∂w``, ``p = sigmoid(u / max u)`` over the whole net, and
    ``Δw = 2 (1 − p)(step − rate·σ·ξ)``, ξ normal: what is useful keeps still, the rest explores.
    The correction of u's start is the same above and below, and drops out. Without a useful weight
    p is ½ everywhere.
    """
    beta = s.upgd_trace
    utility = jax.tree.map(
        lambda u, w, g: beta * u - (1 - beta) * w * g, utility, weights, gradient
    )
    most = jnp.stack([u.max() for u in jax.tree.leaves(utility)]).max()
    scale = jnp.where(most > 0, most, 1.0)
    noise = jax.tree.map(jnp.zeros_like, step)
    if s.upgd_noise:
        noise = normal_like(step, named_key(key, "upgd"), s.noise_table)

    def slowed(u, dw, xi):
        free = 1.0 - jax.nn.sigmoid(jnp.where(most > 0, u / scale, 0.0))
        return 2.0 * free * (dw - s.rate * s.upgd_noise * xi)

    return utility, jax.tree.map(slowed, utility, step, noise)


def shrink_and_perturb(s, weights: Weights, key) -> Weights:
    """Return ``(1 − shrink)·w + noise·ξ``, ξ normal, for every weight and bias."""
    weights = jax.tree.map(lambda w: (1.0 - s.shrink) * w, weights)
    if not s.noise:
        return weights
    drawn = normal_like(weights, named_key(key, "perturb"), s.noise_table)
    return jax.tree.map(lambda w, xi: w + s.noise * xi, weights, drawn)


def normal_like(tree: Weights, key, table: int = 0) -> Weights:
    """Return a normal number for every number of the tree, by the names of its arrays.

    With ``table`` above 0 they are a run of one fixed table that begins at any of so many places:
    for large nets a tenth of the time of drawing them anew (Salimans et al., 2017).
    """
    if not table:
        return {n: jax.random.normal(named_key(key, n), w.shape, w.dtype) for n, w in tree.items()}
    ends = np.cumsum([w.size for w in tree.values()])
    fixed = np.random.default_rng(0).standard_normal(table + ends[-1], np.float32)
    start = jax.random.randint(named_key(key, "table"), (), 0, table)
    run = jax.lax.dynamic_slice(jnp.asarray(fixed), (start,), (int(ends[-1]),))
    parts = jnp.split(run, ends[:-1])
    return {
        n: part.reshape(w.shape).astype(w.dtype)
        for (n, w), part in zip(tree.items(), parts, strict=True)
    }


def generate_and_test(s, weights, synapses, cells: dict[str, Cells], layers, taught, key):
    r"""Return ``(weights, synapses, cells)`` after the hidden units of least utility were renewed.

    With h a unit's activity (its mean over the lanes that learn), ρ the decay, a the unit's age and
    hats dividing by ``1 − ρᵃ``: ``m ← ρm + (1 − ρ)h`` and ``u ← ρu + (1 − ρ)y``, where y is

    - "adaptable": ``mean|w_out| · |h − m̂| / mean|w_in|``;
    - "contribution": ``mean|w_out| · |h|``.

    Each layer owes ``replacement_rate`` times its units older than ``maturity``; whenever it owes
    one or more, so many of them with the least û are renewed: incoming weights as at birth, bias 0,
    outgoing weights 0, ``w_out m̂`` added to the biases above, and age, m, u, the optimiser's
    moments and the memory of the initial weight of all these synapses begin anew.
    """
    names = [f"hidden_{i}" for i in range(len(cells))]
    tested = [_test(s, cells[name], weights, i, layers[i], taught) for i, name in enumerate(names)]
    cells = kept_finite(cells, {n: now for n, (now, _) in zip(names, tested, strict=True)})
    state = weights, synapses, cells
    for i, name in enumerate(names):
        cells = state[2]
        count = jnp.floor(cells[name].due)
        paid = cells[name]._replace(due=cells[name].due - count)
        state = (*state[:2], cells | {name: paid})
        renew = partial(_renew, s, i)
        state = only_if(count > 0, renew, state, count, tested[i][1], key)
    return state


def _test(s, cells: Cells, weights, i: int, activity, taught):
    """Return a layer's `Cells` one update on, and every unit's corrected utility."""

    def mean(x):
        kept = jnp.where(taught[:, None], x, 0.0)
        return kept.sum(0) / jnp.maximum(taught.sum(), 1)

    rho = s.utility_decay
    age = jnp.minimum(cells.age + 1, 2**30)
    begun = 1.0 - jnp.asarray(rho, s.dtype) ** age.astype(s.dtype)
    usual = rho * cells.mean + (1 - rho) * mean(activity)
    out = jnp.abs(weights[f"weight_{i + 1}"]).mean(1)
    if s.utility == "contribution":
        worth = out * mean(jnp.abs(activity))
    else:
        unusual = mean(jnp.abs(activity - usual / begun))
        worth = out * unusual / jnp.abs(weights[f"weight_{i}"]).mean(0)
    utility = rho * cells.utility + (1 - rho) * worth
    due = cells.due + s.replacement_rate * (age > s.maturity).sum()
    return Cells(age, usual, utility, due), utility / begun


def _renew(s, i: int, state, count, utility, key):
    """Renew the ``count`` mature units of least utility of hidden layer i."""
    weights, synapses, cells = state
    own = cells[f"hidden_{i}"]
    mature = own.age > s.maturity
    order = jnp.argsort(jnp.where(mature, utility, jnp.inf))
    rank = jnp.zeros_like(order).at[order].set(jnp.arange(order.shape[0]))
    gone = mature & (rank < count)
    fresh = newborn_weight(s, i, named_key(key, f"renew_{i}"))

    def begin(tree, incoming: Any = 0.0):
        return tree | {
            f"weight_{i}": jnp.where(gone, incoming, tree[f"weight_{i}"]),
            f"bias_{i}": jnp.where(gone, 0.0, tree[f"bias_{i}"]),
            f"weight_{i + 1}": jnp.where(gone[:, None], 0.0, tree[f"weight_{i + 1}"]),
        }

    begun = 1.0 - jnp.asarray(s.utility_decay, s.dtype) ** own.age.astype(s.dtype)
    left = jnp.where(gone, own.mean / begun, 0.0) @ weights[f"weight_{i + 1}"]
    above = f"bias_{i + 1}"
    weights = begin(weights, fresh) | {above: weights[above] + left}
    synapses = synapses | {"initial": begin(synapses["initial"], fresh)}
    synapses["optimiser"] = tuple(
        part._replace(mu=begin(part.mu), nu=begin(part.nu))
        if isinstance(part, optax.ScaleByAdamState)
        else part
        for part in synapses["optimiser"]
    )
    if "utility" in synapses:
        synapses["utility"] = begin(synapses["utility"])
    begun_anew = jax.tree.map(lambda x: jnp.where(gone, jnp.zeros_like(x), x), own)
    own = begun_anew._replace(due=own.due)
    return weights, synapses, cells | {f"hidden_{i}": own}
