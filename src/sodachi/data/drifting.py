"""Streams that drifted in the world: prices, weather and water, in the order of their time."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sodachi.data.table import File
from sodachi.data.wheels import read_member
from sodachi.errors import DataError

NAME = "scikit-multiflow"
#: The last release of scikit-multiflow (BSD-3) that carries its streams; only read, not installed.
#: pip gets it: see `load_drifting`.
WHEEL = File(
    "scikit_multiflow-0.4.1-cp37-cp37m-manylinux1_x86_64.whl",
    "17842a0719992871f66f2edd475c3cf947be73d16595cb28d9ec26a79cfc58de",
    16266610,
    "",
)


class Table(NamedTuple):
    """A stream inside the wheel: its file, the sha256 of that, rows, and inputs of a row."""

    file: str
    sha256: str
    rows: int
    inputs: int


TABLES = {
    "electricity": Table(
        "skmultiflow/data/datasets/elec.csv",
        "ebdfe5480ae25a43a7d054286135e3a9484697a2850d5158a333b1578c28bb97",
        45_312,
        6,
    ),
    "weather": Table(
        "skmultiflow/data/datasets/weather.csv",
        "3c38f05bdc5c4cb115f122414c66976e3662c875d96d7199d9e47fc46aff150e",
        18_159,
        8,
    ),
}


def load_drifting(name: str = "electricity") -> tuple[np.ndarray, np.ndarray]:
    """Return a stream of the world that drifts by itself, oldest row first.

    ``"electricity"`` (Elec2): half-hours of the market of New South Wales, 7 May 1996 to 5 December
    1998; time of the day (0 to 1), price and demand there and in Victoria, and the transfer between
    them; the label is whether the price lies above its mean over the last 24 hours. The three
    columns of Victoria stand still until the markets were joined. Its order is checked: 944 days of
    48 half-hours without a gap.

    ``"weather"``: days at Offutt Air Force Base, Nebraska, 1949 to 1999; temperature, dew point,
    pressure, visibility, wind (mean, highest), highest and lowest temperature; the label is whether
    it rained. In its order the temperature has a period of one year; in another it would have none.

    Both are read out of a wheel, which pip puts where it is looked for::

        pip download scikit-multiflow==0.4.1 --no-deps --only-binary=:all: --python-version 3.7
            --implementation cp --abi cp37m --platform manylinux1_x86_64
            --dest ~/.cache/sodachi/data/scikit-multiflow

    Parameters
    ----------
    name
        ``"electricity"`` (45,312 rows of 6 inputs) or ``"weather"`` (18,159 of 8).

    Returns
    -------
    X : float32 [n, inputs]
    y : int32 [n]
        0 or 1.

    Raises
    ------
    DataError
        Unknown name, changed bytes, or the wheel of scikit-multiflow 0.4.1 neither in the folder
        ``scikit-multiflow`` of SODACHI_DATA nor in that of the cache.

    Examples
    --------
    >>> load_drifting("tides")
    Traceback (most recent call last):
    ...
    sodachi.errors.DataError: stream: expected one of electricity, weather, got 'tides'

    References
    ----------
    Harries (1999), Splice-2 comparative evaluation: electricity pricing; Elwell & Polikar (2011),
    Incremental learning of concept drift in nonstationary environments; Montiel, Read, Bifet &
    Abdessalem (2018), scikit-multiflow. On labels that hang together in time: Žliobaitė (2013), How
    good is the electricity benchmark for evaluating concept drift adaptation.
    """
    if name not in TABLES:
        raise DataError("stream", f"one of {', '.join(TABLES)}", repr(name))
    table = TABLES[name]
    return parse_table(read_member(NAME, WHEEL, table.file, table.sha256), table)


def parse_table(content: bytes, table: Table) -> tuple[np.ndarray, np.ndarray]:
    r"""Return ``(X, y)`` of a CSV file with one header line and the label last.

    Raises
    ------
    DataError
        Other rows than the table says, or what is no number.

    Examples
    --------
    >>> parse_table(b"a,b,target\n1,2,0\n3,4,1\n", Table("t.csv", "", 2, 2))[1].tolist()
    [0, 1]
    """
    rows = list(csv.reader(io.StringIO(content.decode("utf-8", "replace"))))[1:]
    try:
        values = np.array([[float(field) for field in row] for row in rows if row])
    except ValueError as error:
        raise DataError(table.file, "numbers", error) from error
    expected = (table.rows, table.inputs + 1)
    if values.shape != expected or not np.isfinite(values).all():
        raise DataError(table.file, f"finite numbers {expected}", values.shape)
    y = values[:, -1].astype(np.int32)
    if not np.isin(values[:, -1], (0, 1)).all():
        raise DataError(table.file, "labels 0 and 1", sorted(set(values[:, -1]))[:4])
    return values[:, :-1].astype(np.float32), y


def load_water_flow() -> tuple[np.ndarray, np.ndarray]:
    r"""Return the small stream that river ships in its package: hourly flow of water, oldest first.

    Two months of 2022 at a branch of a pipeline, with moments of loss and of maintenance. As in
    Elec2 the label is whether the flow :math:`f_t` lies above its mean over the last 24 readings,
    :math:`m_t = \frac1{24} \sum_{k=1}^{24} f_{t-k}`; inputs are what is known before: sine and
    cosine of the hour, :math:`f_{t-1}`, :math:`f_{t-1} - f_{t-2}` and :math:`m_t`. Its order is
    checked by its own times.

    Returns
    -------
    X : float32 [1244, 5]
    y : int32 [1244]
        0 or 1.

    Raises
    ------
    DataError
        river is not installed, or its readings are others.

    References
    ----------
    Montiel et al. (2021), River: machine learning for streaming data in Python.
    """
    try:
        from river.datasets import WaterFlow
    except ImportError as error:
        raise DataError("water flow", "river, which ships it: pip install river", error) from error
    readings = list(WaterFlow())
    times = [inputs["Time"] for inputs, _ in readings]
    flow = np.array([value for _, value in readings], np.float64)
    if len(flow) != 1268 or not np.isfinite(flow).all():
        raise DataError("water flow", "1268 finite readings", len(flow))
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise DataError("water flow", "each reading later than the one before", "another order")
    mean = np.convolve(flow, np.full(24, 1 / 24), "valid")[:-1]
    angle = np.array([2 * np.pi * time.hour / 24 for time in times[24:]])
    change = np.diff(flow)[22:-1]
    X = np.stack([np.sin(angle), np.cos(angle), flow[23:-1], change, mean], 1)
    return X.astype(np.float32), (flow[24:] > mean).astype(np.int32)
