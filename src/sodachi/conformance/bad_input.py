"""Promises about bad input: refused at the edge, and harmless where it is smuggled past."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from sodachi.conformance.samples import clamp_all, random_value
from sodachi.conformance.trees import BrokenPromise, named_leaves
from sodachi.conformance.trial import Trial, live
from sodachi.errors import ObservationError
from sodachi.observation import check, observe
from sodachi.system import Evidence, Observation, Spec, Variable


def bad_input_is_refused(trial: Trial) -> None:
    """`observe` and `check` raise `ObservationError` for every kind of bad input."""
    spec = trial.spec
    for field, arguments in _bad_arguments(spec):
        _must_refuse(field, lambda a=arguments: observe(spec, **a))
    whole = trial.at(0)
    for name in whole.evidence:
        fewer = {n: e for n, e in whole.evidence.items() if n != name}
        _must_refuse(f"missing {name}", lambda e=fewer: check(spec, whole._replace(evidence=e)))


def poison_never_reaches_a_weight(trial: Trial) -> None:
    """NaN put into an Observation by hand makes no slow quantity non-finite."""
    before = named_leaves(trial.lived.shared)
    for poison, observation in _poisoned(clamp_all(trial.at(0))):
        state, _ = live(trial.step, trial.lived, [observation, clamp_all(trial.at(1))])
        for (name, old), (_, new) in zip(before, named_leaves(state.shared), strict=True):
            if old.dtype.kind == "f" and np.any(np.isfinite(old) & ~np.isfinite(new)):
                raise BrokenPromise(f"shared{name}", f"finite after {poison}", "not finite")


def poison_does_not_persist(trial: Trial) -> None:
    """Two good ticks after a bad one, no activity, trace or output is NaN."""
    for poison, observation in _poisoned(clamp_all(trial.at(0))):
        good = [clamp_all(trial.at(t)) for t in (1, 2)]
        state, outputs = live(trial.step, trial.lived, [observation, *good])
        for name, leaf in named_leaves({"lane": state.lane, "output": outputs[-1]}):
            if leaf.dtype.kind == "f" and np.isnan(leaf).any():
                raise BrokenPromise(name, f"no NaN two ticks after {poison}", "NaN")


def _must_refuse(field: str, call) -> None:
    try:
        call()
    except ObservationError:
        return
    raise BrokenPromise(field, "ObservationError", "no error")


def _bad_arguments(spec: Spec) -> list[tuple[str, dict[str, Any]]]:
    """Field and keyword arguments of `observe`, each wrong in one way."""
    rng = np.random.default_rng(0)
    bad: list[tuple[str, dict[str, Any]]] = [
        ("unknown name", {"no such variable": 0.0}),
        ("learn", {"learn": 2}),
        ("first", {"first": np.nan}),
        ("unknown modulation", {"modulation": {"no such population": 1.0}}),
    ]
    bad += [(f"modulation {m}", {"modulation": {m: np.nan}}) for m in spec.modulated]
    for variable in spec.observed:
        good = random_value(variable, spec.lanes, rng)
        bad += [(f"{variable.name} {w}", {variable.name: v}) for w, v in _bad(variable, good)]
    return bad


def _bad(variable: Variable, good: np.ndarray) -> list[tuple[str, Any]]:
    ones = np.ones(good.shape)
    bad: list[tuple[str, Any]] = [
        ("misshapen", np.stack([good, good], axis=-1)),
        ("empty", np.zeros(0)),
        ("text", "seven"),
        ("negative precision", Evidence(good, -1.0, 0.0)),
        ("NaN precision", Evidence(good, np.nan, 0.0)),
        ("NaN drive", Evidence(good, 1.0, np.nan)),
        ("infinite drive", Evidence(good, 1.0, np.inf)),
    ]
    if good.dtype.kind == "f":
        bad += [("NaN", ones * np.nan), ("infinite", ones * np.inf), ("huge", ones * 1e38)]
    if variable.kind == "categorical" and len(variable.shape) == 1:
        bad += [("unseen label", np.full(good.shape[:-1], variable.shape[0]))]
    return bad


def _poisoned(good: Observation) -> list[tuple[str, Observation]]:
    """Observations as no `observe` would let pass, with what is wrong in words."""
    poisons = []
    for field, value in (
        ("value", np.nan),
        ("value", np.inf),
        ("value", 3e38),
        ("precision", np.nan),
        ("precision", -1.0),
        ("drive", np.nan),
        ("drive", np.inf),
    ):
        evidence = {n: _with(e, field, value) for n, e in good.evidence.items()}
        poisons.append((f"{field} {value}", good._replace(evidence=evidence)))
    evidence = {
        n: _with(_with(e, "value", np.nan), "precision", 1.0) for n, e in good.evidence.items()
    }
    poisons.append(("a nudge to NaN", good._replace(evidence=evidence)))
    for value in (np.nan, np.inf):
        factors = jax.tree.map(lambda m, v=value: np.full_like(m, v), good.modulation)
        poisons.append((f"modulation {value}", good._replace(modulation=factors)))
    return poisons


def _with(evidence: Evidence, field: str, value: float) -> Evidence:
    array = getattr(evidence, field)
    if array.dtype.kind != "f":
        return evidence
    return evidence._replace(**{field: np.full_like(array, value)})
