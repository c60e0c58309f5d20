"""A lock on a folder: one process at a time, and none left behind by a killed one."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sodachi.errors import LockError

NAME = "lock"


class FolderLock:
    """Holds a folder for this process until `release`; usable in a ``with`` statement.

    The kernel holds the lock (``flock``) on an open file, so it ends with its process, also after
    ``kill -9``. The file stays: removing it would let two processes hold two different files.

    Raises
    ------
    LockError
        If another process (or another life in this one) holds the folder; names its process id.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with FolderLock(folder):
    ...     try:
    ...         FolderLock(folder)
    ...     except LockError as error:
    ...         str(os.getpid()) in str(error)
    True
    """

    def __init__(self, folder: Path | str):
        self.path = Path(folder) / NAME
        self._descriptor: int | None = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            self.release()
            raise LockError(
                str(self.path.parent), "a folder no other process uses", f"process {holder or '?'}"
            ) from error
        except BaseException:
            self.release()
            raise
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Let go of the folder; does nothing the second time."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(self, *_) -> None:
        self.release()
