"""A life: a system that lives a source of rows, predicts before it learns, and survives kill -9.

Everything that the rest of the life depends on is in one checkpoint: the state with its random
keys, the place in the source, the figures, and how long the written files were. Opening a folder
again goes on from there; what a killed process wrote after its last checkpoint is cut off and
written again. So the files are the same, byte for byte, as if nothing had happened.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sodachi.errors import CheckpointError, SpecError
from sodachi.observation import observe
from sodachi.runner import checkpoint as checkpoints
from sodachi.runner.files import make_folder, sweep
from sodachi.runner.health import health
from sodachi.runner.lock import FolderLock
from sodachi.runner.predicting import ANSWER, living_program
from sodachi.runner.predictions import Decode
from sodachi.runner.quarantine import Good
from sodachi.runner.records import Files, Records
from sodachi.runner.settings import Settings
from sodachi.runner.sources import same_source
from sodachi.system import System
from sodachi.worlds.source import Source

log = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.safetensors"


class Chunk(NamedTuple):
    """What one chunk of rows gave: places in the source, answers before learning, and outputs.

    ``scores`` are 1 and 0 for right and wrong, or squared errors; NaN where no label was known.
    """

    places: np.ndarray
    answers: np.ndarray
    scores: np.ndarray
    outputs: dict[str, np.ndarray]


class Life:
    """A system living a source in a folder of its own; opening the folder again resumes it.

    Rows ``(x, y)`` are taken in chunks that begin at multiples of ``chunk``. For each row the
    system lives ``ticks_before`` ticks with the label absent (the last one's estimate is the
    answer), then ``ticks_after`` with it. Checkpoints fall on ends of chunks.

    Parameters
    ----------
    folder
        Made if there is none; one process at a time.
    system
        A System without lanes that observes ``input`` and ``label``.
    source
        An iterator of rows with ``offset()`` and ``seek(offset)``; where it also has a
        ``fingerprint()``, another source is refused (by its ``matches(fingerprint)``, if any).
    seed
        Of the birth; an old life keeps its own.
    predictions
        A ``.csv`` or ``.jsonl`` file to write every answer to; overwritten at birth.
    decode
        What is written for an answer (an array); default the likeliest class, or the numbers.
    quarantine
        Whether bad rows are also written to the folder; they are always counted.
    on_chunk
        Called with ``(life, chunk)`` after each chunk that had a good row.
    **settings
        Fields of `Settings`.

    Raises
    ------
    LockError
        If another process lives in this folder.
    CheckpointError
        If the folder's checkpoint is damaged or another system's, or the disk fails.
    SpecError
        If system, source or settings do not fit.

    Examples
    --------
    >>> import tempfile
    >>> from sodachi.models import backprop_net
    >>> from sodachi.worlds import RewiredDigits
    >>> folder, net = tempfile.mkdtemp(), backprop_net(layers=(64, 10))
    >>> with Life(folder, net, RewiredDigits(seed=0)) as life:
    ...     _ = life.live(300)
    >>> with Life(folder, net, RewiredDigits(seed=0)) as life:
    ...     life.live(100)["rows"]
    400
    """

    def __init__(
        self,
        folder: Path | str,
        system: System,
        source: Source,
        *,
        seed: int = 0,
        predictions: Path | str | None = None,
        decode: Decode | None = None,
        quarantine: bool = False,
        on_chunk: Callable[[Life, Chunk], None] | None = None,
        **settings: Any,
    ):
        self.settings = s = Settings.checked(**settings)
        if not isinstance(source, Source):
            raise SpecError("source", "an iterator with offset() and seek()", type(source).__name__)
        self.folder, self.source, self.on_chunk = Path(folder), source, on_chunk
        self.system, self._live = living_program(
            system, s.ticks_before, s.ticks_after, tuple(s.keep), s.chunk
        )
        self._outputs: dict[str, np.ndarray] = {}
        self._torn = False
        make_folder(self.folder)
        self._lock = FolderLock(self.folder)
        self.records: Records | None = None
        try:
            sweep(self.folder)
            self._wake(seed, Files(predictions, decode, quarantine, s.quarantine_bytes))
        except BaseException:
            self.close()
            raise

    def _wake(self, seed: int, files: Files) -> None:
        path = self.folder / CHECKPOINT
        old = checkpoints.load(path, self.system.spec) if path.exists() else None
        self.state = old.state if old else self.system.init(seed)
        self.offset = old.offset if old else self.source.offset()
        s, extra = self.settings, old.extra if old else None
        self._fingerprint = same_source(self.source, (extra or {}).get("source"))
        self.source.seek(self.offset)
        self.records = Records(self.folder, self.system.spec, files, s.window, s.incomplete, extra)
        self._saved = (self.rows if old else None, time.monotonic())
        log.info("%s: %s at row %d", self.folder, "resumed" if old else "born", self.rows)

    @property
    def rows(self) -> int:
        """Rows taken from the source since birth, good and bad."""
        return self._records.rows

    @property
    def quarantine(self) -> dict[str, int]:
        """Rows set aside since birth, by reason."""
        return self._records.quarantine.to_json()

    @property
    def _records(self) -> Records:
        if self.records is None:
            raise CheckpointError("life", "an open life", "a closed one")
        return self.records

    def live(self, rows: int | None = None) -> dict[str, Any]:
        """Live ``rows`` more rows, or to the end of the source; save; return `summary`.

        Raises
        ------
        CheckpointError
            If the disk fails: nothing is lost, and calling again goes on. After any other error in
            the middle of a chunk the folder must be opened again.
        """
        if rows is not None and (type(rows) is not int or rows < 0):
            raise SpecError("rows", "a whole number from 0, or None", rows)
        until = None if rows is None else self.rows + rows
        chunk = self.settings.chunk
        while until is None or self.rows < until:
            size = chunk - self.rows % chunk
            size = size if until is None else min(size, until - self.rows)
            more = self._chunk(size)
            if self._due():
                self.checkpoint()
            if not more:
                break
        if self.rows != self._saved[0]:
            self.checkpoint()
        return self.summary()

    def _chunk(self, size: int) -> bool:
        """Live the next rows, at most ``size``; return whether the source may have more."""
        self._refuse_torn()
        self._torn = True  # until all that belongs together has moved together
        taken = list(islice(self.source, size))
        good = self._records.sort(taken, self.offset)
        lived = self._learn(good) if len(good.places) else None
        self.offset = self.source.offset()
        if self.system.grow and taken and self.rows % self.settings.chunk == 0:
            self.state = self.system.grow(self.state)
        self._torn = False
        if lived is not None and self.on_chunk is not None:
            self.on_chunk(self, lived)
        self._records.write()
        return len(taken) == size

    def _learn(self, good: Good) -> Chunk:
        n = len(good.places)
        first = np.zeros(n, bool)
        first[0] = self._records.learned == 0
        observations = observe(
            self.system.spec,
            steps=n,
            first=first,
            missing="absent",
            input=good.inputs,
            label=good.label_values(self.system.spec.variable("label")),
        )
        self.state, outputs = self._live(self.state, observations, checked=True)
        answers = outputs[ANSWER]
        self._outputs = outputs
        return Chunk(good.places, answers, self._records.score(good, answers), outputs)

    def checkpoint(self) -> None:
        """Save now: first the written files, then the checkpoint that knows how long they are."""
        self._refuse_torn()
        self._records.sync()
        extra = {**self._records.to_json(), "source": self._fingerprint}
        path = self.folder / CHECKPOINT
        checkpoints.save(path, self.state, self.system.spec, self.offset, extra)
        self._saved = (self.rows, time.monotonic())

    def _due(self) -> bool:
        every, seconds = self.settings.every_rows, self.settings.every_seconds
        rows, when = self._saved
        if every is not None and self.rows // every > (rows or 0) // every:
            return True
        return seconds is not None and time.monotonic() - when >= seconds

    def _refuse_torn(self) -> None:
        if self._torn:
            got = "one broken off in a chunk: open it again"
            raise CheckpointError("life", "a whole life", got)

    def summary(self) -> dict[str, Any]:
        """Return rows taken, rows learned, figures, and bad rows by reason."""
        return self._records.summary()

    def health(self) -> dict[str, Any]:
        """Return `health` of the state and of the last chunk's outputs."""
        return health(self.state, self._outputs)

    def close(self) -> None:
        """Let go of the folder, unsaved: what was lived since the last save is lived again."""
        if self.records is not None:
            self.records.close()
        self.records = None
        self._lock.release()

    def __enter__(self) -> Life:
        return self

    def __exit__(self, *_) -> None:
        self.close()
