"""A journal: a text file that only grows, whose lasting length is kept in the checkpoint.

After a kill the file may hold lines beyond the last checkpoint; a resumed life cuts them off and
writes them again, so each line stands there exactly once.
"""

from __future__ import annotations

import os
from pathlib import Path

from sodachi.errors import CheckpointError
from sodachi.runner.files import sync_folder, write_all


class Journal:
    r"""Lines appended to a file: `append` remembers, `write` writes, `sync` makes lasting.

    A failed `write` or `sync` loses nothing: the lines stay in memory and are written by the next.

    Parameters
    ----------
    path
        The file; made when there is none.
    length
        Bytes that are known to be right; everything beyond is cut off.

    Raises
    ------
    CheckpointError
        If the file is shorter than ``length``, or the disk is full or fails.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "lines"
    >>> journal = Journal(path)
    >>> journal.append("one\n"); journal.sync(); kept = journal.length
    >>> journal.append("lost\n"); journal.write(); journal.close()
    >>> journal = Journal(path, kept); journal.append("two\n"); journal.sync(); journal.close()
    >>> path.read_text()
    'one\ntwo\n'
    """

    def __init__(self, path: Path | str, length: int = 0):
        self.path, self.length = Path(path), length
        self._pending: list[bytes] = []
        self._descriptor: int | None = None
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            found = os.fstat(self._descriptor).st_size
            if found < length:
                raise CheckpointError(str(self.path), f"{length} bytes or more", f"{found} bytes")
            os.ftruncate(self._descriptor, length)
            sync_folder(self.path.parent)
        except OSError as error:
            self.close()
            raise self._failed(error) from error
        except BaseException:
            self.close()
            raise

    def append(self, text: str) -> None:
        """Remember text to be written; touches no disk."""
        self._pending.append(text.encode("utf-8"))

    @property
    def size(self) -> int:
        """Bytes written and remembered together."""
        return self.length + sum(map(len, self._pending))

    def write(self) -> None:
        """Write what is remembered; `CheckpointError` when the disk refuses, to be tried again."""
        if not self._pending:
            return
        data = b"".join(self._pending)
        try:
            write_all(self._open(), data, self.length)
        except OSError as error:
            raise self._failed(error) from error
        self.length += len(data)
        self._pending.clear()

    def sync(self) -> None:
        """Write, and return only when all lines are on the disk."""
        self.write()
        try:
            os.fsync(self._open())
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Close the file; what was only remembered is dropped (a resumed life writes it again)."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            raise CheckpointError(str(self.path), "an open journal", "a closed one")
        return self._descriptor

    def _failed(self, error: OSError) -> CheckpointError:
        return CheckpointError(str(self.path), "lines written and synced", error.strerror or error)
