"""Promises about what is observed: clamps, absence, learning off; and locality."""

from __future__ import annotations

import jax
import numpy as np

from sodachi.conformance.samples import clamp_all
from sodachi.conformance.trees import BrokenPromise, NoSubject, require_same_bits
from sodachi.conformance.trial import Trial, live
from sodachi.core.audit import audit


def no_learning_moves_no_slow_bit(trial: Trial) -> None:
    """With ``learn`` False no bit of the shared state moves."""
    ticks = [trial.at(t) for t in range(4)]
    ticks = [o._replace(learn=np.zeros_like(o.learn)) for o in ticks]
    state, _ = live(trial.step, trial.lived, ticks)
    require_same_bits(trial.lived.shared, state.shared, "shared state unmoved without learn")


def clamped_stays_clamped(trial: Trial) -> None:
    """Activity that the state keeps under a variable's name equals the value it is held at.

    For systems that settle: elsewhere what stands under the name is an answer, not a held value.
    """
    if "settles" not in trial.spec.capabilities:
        raise NoSubject("not declared to settle")
    found = False
    for t in range(2):
        observation = clamp_all(trial.at(t))
        state, _ = trial.step(trial.lived, observation)
        for name, evidence in observation.evidence.items():
            held = _activities(state.lane, name, np.shape(evidence.value))
            found = found or bool(held)
            if held and not any(np.array_equal(a, evidence.value) for a in held):
                raise BrokenPromise(f"activity {name}", evidence.value, held[0])
    if not found:
        raise NoSubject("the state keeps no activity under an observed name")


def absent_is_absent(trial: Trial) -> None:
    """With precision 0 and drive 0 no value, not even NaN, moves a bit."""
    if not trial.spec.observed:
        raise NoSubject("nothing can be observed")
    for variable in trial.spec.observed:
        results = []
        for value in (0.0, 3.0, np.nan):
            ticks = [_absent(clamp_all(trial.at(t)), variable.name, value) for t in range(2)]
            results.append(live(trial.step, trial.lived, ticks))
        for other in results[1:]:
            require_same_bits(results[0], other, f"the absent {variable.name}'s value never read")


def audit_passes(trial: Trial) -> None:
    """A system that declares itself local passes the audit; tied weights are declared."""
    if "local" not in trial.spec.capabilities:
        raise NoSubject("not declared local")
    observation = clamp_all(trial.at(0))
    report = audit(trial.system, trial.lived, observation, samples=6, seed=trial.seed)
    if report.findings:
        raise BrokenPromise("locality", "no findings", "; ".join(map(str, report.findings)))
    if report.ties and not trial.spec.exceptions:
        raise BrokenPromise("spec.exceptions", f"{report.ties} declared", "nothing")
    if "learns" in trial.spec.capabilities and not report.checked:
        raise BrokenPromise("plastic", "one rule or more on a learning tick", "none heard")


def _absent(observation, name: str, value: float):
    given = observation.evidence[name]
    if given.value.dtype.kind != "f" and np.isnan(value):
        value = 1
    nothing = given._replace(
        value=np.full_like(given.value, value),
        precision=np.zeros_like(given.precision),
        drive=np.zeros_like(given.drive),
    )
    return observation._replace(evidence={**observation.evidence, name: nothing})


def _activities(lane, name: str, shape) -> list[np.ndarray]:
    """Arrays in any ``activity`` dict of a (composite) lane under a variable's name and shape."""
    leaves = jax.tree_util.tree_flatten_with_path(lane)[0]
    found = []
    for path, leaf in leaves:
        keys = [getattr(part, "key", None) for part in path]
        if keys[-2:] == ["activity", name] and np.shape(leaf) == shape:
            found.append(np.asarray(leaf))
    return found
