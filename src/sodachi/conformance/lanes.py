"""Promises about minibatches: lanes share weights and nothing else."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.conformance.trees import NoSubject, is_key, require_close, require_same_bits, take
from sodachi.conformance.trial import LANES, Trial, live
from sodachi.system import State

TOLERANCE = 1e-5


def lanes_never_mix(trial: Trial) -> None:
    """Without learning, other samples (NaN included) move no bit of a lane."""
    observations = [_learning(trial.lane_at(t), ()) for t in range(3)]
    expected = _first_lane(trial, live(trial.lane_step, trial.lane_start, observations))
    for change in (_other_values, _not_a_number):
        others = [_in_lanes(o, change, first=1) for o in observations]
        got = _first_lane(trial, live(trial.lane_step, trial.lane_start, others))
        require_same_bits(expected, got, "a lane that other lanes' samples never move")


def lanes_without_learning_add_nothing(trial: Trial) -> None:
    """What a lane with ``learn`` False sees moves no bit of the shared state."""
    observations = [_learning(trial.lane_at(t), slice(1, None)) for t in range(2)]
    expected = live(trial.lane_step, trial.lane_start, observations)[0].shared
    for change in (_other_values, _not_a_number):
        others = [_in_lanes(o, change, first=0, last=1) for o in observations]
        got = live(trial.lane_step, trial.lane_start, others)[0].shared
        require_same_bits(expected, got, "shared state that a lane without learn never moves")


def one_lane_equals_none(trial: Trial) -> None:
    """A lane that alone learns lives as the plain system does, to 1e-5; the others look on."""
    if trial.spec.lanes:
        raise NoSubject("the system has lanes of its own")
    state, ticks = trial.lived, [trial.at(t) for t in range(5, 7)]
    alike = State(state.shared, _repeated(state.lane))
    seen = [_repeated(o) for o in ticks]
    seen = [o._replace(learn=o.learn & (np.arange(LANES) == 0)) for o in seen]
    plain, outputs = live(trial.step, state, ticks)
    lifted, lifted_outputs = live(trial.lane_step, alike, seen)
    one = (plain, outputs)
    two = (State(lifted.shared, take(lifted.lane, 0)), take(lifted_outputs, 0))
    require_close(one, two, TOLERANCE, "one lane of a minibatch equal to the plain system to 1e-5")


def _repeated(tree):
    """Return a tree in which every lane has the same."""
    return jax.tree.map(lambda a: (jnp if is_key(a) else np).stack([a] * LANES), tree)


def _learning(observation, lanes):
    learn = np.zeros_like(observation.learn)
    if lanes != ():
        learn[lanes] = True
    return observation._replace(learn=learn)


def _in_lanes(observation, change, first: int, last: int | None = None):
    """Change every value and modulation in lanes ``first`` to ``last``."""

    def one(array):
        array = np.array(array)
        array[first:last] = change(array[first:last])
        return array

    evidence = {n: e._replace(value=one(e.value)) for n, e in observation.evidence.items()}
    modulation = {n: one(m) for n, m in observation.modulation.items()}
    return observation._replace(evidence=evidence, modulation=modulation)


def _other_values(array):
    return 1 - array


def _not_a_number(array):
    return np.full_like(array, np.nan) if array.dtype.kind == "f" else 1 - array


def _first_lane(trial: Trial, lived):
    """The first lane's state and those of its outputs that have a lane axis."""
    state, outputs = lived
    count = trial.in_lanes.spec.lanes[0]
    laned = [leaf for leaf in jax.tree.leaves(outputs) if np.shape(leaf)[:1] == (count,)]
    return take(state.lane, 0), take(laned, 0)
