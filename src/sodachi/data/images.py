"""Images and labels, ready for a network: rows of numbers in [0, 1] and whole-number labels."""

from __future__ import annotations

import numpy as np

from sodachi.data import fetch
from sodachi.data.idx import parse_idx
from sodachi.data.npz import parse_npz
from sodachi.data.table import DATA_SETS, File, Part
from sodachi.errors import DataError

CLASSES = 10


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's 1,797 handwritten digits of 8 x 8 pixels; nothing is downloaded.

    Returns
    -------
    X : float32 [1797, 64]
        Pixels in [0, 1] (sixteenths), row by row.
    y : int32 [1797]
        The digit.

    Examples
    --------
    >>> X, y = load_digits()
    >>> X.shape, float(X.min()), float(X.max()), y[:3].tolist()
    ((1797, 64), 0.0, 1.0, [0, 1, 2])

    References
    ----------
    Alpaydin & Kaynak, Optical Recognition of Handwritten Digits (1998), the test part.
    """
    from sklearn.datasets import load_digits as embedded

    X, y = embedded(return_X_y=True)
    return np.ascontiguousarray(X / 16.0, np.float32), np.asarray(y, np.int32)


def load_mnist(subset: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Return MNIST: 60,000 digits of 28 x 28 pixels (``"train"``) or 10,000 (``"test"``).

    Read from the folder ``SODACHI_DATA`` or the cache, downloaded into the cache when absent,
    and checked against sha256 each time.

    Returns
    -------
    X : float32 [n, 784]
        Pixels in [0, 1], row by row.
    y : int32 [n]
        The digit.

    Raises
    ------
    DataError
        Unknown subset, changed bytes, or neither a file nor a download.

    Examples
    --------
    >>> load_mnist("half")
    Traceback (most recent call last):
    ...
    sodachi.errors.DataError: subset: expected one of train, test, got 'half'

    References
    ----------
    LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition
    (1998).
    """
    return _load("mnist", subset)


def load_fashion_mnist(subset: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Return Fashion-MNIST: articles of clothing, in the sizes and ways of `load_mnist`.

    Returns
    -------
    X : float32 [n, 784]
    y : int32 [n]
        T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.

    Raises
    ------
    DataError
        Unknown subset, changed bytes, or neither a file nor a download.

    Examples
    --------
    >>> load_fashion_mnist("all")
    Traceback (most recent call last):
    ...
    sodachi.errors.DataError: subset: expected one of train, test, got 'all'

    References
    ----------
    Xiao, Rasul & Vollgraf, Fashion-MNIST (2017).
    """
    return _load("fashion-mnist", subset)


def load_kmnist(subset: str = "test") -> tuple[np.ndarray, np.ndarray]:
    """Return Kuzushiji-MNIST: ten hiragana, 10,000 for ``"test"``, as `load_mnist` gives digits.

    ``"train"`` is the first 7,010 of the official training images, where ``SODACHI_DATA`` has
    them; they are not downloaded.

    Returns
    -------
    X : float32 [n, 784]
    y : int32 [n]
        o, ki, su, tsu, na, ha, ma, ya, re, wo.

    Raises
    ------
    DataError
        Unknown subset, changed bytes, or neither a file nor a download.

    Examples
    --------
    >>> load_kmnist("all")
    Traceback (most recent call last):
    ...
    sodachi.errors.DataError: subset: expected one of train, test, got 'all'

    References
    ----------
    Clanuwat et al., Deep learning for classical Japanese literature (2018).
    """
    return _load("kmnist", subset)


def _load(name: str, subset: str) -> tuple[np.ndarray, np.ndarray]:
    subsets = DATA_SETS[name].subsets
    if subset not in subsets:
        raise DataError("subset", f"one of {', '.join(subsets)}", repr(subset))
    part = _packing(name, subsets[subset])
    images = _array(name, part.images, part.images_key)
    labels = _array(name, part.labels, part.labels_key)
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        expected = "images [n, height, width] and labels [n]"
        raise DataError(name, expected, f"{images.shape} and {labels.shape}")
    if labels.size and labels.max() >= CLASSES:
        raise DataError(name, f"labels below {CLASSES}", labels.max())
    X = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
    return X, labels.astype(np.int32)


def _packing(name: str, packings: tuple[Part, ...]) -> Part:
    """Return the first packing that is all there, otherwise the last (to be downloaded)."""
    for part in packings:
        if all(fetch.present(name, file) for file in part.files):
            return part
    return packings[-1]


def _array(name: str, file: File, key: str) -> np.ndarray:
    """Return one array of unsigned bytes out of an IDX or ``.npz`` file."""
    content = fetch.fetch(name, file)
    if not key:
        return parse_idx(content, file.name)
    (array,) = parse_npz(content, file.name, (key,))
    if array.dtype != np.uint8:
        raise DataError(file.name, f"unsigned bytes in {key!r}", array.dtype)
    return array
