"""Writing a file so that, whatever happens, the old or the new one is there: never neither.

Every call that touches the disk goes through `os`, so that tests can let any one of them fail.
"""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path

from sodachi.errors import CheckpointError

log = logging.getLogger(__name__)

#: How the names of temporary files begin and end; `sweep` removes nothing else.
PREFIX, SUFFIX = ".sodachi-", ".tmp"


def write_atomically(path: Path | str, data: bytes | bytearray) -> None:
    """Replace a file by ``data`` whole or not at all, and return only when it is on the disk.

    A temporary file in the same folder is written, synced and renamed; then the folder is synced.

    Raises
    ------
    CheckpointError
        If the disk is full or fails. The old file is untouched (or the new one is whole, when only
        the last sync of the folder failed), and no temporary file is left.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "note"
    >>> write_atomically(path, b"kept")
    >>> path.read_bytes(), len(list(path.parent.iterdir()))
    (b'kept', 1)
    """
    path = Path(path)
    temporary = path.parent / f"{PREFIX}{path.name}-{secrets.token_hex(8)}{SUFFIX}"
    try:
        _write_synced(temporary, data)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        _remove(temporary)
        raise _failed(path, error) from error
    except BaseException:
        _remove(temporary)
        raise


def make_folder(folder: Path) -> None:
    """Make a folder if there is none; `CheckpointError` when that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(str(folder), "a folder", error.strerror or str(error)) from error


def sync_folder(folder: Path | str) -> None:
    """Make renames and new names in a folder lasting; `OSError` when the disk fails."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes | bytearray | memoryview, offset: int) -> None:
    """Write all of ``data`` at ``offset``; the system may take less than it was given at a time."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        if written <= 0:
            raise OSError("the disk took no bytes")
        rest, offset = rest[written:], offset + written


def sweep(folder: Path | str) -> int:
    """Remove the temporary files that killed processes left; return how many there were.

    Only to be called by whoever holds the folder's lock.
    """
    strays = [p for p in Path(folder).iterdir() if _is_temporary(p.name)]
    for stray in strays:
        _remove(stray)
    if strays:
        log.info("%s: removed %d unfinished files", folder, len(strays))
    return len(strays)


def _write_synced(path: Path, data: bytes | bytearray) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_all(descriptor, data, 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_temporary(name: str) -> bool:
    return name.startswith(PREFIX) and name.endswith(SUFFIX)


def _remove(path: Path) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        log.warning("%s: could not be removed: %s", path, error.strerror)


def _failed(path: Path, error: OSError) -> CheckpointError:
    return CheckpointError(str(path), "a file written and synced", error.strerror or str(error))
