import json

import pytest

from fedredis.cli.options import split
from fedredis.data.inspection import inspect, said_by
from fedredis.data.reading import Reading


def test_what_is_odd_is_told_with_what_mends_it(tmp_path):
    path = tmp_path / "a.csv"
    rows = (
        f"{i:04},{-999 if i % 9 == 0 else i % 50},{'?' if i % 10 == 0 else i % 7},"
        f"2021-03-{i % 28 + 1:02},{('n', 's', 'unknown')[i % 3]},note {i},1,,"
        f"{'ab'[i % 5 // 2 % 2]}\n"
        for i in range(200)
    )
    path.write_text("id,age,bmi,day,ward,note,site,void,y\n" + "".join(rows))
    looked = inspect(path, Reading(label="y"))
    assert said_by(looked.mended) == {
        "label": "y",
        "dates": "day",
        "ignore": "id,site",
        "missing": "mean",
        "na": "age=-999,bmi=?,ward=unknown",
    }
    assert {column.name: (column.kind, column.use) for column in looked.columns} == {
        "id": ("number", "ignored"),
        "age": ("number", "learnt from"),
        "bmi": ("number", "learnt from"),
        "day": ("date", "learnt from"),
        "ward": ("category", "learnt from"),
        "note": ("text", "text"),
        "site": ("number", "ignored"),
        "void": ("empty", "no cell"),
        "y": ("text", "label"),
    }
    assert looked.table is not None
    assert not inspect(path, looked.mended).findings


def test_names_with_commas_are_told_as_options_take_them(tmp_path):
    path = tmp_path / "a.csv"
    rows = "".join(f"{i:04},{i % 5},1,{'ab'[i % 2]}\n" for i in range(40))
    path.write_text('"No., old",x,"the ""site""",y\n' + rows)
    said = said_by(inspect(path, Reading(label="y")).mended)["ignore"]
    assert said == '"No., old","the ""site"""'
    assert split(said) == ["No., old", 'the "site"']


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x,z\n1,2\n", "no column 'decade': name the one that holds the class with `label`"),
        ("x,y\n1,a\n<5,b\n3,a\n", "column 'x': '<5' stands in 1 cells: correct it"),
        ("x,y\n1,a\n2,a\n", None),
    ],
)
def test_what_nothing_mends(tmp_path, text, line):
    path = tmp_path / "a.csv"
    path.write_text(text)
    looked = inspect(path, Reading(label="y" if "y" in text else None))
    told = [str(each) for each in looked.findings]
    assert (told == []) if line is None else any(line in each for each in told)
    assert (looked.table is None) == (line is not None)


def test_a_second_line_of_names_is_the_one_to_read(tmp_path):
    """Programs write heads that are merged over several columns above the names of these."""
    path = tmp_path / "a.csv"
    rows = "".join(f"{100 + i};{60 + i};{i};{'ab'[i % 3 % 2]}\n" for i in range(30))
    path.write_text("blood;;other;\nsys;dia;age;y\n" + rows)
    looked = inspect(path, Reading(label="y"))
    assert said_by(looked.mended) == {"label": "y", "header": "2"}
    assert [str(each).partition(": ")[2] for each in looked.findings] == [
        "row 2 names columns, too (sys, dia, age): `header` says that it does"
    ]
    assert [column.name for column in looked.columns] == ["sys", "dia", "age", "y"]
    assert looked.table is not None


def test_what_says_nothing_of_a_format_is_a_finding(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = ({"x": i, "z": [1], "y": "ab"[i % 3 % 2]} for i in range(30))
    path.write_text("\n".join(map(json.dumps, lines)))
    looked = inspect(path, Reading(label="y", header=2))
    assert [each.what for each in looked.findings] == [
        "`header` says nothing of JSON lines: it is not used"
    ]
    assert [(c.name, c.kind, c.use) for c in looked.columns[-1:]] == [
        ("z", "lists", "lists or objects")
    ]
