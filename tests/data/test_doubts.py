from pathlib import Path

import pytest

from fedredis.data.file import read
from fedredis.data.reading import Reading
from fedredis.errors import DataWarning


def odd(tmp_path: Path, cell: str, kind: str = "{'cd'[i % 2]}", **choices: object) -> list[str]:
    """Read 60 rows of a number and a cell that `cell` makes of i; return what is said of them."""
    made = (eval(f'f"""{i},"{cell}",{kind}\\n"""', {"i": i}) for i in range(60))
    path = tmp_path / "shops.csv"
    path.write_text("size,it,kind\n" + "".join(made))
    with pytest.warns(DataWarning) as said:
        read(path, Reading(label="kind", **choices))  # type: ignore[arg-type]
    assert all(str(one.message).startswith(str(path)) for one in said)
    return [str(one.message).removeprefix(f"{path}, column ") for one in said]


COMMAS = "'it': it holds numbers with commas, spaces or signs"


@pytest.mark.parametrize(
    ("cell", "choices", "line"),
    [
        ("{i},15", {"decimal": "."}, f"{COMMAS} ('0,15'), which are text, and is left out: write"),
        ("{i % 3},15", {"decimal": "."}, f"{COMMAS} ('0,15'), which are text, and is taken for c"),
        ("{'€$'[i % 2]} {i}", {}, COMMAS),
        ("{i}{' %' * (i % 3 > 0)}", {}, COMMAS),
        ("{i} mg", {}, "'it': it holds numbers with a unit ('0 mg'), which are text, and is left"),
        (
            "{-9 if i % 9 == 4 else -8 if i % 9 == 5 else i % 3}",
            {},
            "'it': -9 stands in 7 cells, f",
        ),
        (
            "{99 if i % 9 == 4 else 88 if i % 9 == 5 else i % 3}",
            {},
            "'it': 88 stands in 7 cells, f",
        ),
        (
            "{'Total' if i == 59 else 'ab'[i // 3 % 2]}",
            {},
            "'it': the last row says 'Total', as a",
        ),
        ("2026-01-{i % 28 + 1:02}", {}, "'it': it holds dates ('2026-01-01'), which are text"),
        ("{i % 28 + 1}/11/26 10:00", {}, "'it': it holds dates"),
        ("{i:06}", {}, "'it': its numbers look like ids ('000000'): leave it out with `ignore`,"),
        (
            "{-999 if i % 9 == 4 else i % 7 * 10}",
            {},
            "'it': -999 stands in 7 cells, far from 0 to",
        ),
        (
            "{i % 2}",
            {},
            "'it': it tells the label 'kind' of every row: leave it out with `ignore`",
        ),
        ("w{i}", {"columns": ["it"]}, "'it': 60 categories in 60 rows tell next to nothing"),
        ("{['Oslo', 'oslo ', 'Rome'][i % 3]}", {}, "'it': 'Oslo', 'oslo' differ by case, spac"),
        (
            "{'1.1' + '0' * (i % 2)}",
            {"categories": ["it"]},
            "'it': '1.1' and '1.10' are taken for",
        ),
    ],
)
def test_what_is_odd(tmp_path, cell, choices, line):
    assert any(one.startswith(line) for one in odd(tmp_path, cell, **choices))


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (
            "{'Yes' if i % 2 else 'yes'}",
            "'kind': 'Yes', 'yes' differ by case, spaces or signs alone",
        ),
        ("{i // 2}-{i}", None),
        (
            "{'€$'[i % 2]} {i}",
            "'kind': it holds numbers with commas, spaces or signs ('€ 0'), which are",
        ),
        ("{'well' if i else 'ill'}", "'kind': 1.7% of the rows are 'ill': accuracy is no measure"),
    ],
)
def test_labels_that_are_odd(tmp_path, kind, line):
    said = odd(tmp_path, "{i:02}", kind)
    assert (len(said) == 1) if line is None else said[-1].startswith(line)


@pytest.mark.parametrize(
    "cell",
    [
        "{i * 7 % 60}",
        "{i}.5",
        "{'rgb'[i % 3]}",
        "{i // 2 % 2}",
        "note {i}",
        "{['total', 'part'][i // 3 % 2]}",
        "{i % 4}.0",
        "",
    ],
)
def test_what_is_not(tmp_path, cell):
    with pytest.raises(pytest.fail.Exception, match="DID NOT WARN"):
        odd(tmp_path, cell, missing="mean")


def test_columns_without_a_name_are_told_by_their_place(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Unnamed: 0,x,y,,\n0,1,a,,7\n1,2,b,,8\n")
    with pytest.warns(DataWarning, match=r"a\.csv: column 5 has no name, and is left out") as said:
        table = read(path, Reading(label="y"))
    assert (len(said), [column.name for column in table.columns]) == (1, ["x"])


def test_ids_are_told_by_their_name(tmp_path):
    path = tmp_path / "a.csv"
    rows = "".join(f"{i * 7 % 61 + 1000},{i % 2}\n" for i in range(60))
    for name, tells in (("patient_id", True), ("orderId", True), ("paid", False), ("id2", False)):
        path.write_text(f"{name},y\n{rows}")
        if tells:
            with pytest.warns(DataWarning, match=f"'{name}': its numbers look like ids"):
                read(path, Reading(label="y"))
        else:
            read(path, Reading(label="y"))
