"""Several files as one stream: columns are known by name, and may differ from file to file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from sodachi.errors import CommandError
from sodachi.face.json_rows import SUFFIXES, JsonSource
from sodachi.face.tables import Counted, CsvSource, Row


def open_file(path: Path | str) -> CsvSource | JsonSource:
    """Return the rows of one file: JSON lines by its suffix, else CSV."""
    return JsonSource(path) if Path(path).suffix.lower() in SUFFIXES else CsvSource(path)


class Stream(Counted):
    r"""The rows of one or more files, one after the other, with one numbering of rows and columns.

    ``names`` grows in the order in which columns first come; fields are as many as there were names
    by then, and a column that a file lacks is empty (not known). ``offset`` and ``seek`` count rows
    over all files, so a life goes on when a file is added at the end.

    Raises
    ------
    CommandError, DataError
        As for one file (`CsvSource`, `JsonSource`).

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.csv").write_text("x,y\n1,2\n")
    >>> _ = (folder / "b.csv").write_text("z,y\n3,4\n")
    >>> stream = Stream([folder / "a.csv", folder / "b.csv"])
    >>> [row.fields for row in stream], stream.names
    ([('1', '2'), ('', '4', '3')], ('x', 'y', 'z'))
    """

    def __init__(self, paths: Sequence[Path | str]):
        self.paths = tuple(Path(path) for path in paths)
        self.path = self.paths[0]  # that errors are told of
        self._begin()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns so far, in the order in which they came."""
        return tuple(self._names)

    def knows(self, name: str) -> bool:
        """Return whether any file has this column."""
        return any(file.knows(name) for file in self._files)

    def again(self) -> Stream:
        """Return the same stream from its first row."""
        return Stream(self.paths)

    def fingerprint(self) -> str:
        """Return what tells the files read so far: of each, its head and how many rows it gave."""
        begun = [file for i, file in enumerate(self._files) if i == 0 or file.offset()]
        return json.dumps([[file.fingerprint(), file.offset()] for file in begun])

    def matches(self, fingerprint: str) -> bool:
        """Return whether these are those files; the last may have grown, and more may follow."""
        told = json.loads(fingerprint)
        if len(told) > len(self._files):
            return False
        if not all(f.matches(head) for f, (head, _) in zip(self._files, told, strict=False)):
            return False
        return all(
            sum(1 for _ in open_file(path)) == rows
            for path, (_, rows) in zip(self.paths, told[:-1], strict=False)
        )

    def _begin(self) -> None:
        self._files = [open_file(path) for path in self.paths]
        self._names: dict[str, int] = {}
        self._given, self._rows = 0, self._all()
        self._learn_names(self._files[0].names)

    def _learn_names(self, names: Sequence[str]) -> list[int]:
        return [self._names.setdefault(name, len(self._names)) for name in names]

    def _all(self) -> Iterator[Row]:
        for file in self._files:
            for row in file:
                places = self._learn_names(file.names)
                if row.fields is None:
                    yield Row(self._given, None, row.fault)
                    continue
                fields = [""] * len(self._names)
                for place, field in zip(places, row.fields, strict=True):
                    fields[place] = field
                yield Row(self._given, tuple(fields))


def check_files(paths: Sequence[Path]) -> Stream:
    """Return the stream; `CommandError` where a file is named twice."""
    resolved = [path.resolve() for path in paths]
    twice = next((p for p, r in zip(paths, resolved, strict=True) if resolved.count(r) > 1), None)
    if twice is not None:
        raise CommandError("file", "different files", f"{twice} twice")
    return Stream(paths)
