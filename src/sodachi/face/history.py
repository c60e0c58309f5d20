"""When columns and classes came and went in a stream: first and last row, and the longest gap."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from typing import Any

#: Rows of silence after which something may be said to have gone, or to have come late.
GONE_ROWS = 100


class History:
    """For each name the first and last row in which it was there, and its longest absence.

    Examples
    --------
    >>> history = History()
    >>> for row in range(1000):
    ...     history.note(row, [name for name, at in [("a", 0), ("b", 700)] if row >= at])
    ...     history.note(row, ["c"] if row < 300 else [])
    >>> history.lines("column", 1000, at_birth="abc")
    ['column c: not since row 299', 'column b emerged at row 700']
    """

    def __init__(self, state: dict[Any, list[int]] | None = None):
        self.seen = {name: list(rows) for name, rows in (state or {}).items()}

    def note(self, row: int, names: Iterable[Hashable]) -> None:
        """Note who was there in a row; rows come in order."""
        for name in names:
            record = self.seen.setdefault(name, [row, row, 0])
            record[2] = max(record[2], row - record[1])
            record[1] = row

    def state(self) -> dict[str, Any]:
        """Return the records as JSON values; the constructor takes them back."""
        return {name: list(record) for name, record in self.seen.items()}

    def lines(self, what: str, rows: int, at_birth: Collection[str] = ()) -> list[str]:
        """Return in words who emerged, and who has been silent for too long.

        Emerged is who was not known ``at_birth``, or came first after `GONE_ROWS`. Too long is more
        than `GONE_ROWS` and twice the longest absence before.
        """
        said = []
        for name, (first, last, gap) in self.seen.items():
            if name not in at_birth or first > GONE_ROWS:
                said.append(f"{what} {name} emerged at row {first:,}")
            if rows - 1 - last > max(GONE_ROWS, 2 * gap):
                said.append(f"{what} {name}: not since row {last:,}")
        return said
