"""Series of the world that a package carries, in the order of their time: the spots of the sun."""

from __future__ import annotations

import gzip
import zlib

import numpy as np

from sodachi.data.table import File
from sodachi.data.wheels import read_member
from sodachi.errors import DataError

PACKAGE = "pmdarima"
#: A release of pmdarima (MIT) that carries the series; only read, not installed, so that one
#: platform's wheel serves all. pip gets it: see `load_sunspots`.
WHEEL = File(
    "pmdarima-2.0.4-cp311-cp311-win_amd64.whl",
    "bc594dd981bca5217b4448c96e82dbd60553b07263517a5cb0510b4bfe66ded1",
    614_688,
    "",
)
SUNSPOTS = "pmdarima/datasets/data/sunspots.txt.gz"
SUNSPOTS_SHA256 = "da008320ca46c8fb7d4c08a6dc5ba1282be9209c8b943a7ca5ea5d5409d0b36a"
MONTHS = 2820


def load_sunspots() -> np.ndarray:
    """Return the monthly mean numbers of sunspots, January 1749 to December 1983.

    Counted in Zürich until 1960, then in Tokyo; a number of spots and groups, 0 to 253.8. It is
    read out of a wheel of pmdarima, which pip puts where it is looked for::

        pip download pmdarima==2.0.4 --no-deps --only-binary=:all: --python-version 3.11
            --implementation cp --abi cp311 --platform win_amd64
            --dest ~/.cache/sodachi/data/pmdarima

    Returns
    -------
    float64 [2820]

    Raises
    ------
    DataError
        Changed bytes, or no such wheel in the folder ``pmdarima`` of SODACHI_DATA or of the cache.

    References
    ----------
    Andrews and Herzberg (1985), Data: a collection of problems from many fields for the student and
    research worker; as R and pmdarima (Smith, 2017) ship it.
    """
    return parse_months(read_member(PACKAGE, WHEEL, SUNSPOTS, SUNSPOTS_SHA256), MONTHS)


def parse_months(packed: bytes, months: int) -> np.ndarray:
    r"""Return the numbers of a gzipped table, row by row.

    Raises
    ------
    DataError
        What is no such table, another count than ``months``, or a number below 0.

    Examples
    --------
    >>> parse_months(gzip.compress(b"58.0 62.6\n70.0 55.7\n"), 4).tolist()
    [58.0, 62.6, 70.0, 55.7]
    """
    try:
        found = np.array([float(number) for number in gzip.decompress(packed).split()])
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError("sunspots", "a gzipped table of numbers", error) from error
    if len(found) != months or not (np.isfinite(found) & (found >= 0)).all():
        raise DataError("sunspots", f"{months} finite numbers, 0 or more", len(found))
    return found
