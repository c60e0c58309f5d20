"""What a table's columns are taken to mean, by the stated rule."""

import pytest

from sodachi.errors import CommandError, DataError
from sodachi.face.survey import MOST_CATEGORIES, Survey, survey
from sodachi.face.tables import CsvSource

pytestmark = pytest.mark.unit


@pytest.fixture
def judged(tmp_path):
    def judge(text, target="y", task=None):
        path = tmp_path / "t.csv"
        path.write_text(text)
        return survey(CsvSource(path), target, task)

    return judge


def column(values, header="x,y"):
    return header + "\n" + "".join(f"1,{value}\n" for value in values)


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"], "classification"),
        (["1", "b"], "classification"),
        (range(20), "classification"),
        (range(21), "regression"),
        (["0.5", "1"], "regression"),
        (["0", "1", "", "NA"], "classification"),
    ],
)
def test_the_task_follows_the_stated_rule(judged, values, task):
    assert judged(column(values)).task == task


def test_the_task_can_be_overruled(judged):
    assert judged(column(range(3)), task="regression").task == "regression"
    assert len(judged(column(range(21)), task="classification").classes) == 21


def test_classes_come_from_the_whole_target_column_in_order(judged):
    found = judged(column(["10"] * 1500 + ["9", "10", "x"]))
    assert found.classes == ("9", "10", "x")


def test_columns_are_numeric_or_categorical_and_missing_entries_do_not_decide(judged):
    found = judged("n,c,empty,y\n1,red,,a\nNA,4,,b\n-2e3,,?,a\n")
    kinds = {c.name: c.categories for c in found.columns}
    assert kinds == {"n": None, "c": ("4", "red"), "empty": None}
    assert [c.index for c in found.columns] == [0, 1, 2]


def test_only_the_commonest_categories_get_places(judged):
    rows = "".join(f"w{i},a\nw{i},b\n" for i in range(MOST_CATEGORIES)) + "rare,a\n"
    (only,) = judged("x,y\n" + rows).columns
    assert only.categories is not None
    assert len(only.categories) == MOST_CATEGORIES and "rare" not in only.categories


def test_it_survives_json(judged):
    found = judged("n,c,y\n1,red,a\n2,blue,b\n")
    assert Survey.from_json(found.to_json()) == found
    with pytest.raises(DataError, match="survey: expected JSON"):
        Survey.from_json('{"columns": 3}')


@pytest.mark.parametrize(
    ("text", "target", "task", "kind", "message"),
    [
        ("x,y\n1,2\n", "z", None, CommandError, "--target: expected one of x, y, got z"),
        ("x,y\n1,a\n2,b\n", "y", "both", CommandError, "--task: expected classification or"),
        ("x,y\n", "y", None, DataError, "expected rows under the header, got none"),
        ("y\n1\n2\n", "y", None, DataError, "at least one column beside the target"),
        (column(["a", "a"]), "y", None, DataError, "expected two classes or more, got only 'a'"),
        (column(["", "NA"]), "y", None, DataError, "expected a known value in some row"),
        (column(["1.5", "1.5"]), "y", None, DataError, "expected values that differ"),
        (column(["1", "a"]), "y", "regression", DataError, r"expected numbers \(regression\)"),
        (column([f"w{i}" for i in range(300)]), "y", None, DataError, "at most 256 classes"),
    ],
)
def test_what_cannot_be_learned_is_said_in_one_line(judged, text, target, task, kind, message):
    with pytest.raises(kind, match=message) as caught:
        judged(text, target, task)
    assert "\n" not in str(caught.value)
