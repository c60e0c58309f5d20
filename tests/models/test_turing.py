"""Turing machines in counts: tables in and out, exact runs, several at once, learning by clamps."""

import numpy as np
import pytest

from sodachi.claims.machine_runs import (
    TAUGHT,
    exact_on_unseen,
    follow_random,
    same,
    simulated,
    task,
    taught,
)
from sodachi.errors import SpecError
from sodachi.models import canonical_network
from sodachi.models.turing import as_turing, code_of, from_turing, lesson, opening, turing_network
from sodachi.models.turing_machine import Code, TuringMachine, one_code, random_machine
from sodachi.models.turing_programs import (
    ADDER,
    BUSY_BEAVER_4,
    COPY,
    INCREMENT,
    PROGRAMS,
    UNIVERSAL,
    UNIVERSAL_SYMBOLS,
    collatz_tag,
    tag_program,
)
from sodachi.worlds.machine import run_machine


def number(bits: str) -> list[int]:
    return ["_01+".index(b) for b in bits]


def text(marks, symbols: str) -> str:
    return "".join(symbols[s] for s in marks).strip(symbols[0])


@pytest.mark.theory
def test_the_known_machines_compute_what_they_are_known_for():
    rng = np.random.default_rng(0)
    for _ in range(5):
        a, b = (int(n) for n in rng.integers(0, 50, 2))
        tape = simulated(INCREMENT, number(f"{a:b}"), 0, 10_000, 0).tape
        assert int(text([tape[k] for k in sorted(tape)], "_01"), 2) == a + 1
        tape = simulated(ADDER, number(f"{a:b}+{b:b}"), 0, 100_000, 0).tape
        assert int(text([tape[k] for k in sorted(tape)], "_01+"), 2) == a + b
        n = int(rng.integers(1, 9))
        tape = simulated(COPY, [1] * n, 0, 10_000, 0).tape
        assert text([tape[k] for k in sorted(tape)], "01") == "1" * n + "0" + "1" * n
    beaver = simulated(BUSY_BEAVER_4, [], 0, 10_000, 0)
    assert len(beaver.states) - 1 == 107 and sum(beaver.tape.values()) == 13


def tag_words(productions, word):
    """A 2-tag system by itself."""
    word = list(word)
    yield tuple(word)
    while word[0] in productions:
        word = word[2:] + list(productions[word[0]])
        yield tuple(word)


@pytest.mark.theory
@pytest.mark.parametrize(("n", "rounds"), [(3, 1), (4, 1), (5, 2), (6, 2)])
def test_the_universal_machine_runs_a_tag_system_word_by_word(n, rounds):
    productions = collatz_tag(rounds)
    marks, head, codes = tag_program(productions, ["a0"] * n, "H")
    letters = {code: letter for letter, code in codes.items()}
    tape, state, before, words = dict(enumerate(marks)), UNIVERSAL.start, None, []
    for _ in range(1_000_000):
        symbol = tape.get(head, 0)
        # Stage three ends, and a word stands to the right of the head, where C meets a c.
        if before in (None, (2, UNIVERSAL_SYMBOLS.index("c"))):
            right = "".join(UNIVERSAL_SYMBOLS[tape.get(i, 0)] for i in range(head, max(tape) + 1))
            words.append(tuple(letters.get(len(ones), "?") for ones in right.strip("0").split("c")))
        entry = UNIVERSAL.entry(state, symbol)
        if entry is None:
            break
        before = state, symbol
        state, tape[head] = entry[:2]
        head += entry[2]
    assert words == list(tag_words(productions, ["a0"] * n))
    collatz = n
    for _ in range(rounds):
        collatz = collatz // 2 if collatz % 2 == 0 else (3 * collatz + 1) // 2
    assert words[-1] == ("H",) * collatz


@pytest.mark.theory
def test_tables_go_in_and_come_out_again():
    rng = np.random.default_rng(1)
    for size in ((1, 2), (5, 4), (5, 4), (5, 4)):
        whole = random_machine(rng, *size)
        kept = tuple(row for row in whole.table if rng.random() < 0.7)
        machine = TuringMachine(*size, kept)
        net, state = from_turing(machine)
        assert as_turing(net, state) == [machine]
    machines = list(PROGRAMS.values())
    net, state = from_turing(machines)
    read = as_turing(net, state, [m.start for m in machines])
    assert [m.table for m in read] == [m.table for m in machines]
    # And once more: what was read is written as the same counts.
    again = from_turing([TuringMachine(m.states, m.symbols, m.table, m.start) for m in read])[1]
    for name, counts in state.shared["weights"].items():
        assert np.array_equal(counts, again.shared["weights"][name])


