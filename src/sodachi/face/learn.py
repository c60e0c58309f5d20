"""`sodachi learn`: live through CSV files or JSON lines, and go on after any interruption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from sodachi.errors import CommandError
from sodachi.face.sources import Stream, check_files
from sodachi.face.survey import TASKS, survey

#: The file in the folder that holds a life.
CHECKPOINT = "life.safetensors"


class Request(NamedTuple):
    """What was asked for on the command line, checked as far as it can be without a network."""

    source: Stream
    target: str
    predictions: Path | None
    folder: Path
    task: str | None
    seed: int
    fixed: bool = False


def check_request(
    files: Sequence[Path],
    target: str,
    predictions: Path | None = None,
    folder: Path | None = None,
    task: str | None = None,
    seed: int = 0,
    fixed: bool = False,
) -> Request:
    """Return the request; `CommandError` or `DataError` before anything heavy is imported."""
    source = check_files(files)
    if not source.knows(target):
        raise CommandError("--target", f"one of {', '.join(source.names)}", target)
    if task not in (None, *TASKS):
        raise CommandError("--task", " or ".join(TASKS), task)
    folder = folder or Path(f"{files[0].stem}.life")
    if folder.exists() and not folder.is_dir():
        raise CommandError("--folder", "a folder", folder)
    if predictions is not None:
        predictions = predictions.resolve()
        if not predictions.parent.is_dir():
            raise CommandError("--predictions", "a file in an existing folder", predictions)
        if predictions.is_dir() or predictions in [file.resolve() for file in files]:
            raise CommandError("--predictions", "another file", predictions)
    return Request(source, target, predictions, folder, task, seed, fixed)


def learn_table(request: Request, live: bool = False) -> int:
    """Live through the rest of the files, print the score as it goes, and return 0."""
    born = (request.folder / CHECKPOINT).exists()
    known = None if born else survey(request.source, request.target, request.task)

    from sodachi.face.kept import KeptLife
    from sodachi.runner.files import sweep
    from sodachi.runner.lock import FolderLock

    request.folder.mkdir(parents=True, exist_ok=True)
    with FolderLock(request.folder):
        sweep(request.folder)
        kept = KeptLife(request, known)
        try:
            with Reporter(live) as report:
                kept.live_through(report)
        finally:
            kept.close()
    for line in kept.summary():
        print(line)
    return 0


class Reporter:
    """Shows the score as it goes: one live line on a terminal, else a line at round numbers."""

    def __init__(self, live: bool):
        self._live, self._status, self._next = live, None, 1_000

    def __enter__(self) -> Callable[[int, str], None]:
        if self._live:
            from rich.console import Console

            self._status = Console().status("")
            self._status.start()
        return self._report

    def __exit__(self, *_) -> None:
        if self._status is not None:
            self._status.stop()

    def _report(self, row: int, words: str) -> None:
        if self._status is not None:
            self._status.update(f"row {row:,}  {words}")
        elif row >= self._next:
            print(f"row {row:,}  {words}", flush=True)
            while row >= self._next:
                self._next *= 2
