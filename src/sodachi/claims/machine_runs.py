"""Turing machines to be followed: a plain simulator, tapes, a teacher, and many at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.combinators import replicate
from sodachi.models.turing import code_of, from_turing, lesson, opening, turing_network
from sodachi.models.turing_machine import Code, TuringMachine, random_machine
from sodachi.models.turing_programs import PROGRAMS, collatz_tag, tag_program
from sodachi.observation import observe
from sodachi.running import run
from sodachi.system import State, System
from sodachi.worlds.machine import Trajectory, machine_loop, run_machine, with_marks

LARGEST = TAUGHT = Code(states=5, symbols=4)  # of a random table, and of one that is learned
TRACES, TICKS = 50, 200  # of a teacher; two ticks are a step
BLOCK = 1000  # ticks of many machines at a time
MARKS = 41  # on a tape that is taught or asked about, the head in the middle


class Truth(NamedTuple):
    """What a machine does: state and head at the beginning and after every step, and its tape."""

    states: list[int]
    heads: list[int]
    tape: dict[int, int]


def simulated(machine: TuringMachine, marks, head: int, steps: int, start: int) -> Truth:
    """Return what a machine does, by its table and a dictionary: no network, no arrays.

    Examples
    --------
    >>> from sodachi.models.turing_programs import BUSY_BEAVER_4
    >>> truth = simulated(BUSY_BEAVER_4, [], 0, 1000, 0)
    >>> len(truth.states) - 1, sum(truth.tape.values())
    (107, 13)
    """
    table = {row[:2]: row[2:] for row in machine.table}
    tape, state = {i: int(s) for i, s in enumerate(marks)}, start
    states, heads = [state], [head]
    for _ in range(steps):
        entry = table.get((state, tape.get(head, 0)))
        if entry is None:
            break
        state, tape[head], move = entry
        head += move
        states.append(state)
        heads.append(head)
    return Truth(states, heads, tape)


def same(truth: Truth, run: Trajectory, halts: bool) -> bool:
    """Return whether state and head agree at every step, and, of one that halts, the tape."""
    count = len(truth.states)
    fine = (
        np.array_equal(run.states[:count], truth.states)
        and np.array_equal(run.heads[:count], truth.heads)
        and run.halted == halts
        and not run.short
    )
    if not halts:  # it was asked for one step more, and its tape is a step on
        return bool(fine)
    tape = np.zeros(len(run.marks), int)
    for square, symbol in truth.tape.items():
        tape[len(tape) // 2 + square] = symbol
    return bool(fine and len(run.states) == count and np.array_equal(run.marks, tape))


def tapes_for(name: str, rng: np.random.Generator) -> tuple[list[int], int]:
    """Return a tape for a known program, drawn anew, and the head's place on it."""
    if name == "increment":
        return [1 + int(b) for b in rng.integers(2, size=rng.integers(1, 40))], 0
    if name == "adder":
        left, right = ([1 + int(b) for b in rng.integers(2, size=n)] for n in rng.integers(1, 7, 2))
        return [*left, 3, *right], 0
    if name == "copy":
        return [1] * int(rng.integers(1, 15)), 0
    if name == "universal":
        marks, head, _ = tag_program(collatz_tag(3), ["a0"] * int(rng.integers(3, 8)), "H")
        return marks, head
    return [], 0


def follow_known(together: bool, seed: int, least: int) -> dict[str, float]:
    """Return the share of runs that are exact, of all known programs, and how long they were.

    Each program runs for ``least`` steps: one run, or as many as it takes, each until it halts.
    """
    rng = np.random.default_rng([seed, 71])
    machines = list(PROGRAMS.values())
    joint = from_turing(machines) if together else None
    exact, steps = [], {}
    for program, (name, machine) in enumerate(PROGRAMS.items()):
        net, state = joint or from_turing(machine)
        done = runs = 0
        while done < least and runs < 5:  # five runs of a program that halts soon, at most
            marks, head = tapes_for(name, rng)
            truth = simulated(machine, marks, head, least, machine.start)
            run = run_machine(
                net,
                state,
                marks,
                head,
                start=machine.start,
                program=program if together else 0,
                steps=len(truth.states),
                squares=2 * max(least, 1000) + 3,
            )
            exact.append(same(truth, run, halts=len(truth.states) <= least))
            done, runs = done + len(truth.states) - 1, runs + 1
        steps[name] = done
    return {"exact": float(np.mean(exact)), "runs": float(len(exact)),
            "steps": float(sum(steps.values()))}  # fmt: skip


@cache
def _many(code: Code, squares: int, count: int, memory: bool = True):
    """The system of ``count`` separate machines with their tapes, and its compiled life."""
    net = turing_network(states=code.states, symbols=code.symbols, memory=memory)
    both = machine_loop(net, squares)
    many = replicate(both, count)

    def kept(out):
        states = out["agent.state"].argmax(-1) % (2 * code.states)
        return {"state": states.astype(jnp.int8), "head": out["world.head"],
                "short": out["world.beyond"]}  # fmt: skip

    return net, both, many, run(many, kept, chunk=BLOCK)