@pytest.mark.theory
@pytest.mark.parametrize("name", ["busy beaver 4", "adder"])
def test_a_network_is_the_machine_alone_and_among_others(name):
    machine = PROGRAMS[name]
    marks = number("101+11") if name == "adder" else []
    truth = simulated(machine, marks, 0, 1000, machine.start)
    for machines, program in ((machine, 0), ([COPY, machine, INCREMENT], 1)):
        net, state = from_turing(machines)
        run = run_machine(net, state, marks, program=program, start=machine.start, squares=401,
                          steps=len(truth.states))  # fmt: skip
        assert same(truth, run, halts=True)


@pytest.mark.theory
def test_random_tables_are_followed_exactly():
    assert follow_random(seed=11, count=20, steps=300)["exact"] == 1.0


@pytest.mark.theory
def test_counting_what_a_teacher_clamps_writes_the_table():
    wanted = task(seed=12, number=0, asked=20)
    state = taught(wanted, 20)  # one trace from every state and symbol
    net = turing_network(states=TAUGHT.states, symbols=TAUGHT.symbols)
    assert as_turing(net, state)[0].table == wanted.machine.table
    assert exact_on_unseen(wanted, state, steps=60) == 1.0
    # Without plasticity of V nothing is done; a single trace is not enough.
    dull = taught(wanted, 20, decisions=0.0)
    assert as_turing(net, dull)[0].table == ()
    assert exact_on_unseen(wanted, dull, steps=60) == 0.0
    assert len(as_turing(net, taught(wanted, 1))[0].table) < len(wanted.machine.table)


@pytest.mark.theory
def test_a_table_learned_in_another_order_is_the_same_table():
    wanted = task(seed=13, number=0, asked=2)
    net = turing_network(states=TAUGHT.states, symbols=TAUGHT.symbols)
    back = wanted._replace(shown=wanted.shown[:20][::-1])
    assert as_turing(net, taught(wanted, 20)) == as_turing(net, taught(back, 20))


def test_a_lesson_is_the_machines_own_trace():
    code, machine = Code(2, 2), TuringMachine(2, 2, ((0, 1, 1, 0, 1), (1, 1, 0, 0, 1)))
    shown = lesson(machine, code, [1, 1], head=0, start=0, ticks=7)
    cells = shown["state"].argmax(1).tolist()
    assert cells == [code.look(0), code.act(1), code.look(1), code.act(0), code.look(0), 0, 0]
    assert shown["input"].argmax(1).tolist() == [1, 1, 1, 1, 0, 0, 0]
    writes = shown["action"][:, :3].argmax(1).tolist()
    assert writes == [2, 0, 2, 0, 2, 2, 2]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: TuringMachine(0, 2, ()),
        lambda: TuringMachine(1, 1, ()),
        lambda: TuringMachine(1, 2, ((0, 2, 0, 0, 1),)),
        lambda: TuringMachine(1, 2, ((0, 1, 0, 0, 2),)),
        lambda: TuringMachine(1, 2, ((0, 1, 0, 0, 1), (0, 1, 0, 1, 1))),
        lambda: TuringMachine(1, 2, (), start=1),
        lambda: one_code([]),
        lambda: from_turing([]),
        lambda: from_turing(COPY, count=0.0),
        lambda: code_of(canonical_network()),
        lambda: as_turing(canonical_network(), None),  # type: ignore[arg-type]
        lambda: lesson(COPY, Code(5, 2, programs=2), [1], 0, 0, 3),
        lambda: tag_program({"a": []}, ["a"], "H"),
        lambda: tag_program({"a": ["a"]}, ["a"], "H"),
        lambda: tag_program({"a": ["H"]}, ["b"], "H"),
        lambda: collatz_tag(0),
    ],
)
def test_what_is_no_machine_is_refused(wrong):
    with pytest.raises(SpecError):
        wrong()


def test_the_program_is_clamped_with_the_state():
    clamped = opening(Code(2, 2, programs=3), start=1, program=2)["state"]
    assert np.array_equal(np.flatnonzero(clamped[0]), [1, 4 + 2])
