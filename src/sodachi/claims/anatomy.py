"""The anatomy of a learner along its life: dead units, rank, weights, what was forgotten, cost.

What has no meaning for a learner is absent: a buffer of samples has no hidden units.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import jax
import numpy as np

from sodachi.claims.anatomy_readers import Hidden, read_hidden
from sodachi.claims.claim import Figures
from sodachi.claims.lives import count_floats, count_weights
from sodachi.system import State, System

#: How many of a world's last inputs a learner is examined on.
SAMPLE = 200
PARTS = 10


def anatomy(system: System, state: State, X) -> Figures:
    """Return what a learner is made of, examined on inputs ``X`` [n, inputs].

    ``weights`` and ``floats`` always; where it has hidden units also ``dead_units``,
    ``effective_rank``, ``mean_weight`` and ``weight_norm``.

    Examples
    --------
    >>> from sodachi.models.backprop import backprop_net
    >>> net = backprop_net(layers=(2, 8, 2))
    >>> figures = anatomy(net, net.init(0), np.eye(2))
    >>> figures["weights"], 1 <= figures["effective_rank"] <= 2
    (42.0, True)
    """
    figures = {"weights": float(count_weights(state)), "floats": float(count_floats(state))}
    hidden = read_hidden(system, state, X)
    if hidden is None:
        return figures
    dead = dead_units(hidden)
    if dead is not None:
        figures["dead_units"] = dead
    if hidden.layers:
        figures["effective_rank"] = effective_rank(hidden.layers[-1])
    used = np.concatenate([np.ravel(w) for w in hidden.weights]).astype(np.float64)
    if len(used):
        figures["mean_weight"] = float(np.abs(used).mean())
        figures["weight_norm"] = float(np.sqrt((used**2).sum()))
    return figures


def dead_units(hidden: Hidden) -> float | None:
    """Return the share of live hidden units that answer none of the inputs.

    A unit answers where its activity is above ``hidden.least``: 0 for ReLU and leaky ReLU, an even
    share of the responsibility, 1/units, in a mixture. None without units, or without a level.

    References
    ----------
    Dohare et al. (2024), Loss of plasticity in deep continual learning.

    Examples
    --------
    >>> rates = np.array([[0.0, 1.0, 9.0], [-0.1, 0.0, 9.0]])
    >>> dead_units(Hidden((rates,), (), np.array([True, True, False]), 0.0, ()))
    0.5
    """
    live = np.asarray(hidden.live)
    if hidden.least is None or not live.any():
        return None
    answered = np.concatenate([np.asarray(a > hidden.least).any(0) for a in hidden.layers])
    return float(1.0 - answered[live].mean())


def effective_rank(activity) -> float:
    """Return the effective rank of a representation [n, units], 0 where nothing is active.

    ``exp(−Σ_k p_k log p_k)``, ``p_k = σ_k / Σ_j σ_j`` of the singular values σ.

    References
    ----------
    Roy & Vetterli (2007), The effective rank: a measure of effective dimensionality.

    Examples
    --------
    >>> effective_rank(np.eye(3)), effective_rank(np.ones((4, 3)))
    (3.0, 1.0)
    """
    singular = np.linalg.svd(np.asarray(activity, np.float64), compute_uv=False)
    if not singular.sum() > 0:
        return 0.0
    p = singular / singular.sum()
    p = p[p > 0]
    return float(round(np.exp(-(p * np.log(p)).sum()), 9))


def importance(hidden: Hidden) -> np.ndarray:
    """Return what each unit contributes to those that hear it: ``mean_n |x_nu| Σ_v |w_uv|`` (U,).

    References
    ----------
    The contribution utility of Dohare et al. (2024).
    """
    each = zip(hidden.layers, hidden.out, strict=True)
    return np.concatenate(
        [np.abs(np.asarray(x)).mean(0) * np.abs(np.asarray(w)).sum(1) for x, w in each]
    )


def forgetting(system: System, then: State, now: State, X) -> Figures:
    r"""Return what is gone of an earlier world's knowledge, by tenths of the units that carried it.

    At the end of that world (state ``then``) its live units are ordered by `importance` on its
    inputs ``X`` [n, inputs]. What unit u contributed is ``c_u = x_nu w_uv``, for every input n and
    every hearer v; of a tenth T that part is forgotten which ``now`` no longer points the same way,

    ``1 − Σ_{u∈T} ‖c_u‖² kept_u / Σ_{u∈T} ‖c_u‖²``, ``kept_u = clip(c_u·c_u(now) / ‖c_u‖², 0, 1)``.

    ``forgotten_1`` (the least important tenth) to ``forgotten_10`` (the most): 0 where all still
    stands, 1 where nothing does. Learning that dismantles what matters most has the largest last;
    learning that recycles what is of least use has the smallest there.

    Returns
    -------
    dict
        Empty without hidden units, with fewer than ten, or where capacity grew in between; a tenth
        that contributed nothing is absent.

    References
    ----------
    After Sutton, Toward better deep learning (2024): what was learned is forgotten more than need
    be, and the most important of it first.

    Examples
    --------
    >>> from sodachi.models.backprop import backprop_net
    >>> net = backprop_net(layers=(2, 20, 2))
    >>> born = net.init(0)
    >>> forgetting(net, born, born, np.eye(2))["forgotten_10"]
    0.0
    """
    same = jax.tree.map(np.shape, then.shared) == jax.tree.map(np.shape, now.shared)
    was = read_hidden(system, then, X) if same else None
    # In that world as it is now, whichever world the life has come to meanwhile.
    is_now = read_hidden(system, State(now.shared, then.lane), X)
    if was is None or is_now is None:
        return {}
    units = np.flatnonzero(np.asarray(was.live))
    if len(units) < PARTS:
        return {}
    size, kept = _kept(was, is_now)
    order = units[np.argsort(importance(was)[units], kind="stable")]
    figures = {}
    for part, chosen in enumerate(np.array_split(order, PARTS), 1):
        if size[chosen].sum() > 0:
            left = (size[chosen] * kept[chosen]).sum() / size[chosen].sum()
            figures[f"forgotten_{part}"] = float(1.0 - left)
    return figures


def _kept(was: Hidden, is_now: Hidden) -> tuple[np.ndarray, np.ndarray]:
    """Return each unit's ``‖c_u‖²`` then, and which part of it still points the same way."""
    size, common = [], []
    for x, w, x_now, w_now in zip(was.layers, was.out, is_now.layers, is_now.out, strict=True):
        x, w, x_now, w_now = (np.asarray(a, np.float64) for a in (x, w, x_now, w_now))
        size.append((x**2).sum(0) * (w**2).sum(1))
        common.append((x * x_now).sum(0) * (w * w_now).sum(1))
    size, common = np.concatenate(size), np.concatenate(common)
    return size, np.clip(common / np.where(size > 0, size, 1.0), 0.0, 1.0)


def timed(worlds: Iterable, seconds: list[float]) -> Iterator:
    """Yield the worlds; ``seconds`` receives the processor time spent on each by whoever asks.

    Of a life, the first world's includes the time to compile.

    Examples
    --------
    >>> seconds = []
    >>> list(timed("ab", seconds)), len(seconds)
    (['a', 'b'], 2)
    """
    for world in worlds:
        start = time.process_time()
        yield world
        seconds.append(time.process_time() - start)
