"""`sodachi suite`: all streams of growing up, measured now or as they are committed, one table."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from sodachi.claims import ledger, run_claim
from sodachi.claims.suite import COLUMNS, streams, suite_rows
from sodachi.errors import SodachiError
from sodachi.face.claiming import VERDICTS


def show_suite(as_json: bool) -> int:
    """Print the committed results of every stream; return 0."""
    measured = ledger()
    results = {name: measured[name] for name in streams() if name in measured}
    _print(results, as_json)
    if not as_json:
        missing = [name for name in streams() if name not in results]
        if missing:
            print(f"no full result yet: {', '.join(missing)}")
    return 0


def run_suite(form: str, seeds: int | None, as_json: bool) -> int:
    """Measure every stream in that form and print the table.

    Returns 1 where a target is not met or a stream could not be measured (its data are absent: why
    is said), else 2 where one cannot be judged, else 0.
    """
    results: dict[str, Any] = {}
    absent: dict[str, str] = {}
    for name in streams():
        try:
            results[name] = run_claim(name, form, seeds)
        except SodachiError as error:
            absent[name] = str(error)
    _print(results, as_json)
    if not as_json:
        for name, result in results.items():
            print(f"{name}: {VERDICTS[result['holds']]}")
        for name, why in absent.items():
            print(f"{name}: not measured: {why}")
    holds = [result["holds"] for result in results.values()]
    return 1 if absent or False in holds else 2 if None in holds else 0


def _print(results: dict[str, Any], as_json: bool) -> None:
    rows = list(suite_rows(results))
    if as_json:
        print(json.dumps([row._asdict() for row in rows], indent=2, ensure_ascii=False))
        return
    table = Table(title="the suite", show_edge=False)
    for heading in COLUMNS:
        words = heading in ("stream", "learner")
        table.add_column(heading, justify="left" if words else "right", no_wrap=False)
    for i, row in enumerate(rows):
        last = i + 1 == len(rows) or rows[i + 1].stream != row.stream
        # Of names only the brackets could be taken for markup.
        cells = [cell(row).replace("[", r"\[") for cell in COLUMNS.values()]
        table.add_row(*cells, end_section=last)
    console = Console()
    # A file or a pipe has no width: nothing is to be cut there.
    if not console.is_terminal:
        console = Console(width=250)
    console.print(table)
