"""Several files and JSON lines as one stream of rows, whose columns come and go."""

import json

import pytest

from sodachi.errors import CommandError, DataError
from sodachi.face.json_rows import JsonSource
from sodachi.face.sources import Stream, check_files
from sodachi.face.survey import survey

pytestmark = pytest.mark.unit


@pytest.fixture
def write(tmp_path):
    def file(name, text):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return file


def lines(*objects):
    return "".join(json.dumps(one) + "\n" for one in objects)


def test_keys_come_and_go_and_broken_lines_keep_their_number(write):
    path = write("t.jsonl", lines({"a": 1.5, "y": "no"}, {"b": True}) + '{"a":\n\n[1]\n'
                 + lines({"a": [1]}, {"a": None, "c": " x "}))  # fmt: skip
    source = JsonSource(path)
    rows = list(source)
    assert source.names == ("a", "y", "b", "c")
    assert [row.fields for row in rows] == [
        ("1.5", "no"), ("", "", "true"), None, None, None, ("", "", "", "x")
    ]  # fmt: skip
    assert [row.number for row in rows] == list(range(6))
    assert rows[3].fault == "expected one JSON object, got a list"
    assert rows[4].fault.startswith("column a: expected a number, a text, true, false or null")
    assert source.knows("c") and not source.knows("d")


def test_a_stream_of_files_knows_columns_by_name_and_seeks_anywhere(write):
    paths = [
        write("a.csv", "x,y\n1,2\n3\n"),
        write("b.csv", "y;z\n4;5\n"),
        write("c.jsonl", lines({"z": 6, "w": 7})),
    ]
    everything = list(Stream(paths))
    assert [row.fields for row in everything] == [
        ("1", "2"), None, ("", "4", "5"), ("", "", "6", "7")
    ]  # fmt: skip
    stream = Stream(paths)
    for offset in (3, 0, 2, 4, 1):
        stream.seek(offset)
        assert stream.offset() == offset and list(stream) == everything[offset:]
        assert stream.names == ("x", "y", "z", "w")
    with pytest.raises(DataError, match="expected 5 rows or more, got 4"):
        stream.seek(5)


def test_a_stream_is_the_same_while_its_last_file_grows_and_others_follow(write):
    one, two = write("a.csv", "x,y\n1,2\n"), write("b.csv", "x,y\n3,4\n")
    stream = Stream([one, two])
    before = stream.fingerprint()
    list(stream)
    after = stream.fingerprint()
    three = write("c.csv", "y\n5\n")
    assert Stream([one, two, three]).matches(after) and Stream([one, two]).matches(before)
    assert not Stream([one]).matches(after) and not Stream([two, one]).matches(after)
    two.write_text("x,y\n3,4\n5,6\n")
    assert Stream([one, two]).matches(after)
    one.write_text("x,y\n1,2\n9,9\n")  # rows in the middle would move all that follow
    assert not Stream([one, two]).matches(after)


def test_one_file_twice_and_a_missing_one_are_refused(write):
    path = write("a.csv", "x,y\n1,2\n")
    with pytest.raises(CommandError, match=r"expected different files, got .* twice"):
        check_files([path, path])
    with pytest.raises(CommandError, match="file of JSON lines"):
        Stream([path, path.with_name("no.jsonl")])
    with pytest.raises(DataError, match="UTF-8 text, got byte 0xff"):
        list(JsonSource(write("bad.jsonl", b'{"a": "\xff"}')))


def test_the_survey_reads_the_target_through_all_files(write):
    paths = [write("a.jsonl", lines({"x": 1}, {"y": "b"})), write("b.csv", "y,w\nc,red\n")]
    found = survey(Stream(paths), "y")
    assert found.classes == ("b", "c") and found.target_index == 1
    assert [(c.name, c.categories) for c in found.columns] == [("x", None), ("w", ("red",))]
