"""Which source it is: a life goes on only with the one it has lived, where sources can tell."""

from __future__ import annotations

from typing import Any

from sodachi.errors import CheckpointError


def same_source(source: Any, lived: str | None) -> str | None:
    """Return the source's fingerprint, None where it has none.

    A source may have ``fingerprint() -> str`` and, where a changed fingerprint may still be the
    same source (a file that grew), ``matches(fingerprint) -> bool``.

    Raises
    ------
    CheckpointError
        If it is not the source whose fingerprint was ``lived``.

    Examples
    --------
    >>> same_source(iter([]), None) is None
    True
    """
    mark = getattr(source, "fingerprint", None)
    if mark is None or lived is None:
        return lived or (mark() if mark else None)
    if not getattr(source, "matches", lambda old: mark() == old)(lived):
        raise CheckpointError("source", f"the one lived so far, {lived}", mark())
    return lived
