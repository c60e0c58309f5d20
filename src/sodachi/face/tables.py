"""Tables: a CSV file as a stream of rows with an offset, and what its columns mean.

Files are read by the standard `csv` module, row by row in constant memory; nothing here differs
with or without pandas.
"""

from __future__ import annotations

import csv
import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from sodachi.errors import CommandError, DataError

#: Entries that mean "not known" (compared without case or surrounding blanks).
MISSING = frozenset({"", "?", "-", "na", "n/a", "nan", "null", "none"})

#: Bytes at the head of a file that identify it; rows may be appended later.
HEAD_BYTES = 65_536


class Row(NamedTuple):
    """One row of a table: its number (0 is the first after the header), and its fields.

    ``fields`` is None where the row is broken; ``fault`` then says how.
    """

    number: int
    fields: tuple[str, ...] | None
    fault: str = ""


class RowSource(Protocol):
    """What is read as rows: one file, or several (`CsvSource`, `JsonSource`, `Stream`)."""

    @property
    def path(self) -> Path:
        """The file that errors are told of."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The columns so far; they may become more while rows are read."""
        ...

    def knows(self, name: str) -> bool:
        """Return whether there is such a column anywhere."""
        ...

    def again(self) -> RowSource:
        """Return the same rows from the first."""
        ...

    def __iter__(self) -> Iterator[Row]: ...


class Counted(ABC):
    """What every source of rows does: it counts what it gives, and goes back by beginning anew."""

    path: Path
    _given: int
    _rows: Iterator[Row]

    @abstractmethod
    def _begin(self) -> None:
        """Stand before the first row."""

    def offset(self) -> int:
        """Return how many rows have been given."""
        return self._given

    def seek(self, offset: int) -> None:
        """Go to the row of that number; `DataError` when there are fewer rows."""
        if offset < self._given:
            self._begin()
        while self._given < offset:
            if next(self, None) is None:
                raise DataError(str(self.path), f"{offset} rows or more", f"{self._given}")

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        row = next(self._rows)
        self._given += 1
        return row


class CsvSource(Counted):
    r"""The rows of a CSV file, in order, as an iterator that knows and can set its position.

    ``offset()`` is the number of rows already given; ``seek(offset)`` goes there. Blank lines are
    no rows. A row with a wrong number of fields, or one that cannot be parsed, is given as broken.

    Raises
    ------
    CommandError
        If the file is missing or not a file.
    DataError
        If it is empty, has no usable header, or is not UTF-8 text.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "t.csv"
    >>> _ = path.write_text("a,b\n1,2\n3\n")
    >>> source = CsvSource(path)
    >>> source.names, next(source).fields, next(source).fault, source.offset()
    (('a', 'b'), ('1', '2'), 'expected 2 fields, got 1', 2)
    """

    def __init__(self, path: Path | str):
        self.path: Path = Path(path)
        if not self.path.is_file():
            raise CommandError("file", "an existing CSV file", self.path)
        self.delimiter = ","
        self.names = self._header()
        self._begin()

    def _begin(self) -> None:
        self._given, self._rows = 0, self._open()

    def again(self) -> CsvSource:
        """Return the same file from its first row."""
        return CsvSource(self.path)

    def knows(self, name: str) -> bool:
        """Return whether the file has this column."""
        return name in self.names

    def fingerprint(self) -> str:
        """Return a hash of the head of the file and its length: a row appended leaves it alone."""
        return fingerprint_of(self.path)

    def matches(self, fingerprint: str) -> bool:
        """Return whether this is the file, perhaps longer by now, that gave the fingerprint."""
        return is_same_file(self.path, fingerprint)

    def _header(self) -> tuple[str, ...]:
        with self._text() as file:
            line = self._decoded(lambda: next((x for x in file if x.strip()), ""))
        if not line:
            raise DataError(str(self.path), "a header line and rows", "an empty file")
        self.delimiter = max(",;\t|", key=lambda mark: (line.count(mark), mark == ","))
        with self._text() as file:
            rows = csv.reader(file, delimiter=self.delimiter)
            names = tuple(name.strip() for name in next(row for row in rows if any(row)))
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DataError(f"{self.path} header", "different column names", f"{twice[0]!r} twice")
        return names

    def _open(self) -> Iterator[Row]:
        number, width = -1, len(self.names)
        with self._text() as file:
            rows = csv.reader(file, delimiter=self.delimiter)
            header = True
            while True:
                try:
                    fields = self._decoded(lambda: next(rows, None))
                except csv.Error as error:
                    number += 1
                    yield Row(number, None, f"expected one row of CSV, got {error}")
                    continue
                if fields is None:
                    return
                if not fields or (len(fields) == 1 and width > 1 and not fields[0].strip()):
                    continue
                if header:
                    header = False
                    continue
                number += 1
                if len(fields) == width:
                    yield Row(number, tuple(field.strip() for field in fields))
                else:
                    fault = f"expected {width} fields, got {len(fields)}"
                    yield Row(number, None, fault)

    def _text(self):
        return self.path.open(encoding="utf-8-sig", newline="")

    def _decoded(self, read):
        try:
            return read()
        except UnicodeDecodeError as error:
            got = f"byte 0x{error.object[error.start]:02x}"
            raise DataError(str(self.path), "UTF-8 text", got) from error


def fingerprint_of(path: Path) -> str:
    """Return the length and hash of the head of a file."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return f"{len(head)}:{hashlib.sha256(head).hexdigest()}"


def is_same_file(path: Path, fingerprint: str) -> bool:
    """Return whether a file, perhaps longer by now, has the head of that `fingerprint_of`."""
    length, _, digest = fingerprint.partition(":")
    with path.open("rb") as file:
        head = file.read(int(length))
    return hashlib.sha256(head).hexdigest() == digest


def entry(fields: tuple[str, ...], index: int) -> str:
    """Return a field, empty (not known) where the row was read before its column had come."""
    return fields[index] if index < len(fields) else ""


def is_missing(field: str) -> bool:
    """Return whether an entry means "not known".

    Examples
    --------
    >>> is_missing(" NaN "), is_missing("0")
    (True, False)
    """
    return field.strip().lower() in MISSING


def number(field: str) -> float | None:
    """Return the entry as a finite number of magnitude ≤ 1e30, or None where it is not one.

    Examples
    --------
    >>> number("1e3"), number("inf"), number("red"), number("1_000")
    (1000.0, None, None, None)
    """
    if "_" in field:  # Python's own spelling of numbers, not a table's
        return None
    try:
        value = float(field)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= 1e30 else None
