"""Promises about form: spec, structure of states, and one compiled program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import jax

from sodachi.conformance.samples import tick
from sodachi.conformance.trees import BrokenPromise, is_key, require_same_bits
from sodachi.conformance.trial import TICKS, Trial
from sodachi.system import Spec, build

_COMPILED = "/jax/core/compile/backend_compile_duration"


def spec_survives_json(trial: Trial) -> None:
    """The spec is equal after JSON, and `build` makes a system with an equal spec."""
    again = Spec.from_json(trial.spec.to_json())
    if again != trial.spec:
        raise BrokenPromise("spec", trial.spec, again)
    if build(again).spec != trial.spec:
        raise BrokenPromise("build(spec).spec", trial.spec, build(again).spec)


def init_is_deterministic(trial: Trial) -> None:
    """One key, one birth: a seed and its key give equal bits each time."""
    again = trial.system.init(jax.random.key(trial.seed))
    require_same_bits(trial.start, again, "equal bits from one key")


def step_keeps_structure(trial: Trial) -> None:
    """States keep tree, shapes, dtypes and strong types; outputs are a flat dict of arrays."""
    state, output = jax.eval_shape(trial.system.step, trial.start, trial.at(0))
    if jax.tree.structure(state) != jax.tree.structure(trial.start):
        raise BrokenPromise("state", jax.tree.structure(trial.start), jax.tree.structure(state))
    leaves = jax.tree_util.tree_flatten_with_path(trial.start)[0]
    for (path, old), new in zip(leaves, jax.tree.leaves(state), strict=True):
        name = jax.tree_util.keystr(path).lstrip(".")
        if not isinstance(old, jax.Array):
            raise BrokenPromise(name, "an array", type(old).__name__)
        if (old.shape, old.dtype) != (new.shape, new.dtype):
            raise BrokenPromise(name, f"{old.dtype}{old.shape}", f"{new.dtype}{new.shape}")
        if not is_key(old) and (old.aval.weak_type or new.weak_type):
            raise BrokenPromise(name, f"a strong {old.dtype}", "a weak type")
    if not isinstance(output, dict):
        raise BrokenPromise("output", "a dict", type(output).__name__)
    for name, value in output.items():
        if not isinstance(name, str) or not hasattr(value, "shape"):
            raise BrokenPromise(f"output {name!r}", "an array under a name", type(value).__name__)


def nothing_compiles_twice(trial: Trial) -> None:
    """1,000 further steps compile nothing, nor do runs of any length after the first."""
    ticks = [_flags(trial, t) for t in range(TICKS)]
    state = trial.lived
    with _no_compilation("compilations in 1,000 steps"):
        for t in range(1000):
            state, _ = trial.step(state, ticks[t % TICKS])
        jax.block_until_ready(state)
    trial.run(trial.start, jax.tree.map(lambda a: a[:2], trial.stream))
    with _no_compilation("compilations in runs of other lengths"):
        for length in (1, 3, 4, 9):
            trial.run(trial.start, jax.tree.map(lambda a, n=length: a[:n], trial.stream))


def _flags(trial: Trial, t: int):
    """A tick with all combinations of flags as the ticks go by."""
    now = tick(trial.stream, t)
    return now._replace(
        learn=(now.learn | True) & (t % 2 == 0), first=(now.first | True) & (t % 3 == 0)
    )


@contextmanager
def _no_compilation(field: str) -> Iterator[None]:
    """Raise `BrokenPromise` as soon as anything is compiled inside the block."""

    def hear(event: str, duration_secs: float, **_: str | int) -> None:
        if event == _COMPILED:
            raise BrokenPromise(field, 0, "one or more")

    jax.monitoring.register_event_duration_secs_listener(hear)
    try:
        yield
    finally:
        jax.monitoring.unregister_event_duration_listener(hear)
