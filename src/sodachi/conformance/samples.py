"""Random valid observations from nothing but a spec."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from sodachi.errors import SpecError
from sodachi.observation import check, observe
from sodachi.system import Evidence, Observation, Spec, Variable


def random_value(variable: Variable, lead: tuple[int, ...], rng) -> np.ndarray:
    """Return a random value of the variable's kind: unit normal, 0/1, one-hot, spikes or counts."""
    shape = lead + variable.shape
    if variable.kind == "categorical" and variable.shape:
        classes = variable.shape[-1]
        value = np.eye(classes)[rng.integers(classes, size=shape[:-1])]
    elif variable.kind == "spin":
        value = 2.0 * (rng.random(shape) < 0.5) - 1.0
    elif variable.kind in ("binary", "bit", "categorical"):
        value = rng.random(shape) < 0.5
    elif variable.kind == "spike":
        value = rng.random(shape) < 0.3
    elif variable.kind == "count":
        value = rng.poisson(2.0, shape)
    else:
        value = rng.normal(size=shape)
    return np.clip(np.asarray(value, float), -variable.limit, variable.limit).astype(variable.dtype)


def random_stream(spec: Spec, steps: int, seed: int) -> Observation:
    """Return ``steps`` random observations: clamps, nudges, drives and absences, all modulations.

    The first tick clamps everything.
    """
    rng = np.random.default_rng(seed)
    lead = (steps, *spec.lanes)
    evidence: dict[str, Any] = {v.name: _random_evidence(v, lead, rng) for v in spec.observed}
    modulation: dict[str, Any] = {
        name: rng.choice([1.0, 1.0, -1.0, 0.5], size=lead) for name in spec.modulated
    }
    return observe(spec, steps=steps, modulation=modulation, **evidence)


def _random_evidence(variable: Variable, lead: tuple[int, ...], rng) -> Evidence:
    """Per tick and lane: a clamp (half of them), a nudge, a drive or nothing."""
    value = random_value(variable, lead, rng)
    manner = rng.integers(0, 6, size=lead)
    manner[0] = 0
    manner = manner.reshape(lead + (1,) * len(variable.shape))
    precision = np.select([manner <= 2, manner == 3], [np.inf, 0.5], 0.0)
    drive = np.where(manner == 4, 0.1, 0.0)
    full = [np.broadcast_to(a, value.shape).astype(value.dtype) for a in (precision, drive)]
    return Evidence(value, *full)


def given_stream(spec: Spec, observations: Observation, steps: int) -> Observation:
    """Return a caller's observations (leading time axis), checked and repeated to ``steps``."""
    length = np.shape(observations.learn)[0] if np.ndim(observations.learn) else 0
    if length < 2:
        raise SpecError("observations", "a leading time axis of two or more", length)
    checked = check(spec, observations, steps=length)
    index = np.arange(steps) % length
    return jax.tree.map(lambda array: array[index], checked)


def clamp_all(observation: Observation) -> Observation:
    """Return the observation with every variable held at its value."""
    evidence = {
        name: e._replace(
            precision=np.full_like(e.value, np.inf, e.precision.dtype),
            drive=np.zeros_like(e.drive),
        )
        for name, e in observation.evidence.items()
    }
    return observation._replace(evidence=evidence)


def tick(stream: Observation, t: int) -> Observation:
    """Return one tick of a stream."""
    return jax.tree.map(lambda array: array[t], stream)
