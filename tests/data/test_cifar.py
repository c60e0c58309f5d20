"""CIFAR-10's streams are decoded in their rows, and what does not fit together is refused."""

import hashlib
import io
import os

import numpy as np
import pytest

from sodachi.data import cifar
from sodachi.data.cifar import load_cifar10
from sodachi.data.table import File
from sodachi.errors import DataError


@pytest.fixture
def packed(tmp_path, monkeypatch):
    """Stand a file of a few streams in for the data set."""
    monkeypatch.setenv("SODACHI_DATA", str(tmp_path))

    def put(streams: list[bytes], label, is_test, **other):
        out = io.BytesIO()
        arrays = {
            "jpeg": np.frombuffer(b"".join(streams), np.uint8),
            "offset": np.cumsum([0, *map(len, streams)]),
            "label": np.array(label, np.uint8),
            "is_test": np.array(is_test, bool),
        }
        np.savez(out, **arrays | other)
        content = out.getvalue()
        folder = tmp_path / cifar.NAME
        folder.mkdir(exist_ok=True)
        (folder / cifar.FILE.name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        monkeypatch.setattr(cifar, "FILE", File(cifar.FILE.name, digest, len(content)))

    return put


def _stream(colour) -> bytes:
    image = pytest.importorskip("PIL.Image")
    out = io.BytesIO()
    image.new("RGB", (32, 32), colour).save(out, "JPEG", quality=95)
    return out.getvalue()


def test_streams_are_decoded_in_their_rows(packed):
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    packed([_stream(c) for c in colours], [3, 1, 9], [False, True, False])
    X, y = load_cifar10()
    assert X.dtype == np.float32 and y.tolist() == [3, 9]
    np.testing.assert_allclose(X[:, 5, 7], np.array(colours)[[0, 2]] / 255, atol=0.02)
    assert load_cifar10("test")[1].tolist() == [1]
    assert load_cifar10(every=2)[1].tolist() == [3]


def test_what_does_not_fit_together_is_refused(packed):
    stream = _stream((9, 9, 9))
    packed([stream], [3], [False], offset=np.array([0, 5]))
    with pytest.raises(DataError, match="offset"):
        load_cifar10()
    packed([stream], [10], [False])
    with pytest.raises(DataError, match="labels"):
        load_cifar10()
    packed([b"no image"], [1], [False])
    with pytest.raises(DataError, match="JPEG"):
        load_cifar10()


@pytest.mark.parametrize("bad", [0, 1.5, True])
def test_every_is_a_positive_integer(bad):
    with pytest.raises(DataError, match="every"):
        load_cifar10(every=bad)


@pytest.mark.skipif(
    not os.environ.get("SODACHI_DATA"), reason="SODACHI_DATA names no folder of data sets"
)
def test_the_data_set_has_every_class_alike():
    pytest.importorskip("PIL.Image")
    X, y = load_cifar10("test", every=20)
    assert X.shape == (500, 32, 32, 3) and X.min() >= 0 and X.max() <= 1
    assert np.bincount(y).tolist() == [50] * 10
