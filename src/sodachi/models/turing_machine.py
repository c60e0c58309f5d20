"""Turing machines as tables, and how a canonical network's cells stand for their parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from sodachi.errors import SpecError

LEFT, STAY, RIGHT = -1, 0, 1
MOVES = (LEFT, STAY, RIGHT)

Entry = tuple[int, int, int]
"""What a table says: the next state, the symbol to write, and where to go (−1, 0 or 1)."""


@dataclass(frozen=True)
class TuringMachine:
    """A deterministic machine of one tape: it halts where its table says nothing.

    States and symbols are numbers from 0; symbol 0 is the blank.

    Parameters
    ----------
    states, symbols
        How many.
    table
        Rows (state, symbol, next state, symbol to write, move), in any order; kept sorted.
    start
        The first state.

    Raises
    ------
    SpecError
        For a size below 1 (symbols: below 2), a row with a number out of range, or two rows for
        the same state and symbol.

    Examples
    --------
    >>> machine = TuringMachine(1, 2, [(0, 1, 0, 0, RIGHT)])
    >>> machine.entry(0, 1), machine.entry(0, 0)
    ((0, 0, 1), None)
    """

    states: int
    symbols: int
    table: tuple[tuple[int, int, int, int, int], ...]
    start: int = 0

    def __post_init__(self):
        for name, least in (("states", 1), ("symbols", 2)):
            if not _whole(getattr(self, name)) or getattr(self, name) < least:
                raise SpecError(name, f"{least} or more", getattr(self, name))
        if not _whole(self.start) or not 0 <= self.start < self.states:
            raise SpecError("start", f"a state below {self.states}", self.start)
        rows = sorted(tuple(row) for row in self.table)
        highest = (self.states, self.symbols, self.states, self.symbols)
        for row in rows:
            fine = len(row) == 5 and all(_whole(n) for n in row) and row[4] in MOVES
            if not fine or any(not 0 <= n < top for n, top in zip(row, highest, strict=False)):
                raise SpecError("table", "rows (state, symbol, next, write, move) in range", row)
        if len({row[:2] for row in rows}) != len(rows):
            raise SpecError("table", "one row for a state and symbol", rows)
        object.__setattr__(self, "table", tuple(tuple(int(n) for n in row) for row in rows))
        object.__setattr__(self, "_entries", {row[:2]: row[2:] for row in self.table})

    def entry(self, state: int, symbol: int) -> Entry | None:
        """Return what the table says of a state and symbol; None where the machine halts."""
        return self._entries.get((state, symbol))  # type: ignore[attr-defined]

    @staticmethod
    def from_words(words: Mapping[str, str], symbols: str, start: str = "A") -> TuringMachine:
        """Return the machine of a table in words: by state a cell for each symbol, "-" to halt.

        A cell is the symbol to write, L, S or R, and the next state, as busy beavers are written;
        a next state without a row of its own is a state that halts on everything.

        Examples
        --------
        >>> TuringMachine.from_words({"A": "1RB 1LB", "B": "1LA 1RH"}, "01").table
        ((0, 0, 1, 1, 1), (0, 1, 1, 1, -1), (1, 0, 0, 1, -1), (1, 1, 2, 1, 1))
        """
        cells = {state: row.split() for state, row in words.items()}
        ends = {cell[2:] for row in cells.values() for cell in row if cell != "-"}
        names = list(words) + sorted(ends - set(words))
        rows = [
            (names.index(state), symbol, names.index(cell[2:]), symbols.index(cell[0]),
             "LSR".index(cell[1]) - 1)
            for state, row in cells.items()
            for symbol, cell in enumerate(row)
            if cell != "-"
        ]  # fmt: skip
        return TuringMachine(len(names), len(symbols), tuple(rows), names.index(start))


def random_machine(rng: np.random.Generator, states: int, symbols: int) -> TuringMachine:
    """Return a machine whose table says something random of every state and symbol.

    Examples
    --------
    >>> len(random_machine(np.random.default_rng(0), 3, 2).table)
    6
    """
    rows = [
        (q, s, int(rng.integers(states)), int(rng.integers(symbols)), int(rng.choice([-1, 1])))
        for q in range(states)
        for s in range(symbols)
    ]
    return TuringMachine(states, symbols, tuple(rows))


@dataclass(frozen=True)
class Code:
    """Which cells of a network stand for what: ``programs`` machines share states and symbols.

    A state has two cells: *look* q, while the symbol under the head is read, and *act* q, while the
    head writes and moves and q is the state to be next. So a step of the machine is two ticks.

    Examples
    --------
    >>> code = Code(states=2, symbols=3, programs=1)
    >>> code.look(1), code.act(1), code.actions(2, -1), code.actions()
    (1, 3, (2, 0), (3, 1))
    """

    states: int
    symbols: int
    programs: int = 1

    @property
    def cells(self) -> list[int]:
        """Cells of the state's factors: look and act, and, of several programs, which."""
        return [2 * self.states] + ([self.programs] if self.programs > 1 else [])

    @property
    def action_cells(self) -> list[int]:
        """Cells of the action's factors: a symbol or none, and a move."""
        return [self.symbols + 1, len(MOVES)]

    def look(self, state: int) -> int:
        """Return the cell that looks in a state."""
        return state

    def act(self, state: int) -> int:
        """Return the cell that acts, and goes on in a state."""
        return self.states + state

    def actions(self, write: int | None = None, move: int = STAY) -> tuple[int, int]:
        """Return the values of the action's two factors; without a symbol nothing is written."""
        return self.symbols if write is None else write, MOVES.index(move)

    def next_cell(self, machine: TuringMachine, cell: int, symbol: int):
        """Return the cell after ``cell`` and what is done meanwhile, for a symbol that was read.

        Where the table says nothing the network goes on looking: it has halted.
        """
        if cell >= self.states:
            return self.look(cell - self.states), self.actions()
        entry = machine.entry(cell, symbol)
        if entry is None:
            return cell, self.actions()
        following, write, move = entry
        return self.act(following), self.actions(write, move)


def one_code(machines: Iterable[TuringMachine]) -> Code:
    """Return the code of a network that is large enough for each of the machines."""
    given = tuple(machines)
    if not given:
        raise SpecError("machines", "one or more", given)
    return Code(max(m.states for m in given), max(m.symbols for m in given), len(given))


def _whole(n) -> bool:
    return isinstance(n, int | np.integer) and not isinstance(n, bool)
