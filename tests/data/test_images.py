"""Loaders give the rows the sources describe, and refuse what is not them."""

import gzip
import hashlib
import io
import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits as embedded

from sodachi.data import (
    DATA_SETS,
    DataSet,
    load_digits,
    load_fashion_mnist,
    load_kmnist,
    load_mnist,
)
from sodachi.data.idx import parse_idx
from sodachi.data.table import File, Part
from sodachi.errors import DataError

needs_data = pytest.mark.skipif(
    not os.environ.get("SODACHI_DATA"), reason="SODACHI_DATA names no folder of data sets"
)


def _idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


def _npz(**arrays) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def _put(folder, name: str, content: bytes) -> File:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return File(name, hashlib.sha256(content).hexdigest(), len(content))


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Stand a data set of a few images in for MNIST, given as files by their content."""
    monkeypatch.setenv("SODACHI_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def stand_in(images: tuple[str, bytes], labels: tuple[str, bytes], *keys: str):
        part = Part(*(_put(tmp_path / "mnist", *pair) for pair in (images, labels)), *keys)
        monkeypatch.setitem(DATA_SETS, "mnist", DataSet("mnist", "", "", "", {"train": (part,)}))

    return stand_in


IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
LABELS = np.array([9, 0, 3], np.uint8)


def test_digits_are_sixteenths_of_the_embedded_set():
    X, y = load_digits()
    pixels, labels = embedded(return_X_y=True)
    assert X.dtype == np.float32 and y.dtype == np.int32 and X.flags.c_contiguous
    np.testing.assert_array_equal(X * 16, pixels)
    np.testing.assert_array_equal(y, labels)


def test_idx_and_npz_hold_the_same_rows(small):
    small(("i.gz", _idx(IMAGES)), ("l.gz", _idx(LABELS)))
    X, y = load_mnist()
    small(("i.npz", _npz(x=IMAGES)), ("l.npz", _npz(y=LABELS)), "x", "y")
    X2, y2 = load_mnist()
    np.testing.assert_allclose(X, IMAGES.reshape(3, 20) / 255, rtol=1e-7)
    np.testing.assert_array_equal(y, [9, 0, 3])
    np.testing.assert_array_equal(X, X2)
    np.testing.assert_array_equal(y, y2)
    assert X.dtype == np.float32 and y.dtype == np.int32


@pytest.mark.parametrize(
    ("images", "labels", "keys", "message"),
    [
        (_idx(IMAGES), _idx(LABELS[:2]), (), "images"),
        (_idx(IMAGES), _idx(np.array([1, 2, 10], np.uint8)), (), "labels below 10"),
        (_idx(IMAGES)[:-1], _idx(LABELS), (), "60 bytes"),
        (_idx(LABELS), _idx(LABELS), (), "images"),
        (_npz(x=IMAGES), _npz(y=LABELS), ("x", "z"), "arrays z"),
        (_npz(x=IMAGES.astype(float)), _npz(y=LABELS), ("x", "y"), "unsigned bytes"),
        (_npz(x=np.array([{}], object)), _npz(y=LABELS), ("x", "y"), "arrays x"),
        (b"not an archive", _npz(y=LABELS), ("x", "y"), "arrays x"),
        (b"", _npz(y=LABELS), ("x", "y"), "arrays x"),
    ],
)
def test_true_checksums_of_wrong_arrays_are_refused(small, images, labels, keys, message):
    suffix = "npz" if keys else "gz"
    small((f"i.{suffix}", images), (f"l.{suffix}", labels), *keys)
    with pytest.raises(DataError, match=message):
        load_mnist()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40))
def test_idx_of_any_bytes_is_an_array_or_a_data_error(content):
    try:
        array = parse_idx(content)
    except DataError:
        return
    assert array.tobytes() == content[4 + 4 * array.ndim :] and content[3] == array.ndim


def test_idx_with_lengths_too_large_to_multiply():
    with pytest.raises(DataError, match="bytes for shape"):
        parse_idx(b"\x00\x00\x08\x03" + b"\xff\xff\xff\xff" * 3)


def test_every_data_set_is_licensed_cited_and_checksummed():
    for name, data_set in DATA_SETS.items():
        assert data_set.name == name and data_set.licence and data_set.citation
        for packings in data_set.subsets.values():
            for file in (file for part in packings for file in part.files):
                assert len(bytes.fromhex(file.sha256)) == 32 and file.size > 0
                assert file.url == "" or file.url.endswith(f"/{file.name}")


@needs_data
@pytest.mark.parametrize("load", [load_mnist, load_fashion_mnist, load_kmnist])
def test_true_test_sets(load):
    X, y = load("test")
    assert X.shape == (10000, 784) and X.min() == 0 and X.max() == 1
    assert np.bincount(y).min() >= 892  # MNIST's rarest digit, 5; the others have 1,000 of each


@needs_data
def test_true_training_sets():
    X, y = load_mnist()
    assert X.shape == (60000, 784) and y[:5].tolist() == [5, 0, 4, 1, 9]
    # The mean and deviation everybody normalises MNIST with.
    assert abs(X.mean(dtype=float) - 0.1307) < 5e-5 and abs(X.std(dtype=float) - 0.3081) < 5e-5
    X, y = load_fashion_mnist()
    assert X.shape == (60000, 784) and np.bincount(y).tolist() == [6000] * 10
    X, y = load_kmnist("train")
    # The full set has 6,000 of each class: 701 here, sd 25.
    assert X.shape == (7010, 784) and (abs(np.bincount(y, minlength=10) - 701) < 4 * 25).all()
