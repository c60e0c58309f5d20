"""Data that a package carries: one file out of its wheel, which is only read, not installed."""

from __future__ import annotations

import hashlib
import io
import zipfile

from sodachi.data import fetch
from sodachi.data.table import File
from sodachi.errors import DataError


def read_member(package: str, wheel: File, path: str, sha256: str) -> bytes:
    """Return one file of a wheel, both checked against their sha256.

    The wheel is looked for as ``fetch`` does: in the folder ``package`` of SODACHI_DATA or of the
    cache.

    Raises
    ------
    DataError
        No such wheel, changed bytes, or a wheel without the file.
    """
    content = fetch.fetch(package, wheel)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            member = archive.read(path)
    except (KeyError, zipfile.BadZipFile) as error:
        raise DataError(wheel.name, f"a wheel with {path}", error) from error
    found = hashlib.sha256(member).hexdigest()
    if found != sha256:
        raise DataError(path, f"sha256 {sha256}", found)
    return member
