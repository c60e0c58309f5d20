"""Find a file of a data set, or download it; either way its bytes are checked before use."""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import tempfile
import time
import urllib.request
import zlib
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from sodachi.data.table import File
from sodachi.errors import DataError

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 30.0  # without a byte
DEADLINE_SECONDS = 600.0  # for one file
_SLACK = 1 << 16  # a packed file may be a little longer than its content, never more
_PIECE = 1 << 16


def given_folder() -> Path | None:
    """Return the folder named by ``SODACHI_DATA``, which is only ever read, or None."""
    given = os.environ.get("SODACHI_DATA", "")
    return Path(given) if given else None


def cache_folder() -> Path:
    """Return the per-user folder for downloads, ``~/.cache/sodachi/data`` unless XDG says else."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if home else Path.home() / ".cache") / "sodachi" / "data"


def present(name: str, file: File) -> bool:
    """Return whether ``file`` of the data set ``name`` is in either folder."""
    return any((folder / name / file.name).is_file() for folder in _folders())


def fetch(name: str, file: File) -> bytes:
    """Return the checked content of ``file`` (a ``.gz`` unpacked), downloading it when absent.

    A file in ``SODACHI_DATA`` that is not what it should be is reported; a spoilt one in the
    cache, which is ours, is replaced.

    Raises
    ------
    DataError
        The content has another size or sha256, or there is neither a file nor a download.
    """
    given = given_folder()
    if given is not None and (given / name / file.name).is_file():
        return checked(given / name / file.name, file)
    cached = cache_folder() / name / file.name
    if cached.is_file():
        try:
            return checked(cached, file)
        except DataError as error:
            log.warning("replacing a spoilt file of the cache: %s", error)
            cached.unlink()
    return _download(name, file, cached)


def checked(path: Path, file: File) -> bytes:
    """Return the content of ``path`` if it is exactly what the table says.

    Raises
    ------
    DataError
        Not readable, cut short, too long, or of another sha256.
    """
    try:
        opened = gzip.open(path) if file.name.endswith(".gz") else path.open("rb")
        with opened as stream:
            content = stream.read(file.size + 1)  # never unpack more than what is expected
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(file.name, f"{file.size} readable bytes", error) from error
    if len(content) != file.size:
        got = f"{len(content)} bytes" if len(content) < file.size else "more"
        raise DataError(file.name, f"{file.size} bytes of content", got)
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise DataError(file.name, f"sha256 {file.sha256}", found)
    return content


def _folders() -> list[Path]:
    return [folder for folder in (given_folder(), cache_folder()) if folder is not None]


def _download(name: str, file: File, target: Path) -> bytes:
    """Download beside the target, check, and only then give it its name."""
    if not file.url:
        expected = f"the file in the folder {name} of SODACHI_DATA (it is not downloaded)"
        raise DataError(file.name, expected, given_folder() or "no SODACHI_DATA")
    temporary: Path | None = None
    try:
        for folder in list(target.parents)[2::-1]:  # sodachi, sodachi/data and the set's own
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, spelled = tempfile.mkstemp(prefix=f".{file.name}.", dir=target.parent)
        temporary = Path(spelled)
        log.info("downloading %s", file.url)
        with os.fdopen(handle, "wb") as out:
            _receive(file, out)
        content = checked(temporary, file)
        os.replace(temporary, target)
        return content
    except (OSError, HTTPException) as error:  # refused, unknown host, timed out, disk full
        if isinstance(error, HTTPError):
            error.close()  # it is the server's answer too, and holds the connection
        raise DataError(file.name, f"a download from {file.url}", error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _receive(file: File, out) -> None:
    """Copy the answer to ``out``; give up on what is too long or too slow."""
    end = time.monotonic() + DEADLINE_SECONDS
    left = file.size + _SLACK
    with urllib.request.urlopen(file.url, timeout=TIMEOUT_SECONDS) as answer:
        while piece := answer.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise DataError(file.name, f"a download of {file.size} bytes", "more")
            if time.monotonic() > end:
                raise DataError(file.name, f"a download within {DEADLINE_SECONDS:g} s", "more")
            out.write(piece)
