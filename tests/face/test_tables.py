"""A CSV file as a source: rows, offsets, broken rows, and agreement with pandas."""

import csv

import numpy as np
import pytest

from sodachi.errors import CommandError, DataError
from sodachi.face.tables import CsvSource, is_missing, number

pytestmark = pytest.mark.unit


@pytest.fixture
def table(tmp_path):
    def write(text, name="t.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


def test_rows_come_in_order_with_quotes_blank_lines_and_windows_ends(table):
    source = CsvSource(table('\ufeffa , b\r\n1,"x, ""y"""\r\n\r\n2," z "\r\n'))
    assert source.names == ("a", "b")
    assert [row.fields for row in source] == [("1", 'x, "y"'), ("2", "z")]
    assert source.offset() == 2


def test_a_broken_row_keeps_its_number_and_the_rest_comes(table):
    rows = list(CsvSource(table("a,b\n1,2\n3\n4,5,6\n7,8\n")))
    assert [row.number for row in rows] == [0, 1, 2, 3]
    assert [row.fields for row in rows] == [("1", "2"), None, None, ("7", "8")]
    assert rows[2].fault == "expected 2 fields, got 3"


def test_a_field_too_long_for_csv_is_one_broken_row(table):
    long = "x" * (csv.field_size_limit() + 1)
    rows = list(CsvSource(table(f"a,b\n1,2\n{long},3\n4,5\n")))
    assert [row.fields for row in rows if row.fields] == [("1", "2"), ("4", "5")]
    assert sum(row.fields is None for row in rows) >= 1


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_commonest_mark_of_the_header(table, mark):
    source = CsvSource(table(mark.join("abc") + "\n" + mark.join("123") + "\n"))
    assert source.names == ("a", "b", "c")
    assert next(source).fields == ("1", "2", "3")


def test_seek_forward_and_back_gives_the_same_rows(table):
    path = table("a\n" + "\n".join(map(str, range(50))) + "\n")
    everything = [row.fields for row in CsvSource(path)]
    source = CsvSource(path)
    for offset in (0, 7, 49, 3, 50):
        source.seek(offset)
        assert source.offset() == offset
        assert [row.fields for row in source] == everything[offset:]
    with pytest.raises(DataError, match="expected 51 rows or more, got 50"):
        source.seek(51)


def test_the_fingerprint_stays_when_rows_are_appended_and_moves_when_they_change(table):
    path = table("a,b\n1,2\n")
    fingerprint = CsvSource(path).fingerprint()
    table("a,b\n1,2\n3,4\n")
    assert CsvSource(path).matches(fingerprint)
    table("a,b\n1,3\n3,4\n")
    assert not CsvSource(path).matches(fingerprint)


def test_the_same_table_as_pandas_reads(table):
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    words = ["red", "green, dark", 'the "blue"', "", "κόκκινο"]
    lines = [
        [f"{rng.normal():.6g}", words[rng.integers(5)], str(rng.integers(9))] for _ in range(200)
    ]
    path = table("")
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["x", "colour", "n"], *lines])
    frame = pandas.read_csv(path, dtype=str, keep_default_na=False)
    assert list(frame.columns) == list(CsvSource(path).names)
    assert [tuple(row) for row in frame.to_numpy()] == [row.fields for row in CsvSource(path)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a header line and rows, got an empty file"),
        ("\n\n", "expected a header line and rows, got an empty file"),
        ("a,a\n1,2\n", "expected different column names, got 'a' twice"),
        (b"a,b\n1,\xff\n", "expected UTF-8 text, got byte 0xff"),
        ("a,b\n1,2\n".encode("utf-16"), "expected UTF-8 text, got byte 0xff"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_line(table, text, message):
    path = table(text)
    with pytest.raises(DataError) as caught:
        list(CsvSource(path))
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_no_file_is_a_wrong_command(tmp_path, name):
    with pytest.raises(CommandError, match="file: expected an existing CSV file"):
        CsvSource(tmp_path / name)


@pytest.mark.parametrize("text", ["", " ", "NA", "n/a", "NaN", "null", "None", "?"])
def test_missing_words(text):
    assert is_missing(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), ("-2.5e3", -2500.0), (" 7 ", 7.0), ("1e30", 1e30), ("1e31", None)]
    + [(word, None) for word in ("inf", "-inf", "1e999", "1_000", "0x10", "1,5", "one")],
)
def test_numbers(text, value):
    assert number(text) == value
