"""Read named arrays out of the bytes of an ``.npz`` archive, refusing anything else."""

from __future__ import annotations

import io
import zipfile

import numpy as np

from sodachi.errors import DataError


def parse_npz(content: bytes, name: str, keys: tuple[str, ...]) -> list[np.ndarray]:
    """Return the arrays of these keys, in their order; nothing is unpickled.

    Parameters
    ----------
    content
        The bytes of an archive.
    name
        Of the file, for messages.
    keys
        What must be in it.

    Raises
    ------
    DataError
        Bytes that are no archive, or one without these arrays.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> np.savez(file, x=np.arange(3))
    >>> parse_npz(file.getvalue(), "a.npz", ("x",))
    [array([0, 1, 2])]
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return [archive[key] for key in keys]
    # What is no zip is a bare array or a pickle to numpy: no context manager, or refused.
    except (KeyError, ValueError, OSError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(name, f"arrays {', '.join(keys)}", error) from error
