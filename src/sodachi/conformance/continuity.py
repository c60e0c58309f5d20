"""Promises about time: runs can be cut anywhere, saved, and repeated from a key."""

from __future__ import annotations

import jax
import numpy as np

from sodachi.conformance.trees import (
    BrokenPromise,
    NoSubject,
    from_numpy,
    is_key,
    require_same_bits,
    same_bits,
    to_numpy,
)
from sodachi.conformance.trial import TICKS, Trial, live
from sodachi.system import Evidence

LENGTH = 7


def runs_can_be_cut(trial: Trial) -> None:
    """``run(a + b)`` equals ``run(a)`` then ``run(b)`` bit for bit."""
    whole = trial.run(trial.start, _ticks(trial, 0, LENGTH))
    state, first = trial.run(trial.start, _ticks(trial, 0, 3))
    state, second = trial.run(state, _ticks(trial, 3, LENGTH))
    outputs = jax.tree.map(lambda a, b: np.concatenate([a, b]), first, second)
    require_same_bits(whole, (state, outputs), "run(a + b) equal to run(a); run(b)")


def chunk_sizes_agree(trial: Trial) -> None:
    """The chunk size of a run moves no bit."""
    ticks = _ticks(trial, 0, LENGTH)
    require_same_bits(
        trial.run(trial.start, ticks), trial.run_long(trial.start, ticks), "equal for all chunks"
    )


def resumes_from_numpy(trial: Trial) -> None:
    """A state written to NumPy arrays and read again goes on bit for bit."""
    ticks = [trial.at(t) for t in range(5, 8)]
    saved = from_numpy(to_numpy(trial.lived))
    require_same_bits(
        live(trial.step, trial.lived, ticks), live(trial.step, saved, ticks), "equal after resuming"
    )


def keys_decide_chance(trial: Trial) -> None:
    """Equal keys give equal bits, and another key another life."""
    if "stochastic" not in trial.spec.capabilities:
        raise NoSubject("not declared stochastic")
    if not any(is_key(leaf) for leaf in jax.tree.leaves(trial.start)):
        raise BrokenPromise("state", "a random key (jax.random.key) in the state", "none")
    other = _with_keys_of(trial.start, trial.system.init(trial.seed + 1))
    ticks = [trial.at(t) for t in range(TICKS)] + [_absent(trial.at(t)) for t in range(TICKS)]
    one = live(trial.step, trial.start, ticks)
    require_same_bits(one, live(trial.step, trial.start, ticks), "equal from one key")
    if same_bits(_without_keys(one), _without_keys(live(trial.step, other, ticks))):
        raise BrokenPromise(
            "key", "another key, another life", f"equal bits for {len(ticks)} ticks"
        )


def _ticks(trial: Trial, start: int, stop: int):
    return jax.tree.map(lambda a: a[start:stop], trial.stream)


def _with_keys_of(state, other):
    return jax.tree.map(lambda a, b: b if is_key(a) else a, state, other)


def _without_keys(tree):
    return [leaf for leaf in jax.tree.leaves(tree) if not is_key(leaf)]


def _absent(observation):
    evidence = {
        n: Evidence(*(np.zeros_like(part) for part in e)) for n, e in observation.evidence.items()
    }
    return observation._replace(evidence=evidence)
