"""The predictions file: one line a row, written before the row's label was learned."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sodachi.errors import SpecError
from sodachi.runner.journal import Journal

Decode = Callable[[np.ndarray], Any]


class Predictions:
    """Appends ``row,prediction`` to a CSV file, or ``{"row": …, "prediction": …}`` to a JSONL file.

    Parameters
    ----------
    path
        A name that ends in ``.csv`` or ``.jsonl``.
    decode
        Turns one answer into a JSON value; see `decoder`.
    length
        Bytes that are known to be right (from a checkpoint).

    Raises
    ------
    SpecError
        For another ending.
    CheckpointError
        If the file is shorter than ``length`` or cannot be written.
    """

    def __init__(self, path: Path | str, decode: Decode, length: int = 0):
        if Path(path).suffix not in (".csv", ".jsonl"):
            raise SpecError("predictions", "a file named .csv or .jsonl", path)
        self.journal, self._decode = Journal(path, length), decode
        self._csv = Path(path).suffix == ".csv"
        if self._csv and length == 0:
            self.journal.append("row,prediction\n")

    def append(self, places: np.ndarray, answers: np.ndarray) -> None:
        """Remember one line for each answer; touches no disk."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        for place, answer in zip(places.tolist(), answers, strict=True):
            said = self._decode(answer)
            if not self._csv:
                text.write(json.dumps({"row": place, "prediction": said}) + "\n")
            else:
                rows.writerow([place, *(said if isinstance(said, list) else [said])])
        self.journal.append(text.getvalue())


def decoder(kind: str) -> Decode:
    """Return what an answer is written as: the likeliest class, or the numbers themselves.

    Examples
    --------
    >>> decoder("categorical")(np.array([0.1, 0.9])), decoder("real")(np.array([0.5]))
    (1, 0.5)
    """
    if kind == "categorical":
        return lambda answer: int(answer.argmax())
    return lambda answer: answer.item() if answer.size == 1 else answer.tolist()
