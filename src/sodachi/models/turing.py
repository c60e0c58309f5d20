"""A canonical network is a Turing machine: memory K holds its table, mental actions V its hand.

``from_turing`` writes a table into counts, ``as_turing`` reads it out again, and `lesson` clamps
what a machine does, so that counting alone writes the table.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

import jax.numpy as jnp
import numpy as np

from sodachi.core.rule import start_synapses
from sodachi.errors import SpecError
from sodachi.models.canonical import canonical_network
from sodachi.models.canonical_plan import Settings, plan_of
from sodachi.models.turing_machine import MOVES, Code, TuringMachine, one_code
from sodachi.rules.counting import counting
from sodachi.system import State, System

#: Prior counts: what was seen once is this much likelier than what was not.
LEAST = 1e-6


def turing_network(
    *, states: int, symbols: int, programs: int = 1, memory: bool = True, least: float = LEAST
) -> System:
    r"""Return a canonical network with room for the tables of Turing machines; it knows none yet.

    Its state is one factor of look and act cells (`Code`) and, for several programs, a second that
    remembers which. Both hear the past ψ = state × (program ×) symbol read: K is the transition
    table, and V, which hears the same ψ, is what the hand does. Likelihoods A are flat and stay so.

    Why it is exact: cells are one-hot to within ε. A table's entry is likelier than any other by
    R = n/least, so the right cell's log-odds are at least (1 − 2ε) ln R and the next ε is at most
    cells/R^{1−2ε}. For R ≥ 10⁶ that is below 10⁻⁴ again: errors are wiped out at each tick instead
    of adding up, and the tape moves by what is believed by more than half.

    Parameters
    ----------
    states, symbols, programs
        Sizes; a network may have more than its machines need.
    memory
        Without it the state hears nothing of the past: the lesion.
    least
        The prior count of every entry.

    Returns
    -------
    System
        A `canonical_network`, to be joined with a tape (`sodachi.worlds.tape`) by `loop`.

    Examples
    --------
    >>> net = turing_network(states=2, symbols=2)
    >>> [v.name for v in net.spec.observed], net.spec.variable("action").shape
    (['input', 'state', 'action'], (6,))
    """
    code = Code(states, symbols, programs)
    term = "*".join([*(f"state:{i}" for i in range(len(code.cells))), "input:0"])
    return canonical_network(
        states=code.cells,
        observations=[symbols],
        actions=code.action_cells,
        transition=term if memory else None,
        policy=term,
        spread=0.0,
        prior_count=1e9,
        least=least,
        past_count=least * 2 * states * programs * symbols,
        threshold_count=least * 2 * states * programs * symbols,
    )


def from_turing(
    machines: TuringMachine | Sequence[TuringMachine], count: float = 1e3
) -> tuple[System, State]:
    """Return a network whose counts are the tables of the machines, each entry ``count`` times.

    Several machines are stored in the same cells; the program's cell, clamped at the beginning and
    remembered, chooses among them. `as_turing` gives the same tables back.

    Raises
    ------
    SpecError
        For no machine, or a count that is not positive.

    Examples
    --------
    >>> machine = TuringMachine(1, 2, [(0, 1, 0, 0, 1)])
    >>> as_turing(*from_turing(machine))[0] == machine
    True
    """
    given = (machines,) if isinstance(machines, TuringMachine) else tuple(machines)
    code = one_code(given)
    if not 0 < count < float("inf"):
        raise SpecError("count", "above 0, finite", count)
    net, state = _newborn(code)
    K, V = (np.zeros((_pasts(code), sum(cells))) for cells in (code.cells, code.action_cells))
    for program, machine in enumerate(given):
        for cell in range(2 * code.states):
            for symbol in range(code.symbols):
                past = _past(code, cell, program, symbol)
                following, (write, move) = code.next_cell(machine, cell, symbol)
                K[past, following] = V[past, write] = V[past, code.symbols + 1 + move] = count
                if code.programs > 1:
                    K[past, 2 * code.states + program] = count
    weights = dict(state.shared["weights"])
    for name, added in (
        ("transition_on_given_1", K),
        ("policy_on_given_1", V),
        ("prior_on", K.sum(0)[None]),
        ("habit_on", V.sum(0)[None]),
    ):
        weights[name] = jnp.asarray(np.asarray(weights[name]) + added, jnp.float32)
    synapses = {name: start_synapses(counting(LEAST), w) for name, w in weights.items()}
    return net, State(state.shared | {"weights": weights, "synapses": synapses}, state.lane)


@lru_cache(maxsize=64)
def _newborn(code: Code) -> tuple[System, State]:
    """Machines of one size share a system, and so what is compiled for it."""
    net = turing_network(states=code.states, symbols=code.symbols, programs=code.programs)
    return net, net.init(0)


def as_turing(system: System, state: State, starts: Sequence[int] = ()) -> list[TuringMachine]:
    """Return the tables that a network's counts hold, one machine a program.

    An entry is read where the counts of K and of V name a next cell and an action that are likelier
    than all others together; where they do not, or the network goes on looking, the machine halts.

    Parameters
    ----------
    system, state
        A network with the form of `turing_network`, written or taught.
    starts
        First states, which a network does not hold: they are clamped; 0 where not given.

    Raises
    ------
    SpecError
        For a network of another form.

    Examples
    --------
    >>> net = turing_network(states=1, symbols=2)
    >>> as_turing(net, net.init(0))[0].table
    ()
    """
    code = code_of(system)
    weights = {name: np.asarray(w, np.float64) for name, w in state.shared["weights"].items()}
    K = weights.get("transition_on_given_1")
    V = weights["policy_on_given_1"]
    found = []
    for program in range(code.programs):
        rows = []
        for cell in range(code.states):
            for symbol in range(code.symbols):
                past = _past(code, cell, program, symbol)
                following = None if K is None else _likeliest(K[past, : 2 * code.states])
                write = _likeliest(V[past, : code.symbols + 1])
                move = _likeliest(V[past, code.symbols + 1 :])
                if following is None or write is None or move is None or following < code.states:
                    continue
                if write < code.symbols:
                    rows.append((cell, symbol, following - code.states, write, MOVES[move]))
        start = starts[program] if program < len(starts) else 0
        found.append(TuringMachine(code.states, code.symbols, tuple(rows), start))
    return found


def opening(code: Code, start: int, program: int = 0) -> dict[str, np.ndarray]:
    """Return what is clamped during the first two ticks: the first state, and which program.

    In a loop nothing is read at the first tick yet, and what is read at the second is remembered;
    from the third on nothing needs to be held.

    Examples
    --------
    >>> opening(Code(2, 2), start=1)["state"].tolist()
    [[0.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]
    """
    state = np.zeros(sum(code.cells), np.float32)
    state[code.look(start)] = 1.0
    if code.programs > 1:
        state[2 * code.states + program] = 1.0
    return {"state": np.stack([state, state])}


def lesson(
    machine: TuringMachine, code: Code, tape, head: int, start: int, ticks: int
) -> dict[str, np.ndarray]:
    """Return the trace of a machine as clamps of every cell, tick by tick: one trace of a teacher.

    Parameters
    ----------
    machine, code
        What is shown, to a network of this code.
    tape, head, start
        Symbols (blank beyond both ends), the head's place among them, and the first state.
    ticks
        Length; a step of the machine takes two.

    Returns
    -------
    dict
        Arrays [ticks, cells] of `input`, `state` and `action`, for `sodachi.observe`. The first
        tick begins an episode: tell the network so (``first``), or it binds it to what was before.

    Examples
    --------
    >>> machine = TuringMachine(1, 2, [(0, 1, 0, 0, 1)])
    >>> shown = lesson(machine, Code(1, 2), [1], head=0, start=0, ticks=3)
    >>> shown["input"].argmax(1).tolist(), shown["state"].argmax(1).tolist()
    ([1, 1, 0], [0, 1, 0])
    """
    squares = {i: int(s) for i, s in enumerate(tape)}
    shown = {"input": [code.symbols], "state": code.cells, "action": code.action_cells}
    clamps = {name: np.zeros((ticks, sum(cells)), np.float32) for name, cells in shown.items()}
    cell, read, (write, move) = code.look(start), squares.get(head, 0), code.actions()
    for t in range(ticks):
        clamps["input"][t, read] = clamps["state"][t, cell] = 1.0
        clamps["action"][t, write] = clamps["action"][t, code.symbols + 1 + move] = 1.0
        if code.programs > 1:
            raise SpecError("code", "one program: others are taught to networks of their own", code)
        # The hand moves within the tick; what is under the head then is read at the next.
        if write < code.symbols:
            squares[head] = write
        head += MOVES[move]
        before, read = read, squares.get(head, 0)
        cell, (write, move) = code.next_cell(machine, cell, before)
    return clamps


def _pasts(code: Code) -> int:
    return 2 * code.states * code.programs * code.symbols


def _past(code: Code, cell: int, program: int, symbol: int) -> int:
    """The cell of the past that stands for a state's cell, a program and a symbol."""
    return (cell * code.programs + program) * code.symbols + symbol


def _likeliest(counts: np.ndarray) -> int | None:
    best = int(counts.argmax())
    return best if counts[best] > 0.5 * counts.sum() else None


def code_of(system: System) -> Code:
    """Return which cells of a network stand for what; `SpecError` for one of another form."""
    wanted = "a canonical network with the form of turing_network"
    if system.spec.factory != "canonical_network":
        raise SpecError("system", wanted, system.spec.factory)
    settings = Settings(**json.loads(system.spec.arguments))
    plan = plan_of(settings)
    state, seen, action = (f.sizes for f in (plan.state, plan.input, plan.action))
    fine = len(seen) == 1 and action == (seen[0] + 1, len(MOVES)) and len(state) in (1, 2)
    if not fine or state[0] % 2 or plan.decisions.pre.cells != np.prod([*state, *seen]):
        raise SpecError("system", wanted, system.spec.arguments)
    return Code(state[0] // 2, seen[0], state[1] if len(state) == 2 else 1)
