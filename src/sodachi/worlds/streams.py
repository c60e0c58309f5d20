"""Streams whose worlds are rewired, drift and return, exact from a seed and an offset."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sodachi.errors import DataError, SpecError
from sodachi.worlds.checks import labels, rows, whole
from sodachi.worlds.score import score
from sodachi.worlds.source import Source, WorldInfo

__all__ = ["MODES", "RewiredDigits", "RewiredWorlds", "Source", "WorldInfo", "score"]

MODES = ("pixels", "labels", "drift", "unseen")
# What each stream of random numbers is for; a world's draws depend on (seed, purpose, world) only.
_PIXELS, _LABELS, _ORDER, _RETURN, _SWAPS, _HALF = range(6)


class RewiredWorlds:
    r"""Rows of a data set, in one world after another; every ``every``-th is an earlier one.

    World ``i`` shows each row once, or ``length`` of them, in an order of its own. With a random
    permutation
    :math:`\pi_i` of the columns, a row x of the data set appears as

    .. math:: x'_j = x_{\pi_i(j)}

    Where ``i % every == every - 1``, :math:`\pi_i` is that of one of the earlier distinct worlds,
    each equally likely; the order is new.

    Parameters
    ----------
    X : float [n, d]
        Rows of finite numbers.
    y : int [n]
        Labels from 0.
    seed : int
        Everything random depends on the seed and the world's number only, so a longer stream
        begins with the shorter one.
    worlds : int
        How many worlds.
    every : int
        Period of returns, at least 2; 0 for none.
    mode : str
        ``"pixels"``: columns are permuted, as above. ``"labels"``: the labels are permuted
        instead. ``"unseen"``: as pixels, but each distinct world shows a fixed random half of the
        rows when it is new and the other half when it returns. ``"drift"``: the permutation never
        jumps and nothing returns; in each world ``swaps`` random pairs of columns change places,
        one at a time, evenly spaced.
    swaps : int, optional
        The rate of the drift, pairs a world; an eighth of the columns when not given, which moves
        about a quarter of them a world.
    length : int, optional
        How many rows a visit shows, drawn anew each time without replacement; all that the mode
        has when not given.

    Raises
    ------
    SpecError
        A parameter or array is not as described.

    Examples
    --------
    >>> X = np.arange(6, dtype=np.float32).reshape(3, 2)
    >>> stream = RewiredWorlds(X, np.array([0, 1, 2]), seed=1, worlds=5)
    >>> rows, labels, info = stream.world(4)
    >>> rows.shape, sorted(labels.tolist()), info.returning, info.original < 4
    ((3, 2), [0, 1, 2], True, True)
    >>> stream.seek(7)
    >>> x, label = next(stream)
    >>> stream.offset()
    8

    References
    ----------
    Permuted streams: Goodfellow, Mirza, Xiao, Courville & Bengio, An empirical investigation of
    catastrophic forgetting in gradient-based neural networks (2013).
    """

    def __init__(
        self,
        X,
        y,
        seed: int = 0,
        worlds: int = 125,
        every: int = 5,
        mode: str = "pixels",
        swaps: int | None = None,
        length: int | None = None,
    ):
        self._X, self._y = rows(X), labels(y)
        n, d = self._X.shape
        if len(self._y) != n:
            raise SpecError("y", f"{n} labels", len(self._y))
        self.seed, self.worlds_count = whole("seed", seed, 0), whole("worlds", worlds, 1)
        if mode not in MODES:
            raise SpecError("mode", f"one of {', '.join(MODES)}", repr(mode))
        if whole("every", every, 0) == 1:
            raise SpecError("every", "0 or at least 2", 1)
        self.mode, self.every = mode, (0 if mode == "drift" else every)
        self.swaps = whole("swaps", d // 8 if swaps is None else swaps, 0)
        self.classes = int(self._y.max()) + 1
        self._there = n // 2 if mode == "unseen" else n  # rows that a world may show
        if self._there == 0:
            raise SpecError("X", "at least two rows", n)
        self.length = whole("length", self._there if length is None else length, 1)
        if self.length > self._there:
            raise SpecError("length", f"at most {self._there}, the rows there are", length)
        self.infos = self._plan()
        self._starts = self._drift() if mode == "drift" else None
        self._offset = 0
        self._block: tuple[int, np.ndarray, np.ndarray] | None = None

    def __len__(self) -> int:
        return self.worlds_count * self.length

    def __iter__(self) -> Iterator[tuple[np.ndarray, int]]:
        return self

    def __next__(self) -> tuple[np.ndarray, int]:
        if self._offset >= len(self):
            raise StopIteration
        index, row = divmod(self._offset, self.length)
        if self._block is None or self._block[0] != index:
            X, y, _ = self.world(index)
            self._block = index, X, y
        self._offset += 1
        return self._block[1][row], int(self._block[2][row])

    def offset(self) -> int:
        """Return the number of the next row."""
        return self._offset

    def seek(self, offset: int) -> None:
        """Make the row with this number the next one; the work is at most one world's.

        Raises
        ------
        DataError
            The stream has no such place; it stays where it was.
        """
        if not isinstance(offset, int | np.integer) or not 0 <= offset <= len(self):
            raise DataError("offset", f"0 to {len(self)}", repr(offset))
        self._offset = int(offset)

    def world(self, index: int) -> tuple[np.ndarray, np.ndarray, WorldInfo]:
        """Return one world whole: ``X`` float32 [length, d], ``y`` int32 [length], its info.

        The arrays are fresh and read-only; the place in the stream does not change.

        Raises
        ------
        DataError
            There is no world of this number.
        """
        if not isinstance(index, int | np.integer) or not 0 <= index < self.worlds_count:
            raise DataError("world", f"0 to {self.worlds_count - 1}", repr(index))
        info = self.infos[index]
        order = self._order(info)
        X, y = self._X[order], self._y[order]
        if self.mode == "labels":
            y = self._random(_LABELS, info.original).permutation(self.classes)[y]
        else:
            X = np.take_along_axis(X, self._wiring(info), axis=1)
        X, y = np.ascontiguousarray(X, np.float32), np.ascontiguousarray(y, np.int32)
        X.flags.writeable = y.flags.writeable = False
        return X, y, info

    def worlds(self) -> Iterator[tuple[np.ndarray, np.ndarray, WorldInfo]]:
        """Yield every world from the first, as `world` returns it."""
        return (self.world(index) for index in range(self.worlds_count))

    def _random(self, purpose: int, index: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, purpose, index])

    def _plan(self) -> tuple[WorldInfo, ...]:
        """Decide which worlds return, and which earlier one each of them is."""
        infos, new, lived = [], [], {}
        for index in range(self.worlds_count):
            returning = self.every > 0 and index % self.every == self.every - 1
            original = index
            if returning:
                original = new[self._random(_RETURN, index).integers(len(new))]
            else:
                new.append(index)
            visit = lived.get(original, 0)
            lived[original] = visit + 1
            infos.append(WorldInfo(index, returning, original, visit))
        return tuple(infos)

    def _order(self, info: WorldInfo) -> np.ndarray:
        """Return the data set's rows in the order this visit shows them."""
        order = self._random(_ORDER, info.index)
        if self.mode != "unseen":
            return order.permutation(self._there)[: self.length]
        # Of an odd number of rows one is left out, so that all worlds are equally long.
        halves = self._random(_HALF, info.original).permutation(len(self._X))
        start = self._there if info.returning else 0
        return order.permutation(halves[start : start + self._there])[: self.length]

    def _wiring(self, info: WorldInfo) -> np.ndarray:
        """Return, for each row, which column each place shows: [1 or length, d]."""
        d = self._X.shape[1]
        if self._starts is None:
            return self._random(_PIXELS, info.original).permutation(d)[None]
        stages = np.repeat(self._starts[info.index][None], self.swaps + 1, axis=0)
        for k, (a, b) in enumerate(self._pairs(info.index)):
            stages[k + 1 :, [a, b]] = stages[k + 1 :, [b, a]]
        times = (np.arange(1, self.swaps + 1) * self.length) // (self.swaps + 1)
        return stages[np.searchsorted(times, np.arange(self.length), side="right")]

    def _pairs(self, index: int) -> np.ndarray:
        """Return the pairs of different places that change in one world: [swaps, 2]."""
        d = self._X.shape[1]
        random = self._random(_SWAPS, index)
        first = random.integers(d, size=self.swaps)
        return np.stack([first, (first + random.integers(1, d, size=self.swaps)) % d], axis=1)

    def _drift(self) -> np.ndarray:
        """Return the wiring with which each world begins, where the last one ended."""
        d = self._X.shape[1]
        if d < 2:
            raise SpecError("X", "at least two columns to drift", d)
        starts = np.empty((self.worlds_count, d), np.int64)
        wiring = self._random(_PIXELS, 0).permutation(d)
        for index in range(self.worlds_count):
            starts[index] = wiring
            for a, b in self._pairs(index):
                wiring[[a, b]] = wiring[[b, a]]
        return starts


class RewiredDigits(RewiredWorlds):
    """`RewiredWorlds` on scikit-learn's digits: 64 pixels, 10 labels, 1,797 samples a world.

    In mode ``"drift"`` 8 pairs of pixels change places a world, one every 200 samples.

    Examples
    --------
    >>> stream = RewiredDigits(seed=0, worlds=125)
    >>> len(stream), sum(info.returning for info in stream.infos)
    (224625, 25)
    """

    def __init__(
        self,
        seed: int = 0,
        worlds: int = 125,
        every: int = 5,
        mode: str = "pixels",
        swaps: int | None = None,
    ):
        from sodachi.data import load_digits

        super().__init__(*load_digits(), seed, worlds, every, mode, swaps)
