"""Boards of handwritten digits, some of them covered, in which no row, column or box repeats one.

What a covered place holds is not in its picture: it follows from the others, and often from others
that are covered too.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sodachi.data import load_digits

#: How often a picture is covered.
COVERED = 0.45
#: Pictures in the order of the data set, whose later ones are by other writers: the first part
#: teaches the reader, the second the rivals, and the rest is the test.
PARTS = (0.5, 0.75)
#: No digit is taken for less likely than this.
DOUBT = 0.01


class Board(NamedTuple):
    """A kind of board: digits 1 to ``size``, in boxes of so many rows and columns."""

    size: int
    rows: int
    columns: int

    @property
    def cells(self) -> int:
        """How many places it has."""
        return self.size**2


def fill(board: Board, rng: np.random.Generator) -> np.ndarray:
    """Return a board [cells] of digits 0 to size − 1: place by place, by chance, with backtracking.

    Examples
    --------
    >>> full = fill(Board(4, 2, 2), np.random.default_rng(0)).reshape(4, 4)
    >>> sorted(full[:, 1].tolist()), sorted(full[2:, :2].ravel().tolist())
    ([0, 1, 2, 3], [0, 1, 2, 3])
    """
    full = np.full((board.size, board.size), -1)

    def fits(place: int) -> bool:
        if place == board.cells:
            return True
        i, j = divmod(place, board.size)
        top, left = i - i % board.rows, j - j % board.columns
        box = full[top : top + board.rows, left : left + board.columns]
        used = {*full[i].tolist(), *full[:, j].tolist(), *box.ravel().tolist()}
        for digit in rng.permutation(board.size).tolist():
            if digit not in used:
                full[i, j] = digit
                if fits(place + 1):
                    return True
        full[i, j] = -1
        return False

    fits(0)
    return full.ravel()


def boards(board: Board, seed: int, learn: int, test: int) -> tuple[np.ndarray, np.ndarray]:
    """Return boards [learn, cells] and [test, cells]; none of the test is among the first.

    Examples
    --------
    >>> [b.shape for b in boards(Board(4, 2, 2), 0, 100, 20)]
    [(100, 16), (20, 16)]
    """
    rng = np.random.default_rng(seed)
    found: dict[bytes, np.ndarray] = {}
    while len(found) < learn + test:
        full = fill(board, rng)
        found.setdefault(full.tobytes(), full)
    every = np.stack(list(found.values()))
    return every[:learn], every[learn:]


class Readings(NamedTuple):
    """What pictures say: ``log p(digit | picture)/p(digit)`` [pictures, size], and the truth."""

    log: np.ndarray
    digit: np.ndarray


@lru_cache(4)
def readings(size: int) -> tuple[Readings, Readings]:
    """Return readings of pictures to learn from, and of pictures of other writers for the test.

    The reader is logistic regression, fitted to the first pictures.

    Examples
    --------
    >>> learn, test = readings(4)
    >>> learn.log.shape, bool((test.log.argmax(-1) == test.digit).mean() > 0.8)
    ((181, 4), True)
    """
    from sklearn.linear_model import LogisticRegression

    X, y = load_digits()
    mine = (y >= 1) & (y <= size)
    X, y = X[mine], y[mine] - 1
    first, second = (int(part * len(X)) for part in PARTS)
    reader = LogisticRegression(max_iter=1000).fit(X[:first], y[:first])
    said = np.log(np.maximum(reader.predict_proba(X[first:]), DOUBT) * size)
    digit, cut = y[first:], second - first
    return Readings(said[:cut], digit[:cut]), Readings(said[cut:], digit[cut:])


def pictured(full: np.ndarray, said: Readings, rng: np.random.Generator) -> np.ndarray:
    """Return what is read of boards [n, cells]: a picture of each digit, 0 where it is covered.

    Examples
    --------
    >>> said = Readings(np.array([[1.0, -1.0], [-2.0, 2.0]]), np.array([0, 1]))
    >>> pictured(np.zeros((1, 4), int), said, np.random.default_rng(0)).tolist()
    [[[1.0, -1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]]
    """
    seen = rng.random(full.shape) >= COVERED
    which = np.zeros(full.shape, int)
    for digit in np.unique(full):
        mine = full == digit
        which[mine] = rng.choice(np.flatnonzero(said.digit == digit), mine.sum())
    return np.where(seen[..., None], said.log[which], 0.0)


def right(belief: np.ndarray, full: np.ndarray) -> dict[str, float]:
    """Return the share of digits read right, and of boards without a mistake."""
    fine = belief.argmax(-1) == full
    return {"accuracy": float(fine.mean()), "boards": float(fine.all(-1).mean())}
