"""JSON lines as a source of rows: one object a line, whose keys may come and go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from sodachi.errors import CommandError, DataError
from sodachi.face.tables import Counted, Row, fingerprint_of, is_same_file

#: Names of files that are read as JSON lines; all others are CSV.
SUFFIXES = (".jsonl", ".ndjson")


class JsonSource(Counted):
    r"""The objects of a file of JSON lines, in order, with the position and names of `CsvSource`.

    ``names`` grows: a key takes the next column when it first comes. A row's fields are as many as
    there were names by then; a key that an object does not have is an empty field (not known). A
    line that is no object, or has a value that is a list or an object, is given as broken.

    Raises
    ------
    CommandError
        If the file is missing or not a file.
    DataError
        If it is not UTF-8 text.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "t.jsonl"
    >>> _ = path.write_text('{"a": 1}\n{"b": "x", "a": null}\n[]\n')
    >>> source = JsonSource(path)
    >>> [(row.fields, row.fault) for row in source]
    [(('1',), ''), (('', 'x'), ''), (None, 'expected one JSON object, got a list')]
    >>> source.names
    ('a', 'b')
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        if not self.path.is_file():
            raise CommandError("file", "an existing file of JSON lines", self.path)
        self._begin()

    def _begin(self) -> None:
        self._names: dict[str, int] = {}
        self._given, self._rows = 0, self._open()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns so far, in the order in which they came."""
        return tuple(self._names)

    def again(self) -> JsonSource:
        """Return the same file from its first row."""
        return JsonSource(self.path)

    def knows(self, name: str) -> bool:
        """Return whether any line of the file has this key."""
        fresh = self.again()
        return any(name in fresh._names for _ in fresh)

    def fingerprint(self) -> str:
        """Return a hash of the head of the file and its length: a row appended leaves it alone."""
        return fingerprint_of(self.path)

    def matches(self, fingerprint: str) -> bool:
        """Return whether this is the file, perhaps longer by now, that gave the fingerprint."""
        return is_same_file(self.path, fingerprint)

    def _open(self) -> Iterator[Row]:
        number = -1
        with self.path.open(encoding="utf-8-sig") as file:
            while True:
                try:
                    line = file.readline()
                except UnicodeDecodeError as error:
                    got = f"byte 0x{error.object[error.start]:02x}"
                    raise DataError(str(self.path), "UTF-8 text", got) from error
                if not line:
                    return
                if line.strip():
                    number += 1
                    yield self._row(number, line)

    def _row(self, number: int, line: str) -> Row:
        try:
            entries = json.loads(line)
            if not isinstance(entries, dict):
                raise DataError("row", "one JSON object", f"a {type(entries).__name__}")
            texts = {name.strip(): _text(name, value) for name, value in entries.items()}
        except (ValueError, RecursionError) as error:
            return Row(number, None, f"expected one JSON object, got {str(error)[:80]}")
        except DataError as error:
            return Row(number, None, str(error).removeprefix("row: "))
        for name in texts:
            self._names.setdefault(name, len(self._names))
        return Row(number, tuple(texts.get(name, "") for name in self._names))


def _text(name: str, value) -> str:
    """Return a JSON value as the entry of a table."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    expected = "a number, a text, true, false or null"
    raise DataError(f"column {name}", expected, f"a {type(value).__name__}")
