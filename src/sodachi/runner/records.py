"""The records of a life: figures, bad rows, and the written files, kept in step with its state."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sodachi.errors import CheckpointError
from sodachi.runner.journal import Journal
from sodachi.runner.metrics import metrics_for, metrics_from_json
from sodachi.runner.predictions import Decode, Predictions, decoder
from sodachi.runner.quarantine import Good, Quarantine
from sodachi.system import Spec

QUARANTINE = "quarantine.jsonl"


class Files(NamedTuple):
    """What is written beside the checkpoint (see `Life`): a predictions file, bad rows."""

    predictions: Path | str | None = None
    decode: Decode | None = None
    quarantine: bool = False
    quarantine_bytes: int = 1_000_000


class Records:
    """Counts and writes what happens in a life; resumes from what `to_json` returned.

    Memory moves first (`sort`, `score`), files after it (`write`, `sync`): a full disk interrupts
    a life but tears nothing.

    Raises
    ------
    CheckpointError
        If ``saved`` is not what `to_json` returns, or a file is shorter than it was when saved.
    """

    def __init__(
        self,
        folder: Path,
        spec: Spec,
        files: Files,
        window: int,
        incomplete: bool,
        saved: Mapping[str, Any] | None,
    ):
        kind = spec.variable("label").kind
        saved = saved or _birth(kind, window)
        self._journals: dict[str, Journal] = {}
        self._predictions: Predictions | None = None
        try:
            self.rows, self.learned = int(saved["rows"]), int(saved["learned"])
            self.metrics = metrics_from_json(saved["metrics"])
            lengths = {name: int(length) for name, length in saved["journals"].items()}
            counts = {str(reason): int(count) for reason, count in saved["quarantine"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CheckpointError("extra", "the records of a life", repr(error)) from error
        self._open(folder, files, kind, lengths)
        self.quarantine = Quarantine(
            spec,
            incomplete=incomplete,
            journal=self._journals.get("quarantine"),
            limit=files.quarantine_bytes,
        )
        self.quarantine.restore(counts)

    def _open(self, folder: Path, files: Files, kind: str, lengths: Mapping[str, int]) -> None:
        try:
            if files.predictions is not None:
                decode = files.decode or decoder(kind)
                length = lengths.get("predictions", 0)
                self._predictions = Predictions(files.predictions, decode, length)
                self._journals["predictions"] = self._predictions.journal
            if files.quarantine:
                length = lengths.get("quarantine", 0)
                self._journals["quarantine"] = Journal(folder / QUARANTINE, length)
        except BaseException:
            self.close()
            raise

    def sort(self, rows: list[Any], first: int) -> Good:
        """Count the rows and return the good ones; ``first`` is the first one's place."""
        self.rows += len(rows)
        return self.quarantine.sort(rows, first)

    def score(self, good: Good, answers: np.ndarray) -> np.ndarray:
        """Count answers given before learning; return each row's score, NaN without a label."""
        known = good.known()
        scores = np.full(len(known), np.nan)
        scores[known] = self.metrics.update(answers[known], good.labels[known])
        if self._predictions is not None:
            self._predictions.append(good.places, answers)
        self.learned += len(known)
        return scores

    def write(self) -> None:
        """Write new lines to the files; `CheckpointError` when the disk refuses, nothing lost."""
        for journal in self._journals.values():
            journal.write()

    def sync(self) -> None:
        """Write, and return only when all lines are on the disk."""
        for journal in self._journals.values():
            journal.sync()

    def to_json(self) -> dict[str, Any]:
        """Return everything needed to go on; call `sync` first."""
        return {
            "rows": self.rows,
            "learned": self.learned,
            "metrics": self.metrics.to_json(),
            "quarantine": self.quarantine.to_json(),
            "journals": {name: journal.length for name, journal in self._journals.items()},
        }

    def summary(self) -> dict[str, Any]:
        """Return rows taken, rows learned, figures, and bad rows by reason."""
        return {
            "rows": self.rows,
            "learned": self.learned,
            "metrics": self.metrics.summary(),
            "quarantine": self.quarantine.to_json(),
        }

    def close(self) -> None:
        """Close the files; lines that were not synced are written again by a resumed life."""
        for journal in self._journals.values():
            journal.close()


def _birth(kind: str, window: int) -> dict[str, Any]:
    metrics = metrics_for(kind, window).to_json()
    return {"rows": 0, "learned": 0, "metrics": metrics, "journals": {}, "quarantine": {}}
