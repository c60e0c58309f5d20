"""Machines that are known: arithmetic, copying, busy beavers, and a universal one of 22 rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sodachi.errors import SpecError
from sodachi.models.turing_machine import TuringMachine

#: The universal machine's symbols, in order: blank, 1, b, b with an arrow right and left, c.
UNIVERSAL_SYMBOLS = "01b><c"

#: Adds one to a binary number (symbols: blank, 0, 1; the head begins on the number).
INCREMENT = TuringMachine.from_words({"A": "_LB 0RA 1RA", "B": "1SH 1SH 0LB"}, "_01")

#: Adds two binary numbers, "101+11" (blank, 0, 1, +): counts the right one down, the left one up.
ADDER = TuringMachine.from_words(
    {
        "A": "_LB 0RA 1RA +RA",  # to the right end
        "B": "- 1LB 0LC _RE",  # one less; below 0 there is nothing left to add
        "C": "- 0LC 1LC +LD",  # to the left number
        "D": "1RA 1RA 0LD -",  # one more
        "E": "- _RE _RE -",  # clears what is left of the right number
    },
    "_01+",
)

#: Copies a row of ones: 111 becomes 111 0 111 (blank 0; the head begins on the left one).
COPY = TuringMachine.from_words(
    {"A": "- 0RB", "B": "0RC 1RB", "C": "1LD 1RC", "D": "0LE 1LD", "E": "1RA 1LE"}, "01"
)

#: Brady's busy beaver of four states (1983): 107 steps, 13 ones.
BUSY_BEAVER_4 = TuringMachine.from_words(
    {"A": "1RB 1LB", "B": "1LA 0LC", "C": "1RH 1LD", "D": "1RD 0RA"}, "01"
)

#: Marxen and Buntrock's of five states (1990): 47,176,870 steps.
BUSY_BEAVER_5 = TuringMachine.from_words(
    {"A": "1RB 1LC", "B": "1RC 1RB", "C": "1RD 0LE", "D": "1LA 1LD", "E": "1RH 0LA"}, "01"
)

#: Rogozhin's universal machine of four states and six symbols (1996), which runs 2-tag systems.
UNIVERSAL = TuringMachine.from_words(
    {
        "A": "<LA <LA >RA bLA 0RA 0RD",
        "B": "1LB 0RB >LC <RB >LB bRB",
        "C": "cRA 1RC <RD bRC - 1RA",
        "D": "cLB 0RD cLB <RD - bRD",
    },
    UNIVERSAL_SYMBOLS,
)

#: By name, for those who want them all in one network.
PROGRAMS = {
    "increment": INCREMENT,
    "adder": ADDER,
    "copy": COPY,
    "busy beaver 4": BUSY_BEAVER_4,
    "busy beaver 5": BUSY_BEAVER_5,
    "universal": UNIVERSAL,
}


def tag_program(
    productions: Mapping[str, Sequence[str]], word: Sequence[str], halt: str
) -> tuple[list[int], int, dict[str, int]]:
    """Return the tape, the head's place and the letters' codes by which `UNIVERSAL` runs a 2-tag.

    A 2-tag system reads its first letter, appends what that produces, and deletes the first two
    letters; it halts where the first is ``halt``. A letter of code N is N ones. To its left lie the
    productions, from the last to the first, each letter's ones between b's. The machine marks N of
    these b's to find the production, and each mark becomes one more 1 of what is appended first:
    so the first letter produced is written with its code less N, and must have the larger code.

    Parameters
    ----------
    productions
        By letter, what it produces (one letter or more), in the order of their codes.
    word
        What the system begins with.
    halt
        The letter that ends it, which produces nothing.

    Raises
    ------
    SpecError
        If a letter produces nothing, or first a letter that does not come after it, or one that is
        unknown.

    References
    ----------
    Rogozhin (1996), Small universal Turing machines.

    Examples
    --------
    >>> marks, head, codes = tag_program({"a": ["H"]}, ["a", "a"], "H")
    >>> "".join(UNIVERSAL_SYMBOLS[s] for s in marks), head, codes
    ('<b1b1b1c1', 6, {'a': 1, 'H': 2})
    """
    codes, code = {}, 1
    for letter, produced in productions.items():
        if not produced:
            raise SpecError(f"productions[{letter!r}]", "one letter or more", produced)
        codes[letter] = code
        code += 2 * len(produced) - 1
    codes[halt] = code
    for letter in [*word, *(one for produced in productions.values() for one in produced)]:
        if letter not in codes:
            raise SpecError("letter", f"one of {sorted(codes)}", letter)
    left = "b"
    for letter, (first, *others) in productions.items():
        if codes[first] <= codes[letter]:
            raise SpecError(f"productions[{letter!r}][0]", f"a letter after {letter!r}", first)
        blocks = ["1" * (codes[first] - codes[letter]), *("1" * codes[one] for one in others)]
        left = "b" + "bb".join(reversed(blocks)) + left
    left = "<b1" + left
    marks = left + "c".join("1" * codes[letter] for letter in word)
    return [UNIVERSAL_SYMBOLS.index(mark) for mark in marks], len(left), codes


def collatz_tag(rounds: int) -> dict[str, list[str]]:
    """Return a 2-tag system that takes aⁿ to Hᵐ, m the ``rounds``-th of n's Collatz numbers.

    ``n → n/2`` or ``(3n + 1)/2``, by De Mol's productions (2008) a → bc, b → a, c → aaa, with new
    letters for each round, so that it ends.

    Examples
    --------
    >>> collatz_tag(1)
    {'a0': ['b0', 'c0'], 'b0': ['H'], 'c0': ['H', 'H', 'H']}
    """
    if rounds < 1:
        raise SpecError("rounds", "1 or more", rounds)
    productions: dict[str, list[str]] = {}
    for i in range(rounds):
        after = "H" if i == rounds - 1 else f"a{i + 1}"
        productions[f"a{i}"] = [f"b{i}", f"c{i}"]
        productions[f"b{i}"] = [after]
        productions[f"c{i}"] = [after] * 3
    return productions
