"""A table's life and its folder: nothing is learned twice, skipped or written twice.

One checkpoint holds everything: network, moments, scores, the place in the file, and the lengths
of the files written. What was written after it is cut off when the life goes on.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

from sodachi.errors import CheckpointError, CommandError
from sodachi.face.learn import CHECKPOINT, Request
from sodachi.face.survey import Survey
from sodachi.face.table_life import Prediction, TableLife
from sodachi.runner.checkpoint import Checkpoint, load, save
from sodachi.runner.journal import Journal
from sodachi.system import Spec, arguments

#: Rows between two looks at the clock.
CHUNK_ROWS = 256
#: Seconds of work that a kill may cost.
CHECKPOINT_SECONDS = 5.0
#: Lines of the quarantine file; what comes after is counted only.
QUARANTINE_LINES = 10_000

#: Lines of the summary that say what emerged and what went.
CHANGES = 20

#: Lives of `sodachi learn` since columns and classes may emerge.
FACTORY = "emerging-table-life"
QUARANTINE = "quarantine.csv"


class KeptLife:
    """A table's life with its folder: checkpoint, predictions, quarantine.

    ``known`` is the survey of a life that begins; without it the life in the folder goes on.

    Raises
    ------
    CheckpointError
        If the kept life is damaged, or not one of `sodachi learn`.
    CommandError
        If it began with another file or another request.
    """

    def __init__(self, request: Request, known: Survey | None):
        self.request, self.source = request, request.source
        self.path = request.folder / CHECKPOINT
        found = load(self.path) if known is None else None
        extra = found.extra if found else {}
        known = known or _resumed(request, found)
        self.asked = _asked(request, known)
        self.life = TableLife(known, request.seed, request.fixed)
        self.spec = Spec(FACTORY, arguments(survey=known.to_json(), **self.asked))
        if found:
            self.life.restore(found.state, extra["notes"])
            self.life.score.restore(extra["score"])
            self.source.seek(found.offset)
        self.quarantined = extra.get("quarantined", 0)
        self.resumed_at = self.source.offset()
        quarantine = request.folder / QUARANTINE
        self.quarantine = Journal(quarantine, extra.get("quarantine_bytes", 0))
        self.journal = None
        if request.predictions:
            self.journal = Journal(request.predictions, extra.get("predictions_bytes", 0))
        if not found:
            self._write_headers()

    def live_through(self, report: Callable[[int, str], None]) -> None:
        """Live chunk by chunk to the end of the stream, saving every few seconds."""
        saved = time.monotonic()
        while rows := list(islice(self.source, CHUNK_ROWS)):
            predictions, broken = self.life.live(rows, self.source.names)
            for row, fault in broken:
                self._put_aside(row, fault)
            if self.journal:
                self.journal.append("".join(map(self._line, predictions)))
            report(self.source.offset(), self.life.score.words())
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                self.save()
                saved = time.monotonic()
        self.save()

    def save(self) -> None:
        """Make everything lasting: the files' lines first, then the checkpoint that counts them."""
        extra: dict[str, Any] = {
            **self.asked,
            "fingerprint": self.source.fingerprint(),
            "score": self.life.score.state(),
            "notes": self.life.notes(),
            "quarantined": self.quarantined,
        }
        for name, journal in (("quarantine", self.quarantine), ("predictions", self.journal)):
            if journal is not None:
                journal.sync()
                extra[f"{name}_bytes"] = journal.length
        save(self.path, self.life.state(), self.spec, self.source.offset(), extra)

    def close(self) -> None:
        """Close the files; lines since the last checkpoint are cut off when it resumes."""
        for journal in (self.quarantine, self.journal):
            if journal is not None:
                journal.close()

    def summary(self) -> list[str]:
        """Return what to tell at the end."""
        score, rows = self.life.score, self.source.offset()
        task = self.life.survey.task
        lines = [f"{rows:,} rows, {task} of {self.request.target}: {score.words()}"]
        if self.resumed_at:
            lines.append(
                f"resumed at row {self.resumed_at:,}; lived {rows - self.resumed_at:,} more"
            )
        unlabelled = rows - score.count - self.quarantined
        if unlabelled:
            lines.append(f"{unlabelled:,} rows without a target: predicted, not scored")
        if self.quarantined:
            place = self.request.folder / QUARANTINE
            lines.append(f"{self.quarantined:,} broken rows put aside: {place}")
        unseen = int(self.life.encoder.unseen.sum())
        if unseen:
            lines.append(f"{unseen:,} categories that had no place: taken as none")
        changes = self.life.changes(rows)
        lines += changes[:CHANGES]
        if len(changes) > CHANGES:
            lines.append(f"{len(changes) - CHANGES:,} more columns or classes came or went")
        if self.request.predictions:
            lines.append(f"predictions: {self.request.predictions}")
        lines.append(f"kept in {self.request.folder}; add rows and repeat the command to go on")
        return lines

    def _put_aside(self, row: int, fault: str) -> None:
        self.quarantined += 1
        if self.quarantined <= QUARANTINE_LINES:
            self.quarantine.append(_csv(row, fault))

    def _write_headers(self) -> None:
        self.quarantine.append(_csv("row", "fault"))
        if self.journal:
            last = "correct" if self.life.classes else "error"
            self.journal.append(_csv("row", "prediction", "truth", last))

    def _line(self, prediction: Prediction) -> str:
        row, said, truth = prediction
        if truth is None:
            return _csv(row, said, "", "")
        return _csv(row, said, truth, self._judged(said, truth))

    def _judged(self, said, truth) -> int | float:
        return int(said == truth) if self.life.classes else said - truth


def _asked(request: Request, known: Survey) -> dict[str, Any]:
    """What must be the same each time the command is repeated."""
    where = str(request.predictions) if request.predictions else None
    task = request.task or known.task
    return {
        "target": request.target,
        "task": task,
        "seed": request.seed,
        "fixed": request.fixed,
        "predictions": where,
    }


def _resumed(request: Request, found: Checkpoint | None) -> Survey:
    """Return the survey of the kept life, if this is the same file and the same request."""
    if found is None or found.spec.factory != FACTORY:
        expected = "a life of this version of `sodachi learn`"
        raise CheckpointError(str(request.folder), expected, "another's")
    extra = found.extra
    known = Survey.from_json(json.loads(found.spec.arguments)["survey"])
    for name, now in _asked(request, known).items():
        if extra.get(name) != now:
            before = f"{extra.get(name)} as when this life began (or another --folder)"
            raise CommandError(f"--{name}", before, now)
    if not request.source.matches(extra["fingerprint"]):
        expected = "the file of this life, longer or as it was (or another --folder)"
        if len(request.source.paths) > 1 or "], [" in extra["fingerprint"]:
            expected = (
                "the files of this life in their order; only the last may be longer, and "
                "others may follow (or another --folder)"
            )
        raise CommandError(str(request.source.path), expected, "changed rows")
    return known


def _csv(*fields: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(fields)
    return out.getvalue()
