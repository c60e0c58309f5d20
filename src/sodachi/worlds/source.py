"""What a stream is to whoever reads it: rows in order, a place, and a way back to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class Source(Protocol):
    """An iterator of rows ``(x: float32 [d], y: int)`` that knows its place and can go back to it.

    After ``seek(k)`` the next row is the k-th of the stream, the same bit for bit as at the first
    reading; ``offset()`` is the number of the row that comes next.
    """

    def __iter__(self) -> Iterator[tuple[np.ndarray, int]]: ...

    def __next__(self) -> tuple[np.ndarray, int]: ...

    def offset(self) -> int:
        """Return the number of the next row."""
        ...

    def seek(self, offset: int) -> None:
        """Make the row with this number the next one."""
        ...


@dataclass(frozen=True)
class WorldInfo:
    """Which world this is: ``original`` is the earlier world that returns, or its own index.

    ``visit`` counts how often that world has been lived in before (0 for a new one).
    """

    index: int
    returning: bool
    original: int
    visit: int
