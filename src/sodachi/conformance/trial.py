"""One system under examination: its compiled functions, made once and shared by all checks."""

from __future__ import annotations

from functools import cached_property

import jax
import numpy as np

from sodachi.combinators import minibatch
from sodachi.conformance.samples import given_stream, random_stream, tick
from sodachi.conformance.trees import NoSubject
from sodachi.running import run
from sodachi.system import Observation, State, System

#: Ticks of the stream that checks live through; also lanes are cut from it.
TICKS = 12

#: Lanes of the minibatch in which lanes are compared.
LANES = 3


class Trial:
    """A system, a stream of valid observations, and what several checks need of both."""

    def __init__(self, system: System, observations: Observation | None = None, seed: int = 0):
        self.system, self.spec, self.seed = system, system.spec, seed
        if observations is None:
            self.stream = random_stream(self.spec, TICKS, seed)
        else:
            self.stream = given_stream(self.spec, observations, TICKS)

    def at(self, t: int) -> Observation:
        """Return the stream's tick ``t``, over and over."""
        return tick(self.stream, t % TICKS)

    @cached_property
    def start(self) -> State:
        """The state at birth."""
        return self.system.init(self.seed)

    @cached_property
    def step(self):
        """The compiled step."""
        return jax.jit(self.system.step)

    @cached_property
    def lived(self) -> State:
        """The state after some learning."""
        return live(self.step, self.start, [self.at(t) for t in range(5)])[0]

    @cached_property
    def run(self):
        """`run` with every output and chunks of 4."""
        return run(self.system, emit=_all, chunk=4)

    @cached_property
    def run_long(self):
        """`run` with every output and chunks of 7."""
        return run(self.system, emit=_all, chunk=7)

    @cached_property
    def in_lanes(self) -> System:
        """The system itself if it has lanes, else a minibatch of it."""
        if self.spec.lanes:
            return self.system
        return minibatch(self.system, LANES)

    @cached_property
    def lane_step(self):
        """The compiled step over lanes."""
        return self.step if self.spec.lanes else jax.jit(self.in_lanes.step)

    @cached_property
    def lane_start(self) -> State:
        """The state at birth, over lanes."""
        return self.start if self.spec.lanes else self.in_lanes.init(self.seed)

    def lane_at(self, t: int) -> Observation:
        """Return tick ``t`` over lanes: other parts of the stream for other lanes."""
        if self.spec.lanes:
            if self.spec.lanes[0] < 2:
                raise NoSubject("one lane only")
            return self.at(t)
        ticks = [self.at(t + 4 * lane) for lane in range(LANES)]
        return jax.tree.map(lambda *leaves: np.stack(leaves), *ticks)


def live(step, state: State, observations) -> tuple[State, list]:
    """Step through observations; return the last state and all outputs."""
    outputs = []
    for observation in observations:
        state, output = step(state, observation)
        outputs.append(output)
    return state, outputs


def _all(output):
    return output
