"""A canonical network and a tape in one loop: a Turing machine, started by clamping its state."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sodachi.combinators import loop
from sodachi.models.turing import code_of, opening
from sodachi.observation import observe
from sodachi.running import run
from sodachi.system import State, System
from sodachi.worlds.tape import laid, tape


class Trajectory(NamedTuple):
    """What a machine did: at the beginning and after every step its state and its head's square.

    ``steps`` is how many there were before it halted or time was up; ``marks`` is the tape at the
    end, ``squares`` long, whose middle is square 0; ``short`` says that the tape was too short.
    """

    states: np.ndarray
    heads: np.ndarray
    marks: np.ndarray
    steps: int
    halted: bool
    short: bool


def machine_loop(network: System, squares: int = 2001) -> System:
    """Return a network with a tape: it reads what is under the head and its actions move the hand.

    Examples
    --------
    >>> from sodachi.models.turing import turing_network
    >>> both = machine_loop(turing_network(states=2, symbols=2), squares=11)
    >>> [v.name for v in both.spec.observed]
    ['state', 'action']
    """
    symbols = code_of(network).symbols
    world = tape(symbols=symbols, squares=squares)
    return loop(network, world, sense={"input": "read"}, act={"action": "action"})


def with_marks(both: System, state: State, marks, head: int = 0) -> State:
    """Return the loop's first state: a network's ``state`` before a tape with ``marks`` on it.

    The first of the marks lies on square 0, the middle of the tape; the head on mark ``head``.
    """
    fresh = both.init(0)
    blank = State(fresh.shared[1], fresh.lane[1])
    return State(
        (state.shared, fresh.shared[1]),
        (state.lane, laid(blank, marks, head).lane, *fresh.lane[2:]),
    )


@lru_cache(maxsize=8)
def _lives(both: System):
    def kept(out):
        return {
            "state": out["agent.state"].argmax(-1),
            "head": out["world.head"],
            "beyond": out["world.beyond"],
        }

    return run(both, lambda out: kept(out), chunk=4096)


@lru_cache(maxsize=8)
def _joined(network: System, squares: int) -> System:
    return machine_loop(network, squares)


def run_machine(
    network: System,
    state: State,
    marks,
    head: int = 0,
    *,
    start: int = 0,
    program: int = 0,
    steps: int = 1000,
    squares: int = 2001,
) -> Trajectory:
    """Return what a network does as a Turing machine; it does not learn meanwhile.

    Parameters
    ----------
    network, state
        As `sodachi.models.turing.from_turing` returns them, or taught.
    marks, head
        Symbols on the tape, and on which of them the head begins.
    start, program
        First state and, where several are stored, which machine.
    steps
        The most steps; a step is two ticks.
    squares
        Length of the tape.

    Examples
    --------
    >>> from sodachi.models.turing import from_turing
    >>> from sodachi.models.turing_programs import INCREMENT
    >>> done = run_machine(*from_turing(INCREMENT), [2, 1, 2], squares=21, steps=20)  # 101
    >>> [int(s) for s in done.marks if s], done.steps  # 110
    ([2, 2, 1], 6)
    """
    code = code_of(network)
    both = _joined(network, squares)
    live = _lives(both)
    life = with_marks(both, state, marks, head)
    clamped = opening(code, start, program)["state"]
    life, _ = live(life, observe(both.spec, steps=2, learn=False, state=clamped))
    life, out = live(life, observe(both.spec, steps=2 * steps, learn=False))
    # Acting at even ticks, looking at odd ones, until it halts and looks for ever.
    cells, heads = out["state"] % (2 * code.states), out["head"] - squares // 2
    acting = cells[0::2]
    halted = np.flatnonzero(acting < code.states)
    count = int(halted[0]) if len(halted) else steps
    looked = cells[1::2][:count]
    return Trajectory(
        states=np.concatenate([[start], looked]),
        heads=np.concatenate([[head], heads[0::2][:count]]),
        marks=np.asarray(life.lane[1]["squares"]),
        steps=count,
        halted=len(halted) > 0,
        short=bool(out["beyond"].max()),
    )
