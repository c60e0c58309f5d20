"""JAX's persistent compilation cache, in a folder that only its owner can write.

Whoever can write the cache can run code (the cached programs are loaded and run), so a folder
that is another user's, a link, or open to group or others is not used.
"""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

log = logging.getLogger(__name__)

#: Values of ``SODACHI_CACHE`` that switch the cache off.
OFF = ("", "0", "off", "none")


def cache_folder() -> Path | None:
    """Return where the cache belongs, or None when ``SODACHI_CACHE`` switches it off.

    ``SODACHI_CACHE`` names the folder itself; otherwise it is ``sodachi/programs`` in
    ``XDG_CACHE_HOME``, or in ``~/.cache``.

    Examples
    --------
    >>> import os
    >>> os.environ["SODACHI_CACHE"] = "off"
    >>> cache_folder() is None
    True
    >>> del os.environ["SODACHI_CACHE"]
    """
    named = os.environ.get("SODACHI_CACHE")
    if named is not None:
        return None if named.lower() in OFF else Path(named).expanduser()
    home = os.environ.get("XDG_CACHE_HOME")
    if home and Path(home).is_absolute():  # the XDG rule: a relative path is ignored
        return Path(home) / "sodachi" / "programs"
    try:
        return Path.home() / ".cache" / "sodachi" / "programs"
    except RuntimeError:  # no home folder is known for this user
        return None


def cache_fault(folder: Path) -> str | None:
    """Return in words why the folder cannot be trusted with programs, or None when it can."""
    try:
        found = folder.lstat()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not stat.S_ISDIR(found.st_mode):
        return "is not a folder"
    if found.st_uid != os.getuid():
        return "belongs to another user"
    if stat.S_IMODE(found.st_mode) & 0o077:
        return f"is open to others (mode {stat.S_IMODE(found.st_mode):04o}, expected 0700)"
    if not os.access(folder, os.W_OK | os.X_OK):
        return "cannot be written"
    return None


def use_cache() -> Path | None:
    """Switch JAX's compilation cache on before any array exists; return its folder, or None.

    Small programs are kept too (the default of one second would keep none of ours).
    """
    folder = cache_folder()
    if folder is None:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        log.warning("compilation cache off: %s: %s", folder, error.strerror)
        return None
    fault = cache_fault(folder)
    if fault:
        log.warning("compilation cache off: %s %s", folder, fault)
        return None

    import jax

    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return folder
