"""Health: is the network still able to learn? Figures of a state and of what it lately put out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

#: Above this, in its smaller side, a weight's rank is not computed (the cost is cubic).
RANK_LIMIT = 1024


def health(state: Any, outputs: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return plain figures of a state, and of outputs kept over some ticks.

    Parameters
    ----------
    state
        A system's state; weights are read at ``state.shared["weights"]`` where there are any.
    outputs
        By name, arrays with a leading time axis (as `run` returns them).

    Returns
    -------
    dict
        ``not_finite``: numbers in the state that are not finite. ``weights``: for each weight its
        ``norm``, ``effective_rank`` and ``unused``, the share of target cells that no weight
        reaches. ``dead``: for each output the share of units that never moved. ``energy`` and
        ``residual``: mean over those ticks (None where not kept).

    Examples
    --------
    >>> from sodachi.system import State
    >>> report = health(State({"weights": {"w": np.eye(3)}}, {}), {"energy": np.ones(4)})
    >>> report["weights"]["w"]["effective_rank"], report["energy"]
    (3.0, 1.0)
    """
    outputs = {name: np.asarray(value) for name, value in (outputs or {}).items()}
    return {
        "not_finite": not_finite(state),
        "weights": {name: weight_health(w) for name, w in _weights(state).items()},
        "dead": {n: dead_units(v) for n, v in outputs.items() if v.ndim > 1 and len(v) > 1},
        "energy": _mean(outputs.get("energy")),
        "residual": _mean(outputs.get("residual")),
    }


def not_finite(tree: Any) -> int:
    """Return how many numbers of a tree are NaN or infinite (random keys have none).

    Examples
    --------
    >>> not_finite({"a": np.array([1.0, np.nan, np.inf]), "b": np.arange(3)})
    2
    """
    total = 0
    for leaf in jax.tree.leaves(tree):
        if not jnp.issubdtype(jnp.asarray(leaf).dtype, jnp.inexact):
            continue
        total += int((~np.isfinite(np.asarray(leaf))).sum())
    return total


def weight_health(weight: Any) -> dict[str, Any]:
    """Return norm, effective rank and share of unused target cells (last axis) of one weight."""
    weight = np.asarray(weight, np.float64)
    matrix = weight.reshape(-1, weight.shape[-1]) if weight.ndim else weight.reshape(1, 1)
    finite = bool(np.isfinite(matrix).all())
    return {
        "norm": float(np.linalg.norm(matrix)) if finite else None,
        "effective_rank": effective_rank(matrix) if finite else None,
        "unused": float((matrix == 0).all(0).mean()) if matrix.size else None,
    }


def effective_rank(matrix: Any) -> float | None:
    r"""Return ``exp(−Σ p log p)`` with p the singular values divided by their sum.

    Between 1 and the rank; 0 for a matrix of zeros, None for one that is empty or too large.

    References
    ----------
    Roy & Vetterli (2007).

    Examples
    --------
    >>> effective_rank(np.ones((4, 4)))
    1.0
    """
    matrix = np.asarray(matrix, np.float64)
    if matrix.size == 0 or min(matrix.shape) > RANK_LIMIT:
        return None
    values = np.linalg.svd(matrix, compute_uv=False)
    if values[0] == 0:
        return 0.0
    share = values[values > values[0] * 1e-12] / values[values > values[0] * 1e-12].sum()
    return round(float(np.exp(-(share * np.log(share)).sum())), 9)


def dead_units(values: Any) -> float:
    """Return the share of units that held one value over all ticks; ``values`` is (ticks, ...).

    Examples
    --------
    >>> dead_units(np.array([[0.0, 1.0], [0.0, 2.0]]))
    0.5
    """
    values = np.asarray(values)
    return float((values == values[:1]).all(0).mean())


def _weights(state: Any) -> Mapping[str, Any]:
    """Named weights, flat; a combinator's nested state has them in parts."""
    parts = [getattr(state, "shared", None)]
    while parts and isinstance(parts[0], tuple):
        parts = [p for part in parts for p in (part if isinstance(part, tuple) else (part,))]
    found = {}
    for i, part in enumerate(parts):
        weights = part.get("weights") if isinstance(part, dict) else None
        for name, value in (weights or {}).items():
            found[name if len(parts) == 1 else f"{i}.{name}"] = value
    return found


def _mean(values: np.ndarray | None) -> float | None:
    if values is None or not values.size:
        return None
    mean = float(values.astype(np.float64).mean())
    return mean if np.isfinite(mean) else None
