"""Streams of the world are read in the order of their time, and what is changed is refused."""

import hashlib
import io
import zipfile

import numpy as np
import pytest

from sodachi.data import drifting, fetch
from sodachi.data.drifting import TABLES, WHEEL, load_drifting, load_water_flow
from sodachi.data.table import File
from sodachi.errors import DataError

#: Read as the session finds it, before any test names another folder.
HERE = fetch.present(drifting.NAME, WHEEL)


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """Stand a wheel with one small table in for the one of scikit-multiflow."""
    monkeypatch.setenv("SODACHI_DATA", str(tmp_path))

    def put(table: bytes, name="elec.csv", sha256=None):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(name, table)
        content = out.getvalue()
        (tmp_path / drifting.NAME).mkdir(exist_ok=True)
        (tmp_path / drifting.NAME / WHEEL.name).write_bytes(content)
        packed = File(WHEEL.name, hashlib.sha256(content).hexdigest(), len(content))
        monkeypatch.setattr(drifting, "WHEEL", packed)
        digest = sha256 or hashlib.sha256(table).hexdigest()
        small = drifting.Table("elec.csv", digest, 3, 2)
        monkeypatch.setattr(drifting, "TABLES", {"electricity": small})

    return put


@pytest.mark.unit
def test_rows_are_read_in_their_order(wheel):
    wheel(b"a,b,target\n1,0.5,0\n3,4,1\n2,2,1\n")
    X, y = load_drifting()
    assert X.dtype == np.float32 and X.tolist() == [[1, 0.5], [3, 4], [2, 2]]
    assert y.dtype == np.int32 and y.tolist() == [0, 1, 1]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (b"a,b,target\n1,0.5,0\n3,4,1\n", "finite numbers"),
        (b"a,b,target\n1,0.5,0\n3,nan,1\n2,2,1\n", "finite numbers"),
        (b"a,b,target\n1,0.5,0\n3,x,1\n2,2,1\n", "numbers"),
        (b"a,b,target\n1,0.5,0\n3,4,1\n2,2\n", "numbers"),
        (b"a,b,target\n1,0.5,0\n3,4,2\n2,2,1\n", "labels 0 and 1"),
    ],
)
def test_what_is_no_such_table_is_refused(wheel, table, expected):
    wheel(table)
    with pytest.raises(DataError, match=expected):
        load_drifting()


@pytest.mark.unit
def test_changed_bytes_and_a_wheel_without_the_stream_are_refused(wheel):
    wheel(b"a,b,target\n", sha256="0" * 64)
    with pytest.raises(DataError, match="sha256"):
        load_drifting()
    wheel(b"a,b,target\n", name="other.csv")
    with pytest.raises(DataError, match="a wheel with"):
        load_drifting()


@pytest.mark.skipif(not HERE, reason="the wheel of scikit-multiflow 0.4.1 is not here")
def test_electricity_is_944_days_and_as_autocorrelated_as_published():
    X, y = load_drifting("electricity")
    assert np.array_equal(np.round(X[:, 0] * 47), np.tile(np.arange(48), 944))
    # Žliobaitė (2013): always the last label, 85.3 %; prices are up 42.5 % of the time (Gama 2004).
    assert (y[1:] == y[:-1]).mean() == pytest.approx(0.853, abs=5e-4)
    assert y.mean() == pytest.approx(0.425, abs=5e-4)


@pytest.mark.skipif(not HERE, reason="the wheel of scikit-multiflow 0.4.1 is not here")
def test_weather_has_the_period_of_a_year():
    X, y = load_drifting("weather")
    warm = X[:, 0] - X[:, 0].mean()

    def after(days):
        return float(np.corrcoef(warm[:-days], warm[days:])[0, 1])

    # Days are missing here and there (18,159 of some 18,500), so years are a little short.
    assert after(1) > 0.9 and after(358) > 0.6 and after(179) < -0.6
    assert y.mean() == pytest.approx(0.314, abs=1e-3)
    assert len(TABLES) == 2


@pytest.mark.unit
def test_water_is_labelled_by_what_came_before():
    river = pytest.importorskip("river.datasets", reason="river ships this stream")
    X, y = load_water_flow()
    flow = np.array([value for _, value in river.WaterFlow()])
    assert X.shape == (1244, 5) and len(y) == 1244
    for i in (0, 500, 1243):
        before = flow[i : i + 24]
        seen = [before[-1], before[-1] - before[-2], before.mean()]
        assert X[i, 2:] == pytest.approx(seen, rel=1e-5, abs=1e-4)
        assert y[i] == (flow[i + 24] > before.mean())