def follow_many(
    machines: list[TuringMachine], states: list[State], code: Code, tapes, starts, steps: int,
    squares: int, memory: bool = True,
) -> np.ndarray:  # fmt: skip
    """Return for each machine (and the network state that should be it) whether it was exact.

    Exact is the same state and head after every one of the steps.
    """
    _, both, many, live = _many(code, squares, len(machines), memory)
    first = [
        with_marks(both, s, marks, head) for s, (marks, head) in zip(states, tapes, strict=True)
    ]
    life = jax.tree.map(lambda *leaves: jnp.stack(leaves), *first)
    clamped = np.stack([opening(code, q)["state"] for q in starts], axis=1)
    life, _ = live(life, observe(many.spec, steps=2, learn=False, state=clamped))
    out = _free(life, live, many, 2 * steps)
    exact = np.zeros(len(machines), bool)
    for i, machine in enumerate(machines):
        marks, head = tapes[i]
        truth = simulated(machine, marks, head, steps, starts[i])
        # A machine that has halted goes on looking, in its state and at its square.
        rest = steps + 1 - len(truth.states)
        states_ = np.array(truth.states + truth.states[-1:] * rest)[1:]
        heads = np.array(truth.heads + truth.heads[-1:] * rest)[1:] + squares // 2
        exact[i] = (
            np.array_equal(out["state"][1::2, i], states_)
            and np.array_equal(out["head"][0::2, i], heads)
            and not out["short"][:, i].any()
        )
    return exact


def _free(life: State, live, many: System, ticks: int) -> dict[str, np.ndarray]:
    """Live without any clamp, a thousand ticks at a time: absence need not be written out."""
    nothing = {n: observe(many.spec, steps=n, learn=False) for n in {min(ticks, BLOCK)}}
    parts = []
    for start in range(0, ticks, BLOCK):
        n = min(BLOCK, ticks - start)
        told = nothing.get(n) or observe(many.spec, steps=n, learn=False)
        life, part = live(life, told, checked=True)
        parts.append(part)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def follow_random(seed: int, count: int, steps: int) -> dict[str, float]:
    """Return the share of random tables that a network written with each follows exactly."""
    rng = np.random.default_rng([seed, 73])
    machines, states, tapes = [], [], []
    for _ in range(count):
        size = int(rng.integers(2, LARGEST.states + 1)), int(rng.integers(2, LARGEST.symbols + 1))
        machines.append(
            TuringMachine(LARGEST.states, LARGEST.symbols, random_machine(rng, *size).table)
        )
        states.append(from_turing(machines[-1])[1])
        tapes.append(([int(s) for s in rng.integers(size[1], size=MARKS)], MARKS // 2))
    exact = follow_many(machines, states, LARGEST, tapes, [0] * count, steps, 2 * steps + 101)
    return {"exact": float(exact.mean()), "tables": float(count), "steps": float(steps)}


class Task(NamedTuple):
    """A table to be learned: the traces that a teacher shows, and tapes that are asked about."""

    machine: TuringMachine
    shown: list[tuple[list[int], int]]
    """Marks and first state of each trace; the head is in the middle."""
    asked: list[tuple[list[int], int]]


def task(seed: int, number: int, asked: int = 100) -> Task:
    """Return a random table, 50 traces that begin on each state and symbol in turn, and tapes."""
    rng = np.random.default_rng([seed, 79, number])
    machine = random_machine(rng, TAUGHT.states, TAUGHT.symbols)
    pairs = [(q, s) for q in range(TAUGHT.states) for s in range(TAUGHT.symbols)]
    shown = []
    for k in range(TRACES):
        state, symbol = pairs[k % len(pairs)]
        marks = rng.integers(TAUGHT.symbols, size=MARKS)
        marks[MARKS // 2] = symbol
        shown.append((marks.tolist(), state))
    unseen = [
        (rng.integers(TAUGHT.symbols, size=MARKS).tolist(), int(rng.integers(TAUGHT.states)))
        for _ in range(asked)
    ]
    return Task(machine, shown, unseen)


@cache
def _learner(memory: bool) -> tuple[System, Callable[..., Any]]:
    net = turing_network(states=TAUGHT.states, symbols=TAUGHT.symbols, memory=memory)
    return net, run(net, ("energy",), chunk=TICKS)


def taught(wanted: Task, traces: int, *, memory: bool = True, decisions: float = 1.0) -> State:
    """Return a network's state after so many traces, each clamped once; counting does the rest."""
    net, live = _learner(memory)
    state = net.init(0)
    for marks, start in wanted.shown[:traces]:
        shown = lesson(wanted.machine, TAUGHT, marks, MARKS // 2, start, TICKS)
        first = np.arange(TICKS) == 0
        judged = {"policy": decisions}
        told = observe(
            net.spec,
            steps=TICKS,
            first=first,
            modulation=judged,
            input=shown["input"],
            state=shown["state"],
            action=shown["action"],
        )
        state, _ = live(state, told)
    return state


def exact_on_unseen(
    wanted: Task, state: State, *, memory: bool = True, steps: int = TICKS
) -> float:
    """Return the share of unseen tapes on which a taught network follows the machine exactly."""
    net, _ = _learner(memory)
    awake = State(state.shared, net.init(0).lane)
    count = len(wanted.asked)
    tapes = [(marks, MARKS // 2) for marks, _ in wanted.asked]
    starts = [start for _, start in wanted.asked]
    return float(follow_many([wanted.machine] * count, [awake] * count, code_of(net), tapes, starts,
                             steps, 2 * steps + 101, memory).mean())  # fmt: skip
