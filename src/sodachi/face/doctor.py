"""`sodachi doctor`: what this installation has, and the one thing to mend where something fails."""

from __future__ import annotations

import os
import platform
import shutil
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import sodachi
from sodachi.errors import DataError
from sodachi.face.cache import OFF, cache_fault, cache_folder

#: Packages the library cannot do without, with the oldest release it works with.
NEEDED = {
    "jax": (0, 10),
    "jaxtyping": (0, 3),
    "numpy": (2, 0),
    "optax": (0, 2, 5),
    "plotly": (6, 0),
    "rich": (13, 7),
    "safetensors": (0, 5),
    "scikit-learn": (1, 6),
    "scipy": (1, 13),
    "typer": (0, 16),
}

#: Free disk space below which a life with checkpoints may stop.
LEAST_FREE_BYTES = 200 * 2**20


class Finding(NamedTuple):
    """One line of the examination; ``mend`` says what to do where ``fine`` is False."""

    name: str
    found: str
    fine: bool = True
    mend: str = ""


def examine() -> int:
    """Print every finding, then what to mend; return 0 when all is fine, else 1."""
    findings = [*versions(), device(), threads(), cache(), *data_sets(), disk()]
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = "ok " if finding.fine else "BAD"
        print(f"{mark}  {finding.name:<{width}}  {finding.found}")
    wrong = [finding for finding in findings if not finding.fine]
    for finding in wrong:
        print(f"to mend: {finding.name}: {finding.mend}")
    return 1 if wrong else 0


def versions() -> list[Finding]:
    """Return the versions of Python, sodachi and every package it needs."""
    found = [
        Finding("sodachi", sodachi.__version__),
        Finding("python", f"{platform.python_version()} on {platform.system()}"),
    ]
    for name, least in NEEDED.items():
        wanted = ".".join(map(str, least))
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            found.append(Finding(name, "missing", False, f'pip install "{name}>={wanted}"'))
            continue
        fine = _numbers(version) >= least
        found.append(Finding(name, version, fine, f'pip install "{name}>={wanted}"'))
    return found


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version.

    Examples
    --------
    >>> _numbers("0.10.2rc1"), _numbers("2.0")
    ((0, 10), (2, 0))
    """
    numbers = []
    for part in version.split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def device() -> Finding:
    """Return the device that JAX computes on, shown by one small computation."""
    try:
        import jax
        import numpy as np

        total = jax.jit(lambda x: x.sum())(np.ones(4, np.float32))
        kinds = ", ".join(sorted({f"{d.platform} ({d.device_kind})" for d in jax.devices()}))
        return Finding("device", kinds, float(total) == 4.0, "1 + 1 + 1 + 1 was not 4: reinstall")
    except Exception as error:
        first = (str(error).splitlines() or [""])[0]
        got = f"{type(error).__name__}: {first}"
        return Finding("device", got, False, "set JAX_PLATFORMS=cpu, or install jax anew")


def threads() -> Finding:
    """Return how many processor threads this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("threads", f"{usable} of {os.cpu_count()}")


def cache() -> Finding:
    """Return where compiled programs are kept and whether that folder can be trusted."""
    folder = cache_folder()
    if folder is None:
        return Finding("cache", f"off (SODACHI_CACHE is one of {', '.join(map(repr, OFF))})")
    if not folder.exists():
        mend = "make its parent folder writable, or name another in SODACHI_CACHE"
        return Finding("cache", f"{folder} cannot be made", False, mend)
    fault = cache_fault(folder)
    if fault:
        return Finding("cache", f"off: {folder} {fault}", False, f"chmod 700 {folder}, if yours")
    entries = sum(1 for _ in folder.iterdir())
    return Finding("cache", f"{folder} (0700, {entries} files)")


def data_sets() -> list[Finding]:
    """Return which data sets are here and whether their checksums hold; absent ones are fine."""
    from sodachi.data import DATA_SETS

    folder = os.environ.get("SODACHI_DATA")
    if folder and not Path(folder).is_dir():
        mend = "set SODACHI_DATA to the folder of data sets, or unset it"
        return [Finding("SODACHI_DATA", f"{folder} is no folder", False, mend)]
    place = folder or "not set (digits are built in, others are downloaded when asked for)"
    found = [Finding("SODACHI_DATA", place)]
    for name, data_set in DATA_SETS.items():
        parts = [_subset(name, subset, packings) for subset, packings in data_set.subsets.items()]
        words = ", ".join(part.found for part in parts)
        wrong = [part for part in parts if not part.fine]
        mend = "; ".join(part.mend for part in wrong)
        found.append(Finding(name, words, not wrong, mend))
    return found


def _subset(name: str, subset: str, packings) -> Finding:
    """Return the state of one subset, read from the first packing whose files are all here."""
    from sodachi.data.fetch import cache_folder as downloads
    from sodachi.data.fetch import checked, given_folder, present

    for part in packings:
        if not all(present(name, file) for file in part.files):
            continue
        try:
            for file in part.files:
                given = given_folder()
                places = [folder for folder in (given, downloads()) if folder is not None]
                paths = [folder / name / file.name for folder in places]
                checked(next(path for path in paths if path.is_file()), file)
        except DataError as error:
            return Finding(name, f"{subset} spoilt", False, f"delete and fetch anew: {error}")
        return Finding(name, f"{subset} here, checksum right")
    return Finding(name, f"{subset} not here")


def disk() -> Finding:
    """Return the free space where lives would be kept."""
    free = shutil.disk_usage(Path.cwd()).free
    mend = "free some disk space; checkpoints need it"
    return Finding("disk", f"{free / 2**30:.1f} GiB free here", free >= LEAST_FREE_BYTES, mend)
