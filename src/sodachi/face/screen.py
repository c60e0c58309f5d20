"""What the demo says while it runs: a live table on a terminal, aligned lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

TAIL = 12  # worlds a live table shows: it has to fit a small terminal
WORLD, NUMBER = 22, 15  # widths of plain columns


class Screen:
    """Says lines with the seconds since the start, and shows accuracies world by world."""

    def __init__(self, plain: bool):
        self.plain = plain
        self._console = Console(highlight=False)
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._begun

    def say(self, line: str) -> None:
        """Say one thing, with the time."""
        stamp = f"[{self.seconds:3.0f}s]"
        if self.plain:
            print(stamp, line, flush=True)
        else:
            self._console.print(f"[dim]\\{stamp}[/dim] {_escaped(line)}", soft_wrap=True)

    def more(self, line: str = "", indent: int = 7) -> None:
        """Say more of the same, indented under the last `say`."""
        text = " " * indent + line if line else ""
        if self.plain:
            print(text, flush=True)
        else:
            self._console.print(_escaped(text), soft_wrap=True)

    @contextmanager
    def table(self, names: Sequence[str]):
        """Show a table that grows: yields ``add(world, values by name, units)``."""
        rows: list[tuple[str, dict[str, float], int]] = []
        if self.plain:
            print("  " + _columns("world", names, "units alive"), flush=True)

            def add_line(world: str, values: dict[str, float], units: int) -> None:
                cells = [f"{values[name]:.1%}" for name in names]
                print("  " + _columns(world, cells, str(units)), flush=True)

            yield add_line
            return
        with Live(_table(names, rows), console=self._console, refresh_per_second=8) as live:

            def add_row(world: str, values: dict[str, float], units: int) -> None:
                rows.append((world, values, units))
                live.update(_table(names, rows))

            yield add_row


def _columns(first: str, middle: Sequence[str], last: str) -> str:
    """Return a line of aligned columns.

    Examples
    --------
    >>> _columns("world", ["a"], "b").split()
    ['world', 'a', 'b']
    """
    cells = "".join(f"{cell:>{NUMBER}}" for cell in middle)
    return f"{first:<{WORLD}}{cells}{last:>{NUMBER}}"


def _table(names: Sequence[str], rows: list) -> Table:
    """Return the last rows and, below, the mean of all: the best of a row stands out."""
    table = Table()
    table.add_column("world", min_width=20)
    for name in names:
        table.add_column(name, justify="right")
    table.add_column("units alive", justify="right")
    for world, values, units in rows[-TAIL:]:
        best = max(values.values())
        cells = [
            f"[bold]{values[n]:.1%}[/bold]" if values[n] == best else f"{values[n]:.1%}"
            for n in names
        ]
        table.add_row(world, *cells, str(units), style="cyan" if "returns" in world else None)
    if rows:
        means = [sum(values[n] for _, values, _ in rows) / len(rows) for n in names]
        table.add_section()
        table.add_row(f"mean of {len(rows)}", *[f"{m:.1%}" for m in means], "")
    return table


def _escaped(text: str) -> str:
    """Return text in which no square bracket is taken for rich's markup."""
    return text.replace("[", r"\[")
