"""The sunspots are the published ones, and anything else is refused."""

import gzip
import hashlib
import io
import zipfile

import numpy as np
import pytest

from sodachi.data import fetch, load_sunspots, series
from sodachi.data.series import PACKAGE, WHEEL, parse_months
from sodachi.data.table import File
from sodachi.errors import DataError

#: Read as the session finds it, before any test names another folder.
HERE = fetch.present(PACKAGE, WHEEL)


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """Stand a wheel with one small table in for the one of pmdarima."""
    monkeypatch.setenv("SODACHI_DATA", str(tmp_path))

    def put(table: bytes, name=series.SUNSPOTS, sha256=None):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(name, table)
        content = out.getvalue()
        (tmp_path / PACKAGE).mkdir(exist_ok=True)
        (tmp_path / PACKAGE / WHEEL.name).write_bytes(content)
        packed = File(WHEEL.name, hashlib.sha256(content).hexdigest(), len(content))
        monkeypatch.setattr(series, "WHEEL", packed)
        digest = sha256 or hashlib.sha256(table).hexdigest()
        monkeypatch.setattr(series, "SUNSPOTS_SHA256", digest)
        monkeypatch.setattr(series, "MONTHS", 4)

    return put


@pytest.mark.unit
def test_months_are_read_row_by_row(wheel):
    wheel(gzip.compress(b" 58.0 62.6\n 70.0 55.7\n", mtime=0))
    assert load_sunspots().tolist() == [58.0, 62.6, 70.0, 55.7]


@pytest.mark.unit
@pytest.mark.parametrize(("table", "expected"), [
    (gzip.compress(b"1 2 3", mtime=0), "4 finite numbers"),
    (gzip.compress(b"1 2 nan 4", mtime=0), "4 finite numbers"),
    (gzip.compress(b"1 2 -3 4", mtime=0), "4 finite numbers"),
    (gzip.compress(b"1 2 three 4", mtime=0), "a gzipped table of numbers"),
    (b"1 2 3 4", "a gzipped table of numbers"),
])  # fmt: skip
def test_what_is_no_such_series_is_refused(wheel, table, expected):
    wheel(table)
    with pytest.raises(DataError, match=expected):
        load_sunspots()


@pytest.mark.unit
def test_changed_bytes_and_a_wheel_without_the_series_are_refused(wheel):
    wheel(gzip.compress(b"1 2 3 4", mtime=0), sha256="0" * 64)
    with pytest.raises(DataError, match="sha256"):
        load_sunspots()
    wheel(gzip.compress(b"1 2 3 4", mtime=0), name="other.txt")
    with pytest.raises(DataError, match="a wheel with"):
        load_sunspots()


@pytest.mark.skipif(not HERE, reason="the wheel of pmdarima 2.0.4 is not here")
def test_the_sun_has_a_cycle_of_eleven_years():
    spots = load_sunspots()
    assert len(spots) == 2820 and spots.max() == 253.8 and spots[0] == 58.0
    power = np.abs(np.fft.rfft(spots - spots.mean()))
    period = len(spots) / power.argmax() / 12
    assert period == pytest.approx(11.0, abs=0.3)  # years
    with pytest.raises(DataError, match="finite numbers"):
        parse_months(gzip.compress(b"1 2", mtime=0), 2820)
