from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.config import RunConfig
from fedredis.data.manifest import Manifest
from fedredis.data.own import OWN
from fedredis.data.partition import Partition
from fedredis.data.reading import Reading
from fedredis.data.songs import ERAS
from fedredis.errors import DataError, DataWarning, UsageError
from fedredis.features.protocol import Column
from fedredis.jobs.agreement import SOURCE, agreed, conform

if TYPE_CHECKING:
    from collections.abc import Callable

AGE, DOSE, WARD = Column("age", 0, 110), Column("dose"), Column("ward", kind="category")
MANIFEST = Manifest(
    dataset="wards",
    source="a",
    reading=Reading(label="outcome"),
    slaves=1,
    seed=0,
    test_fraction=0.2,
    columns=(AGE, DOSE, WARD),
    classes=("ill", "well"),
    rows=40,
    cut=OWN,
)
ROWS = Partition(
    np.array([[50.0, 1, 77], [60, 2, 78]]),
    np.array([0, 1]),
    np.array([[70.0, 3, 79]]),
    np.array([1]),
)


WEIGHED = Reading(label="outcome", weights="w")
GAPS = Reading(label="outcome", missing="mean")


def config_of(manifest: Manifest, **changes: Any) -> RunConfig:
    named = ("dataset", "columns", "classes", "reading", "slaves", "rows")
    return RunConfig(**{**{name: getattr(manifest, name) for name in named}, **changes})


def test_what_slaves_have_together():
    other = replace(
        MANIFEST,
        source="b",
        columns=(WARD, AGE, DOSE),
        classes=("dead", "well"),
        rows=2,
        seed=9,
        test_fraction=0.5,
    )
    assert agreed({"b": other, "a": MANIFEST}) == replace(
        MANIFEST, source=SOURCE, slaves=2, rows=42, each=(40, 2), classes=("dead", "ill", "well")
    )
    assert agreed({"a": other, "b": MANIFEST}).columns == (WARD, AGE, DOSE)
    assert agreed({"a": MANIFEST}) == replace(MANIFEST, source=SOURCE, each=(40,))


def test_a_range_is_one_that_all_know():
    other = replace(MANIFEST, columns=(replace(AGE, high=90), DOSE, WARD))
    assert agreed({"a": MANIFEST, "b": other}).columns == (Column("age"), DOSE, WARD)
    assert agreed({"a": MANIFEST, "b": MANIFEST}).columns == (AGE, DOSE, WARD)


def test_classes_of_eras_and_of_numbers():
    eras = replace(MANIFEST, classes=ERAS)
    assert agreed({"a": eras, "b": eras}).classes == ERAS
    numbers = replace(MANIFEST, classes=())
    assert agreed({"a": numbers, "b": numbers}).classes == ()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            {"columns": (AGE, DOSE, Column("ward"))},
            "column 'ward' holds categories at a and numbers at c; `categories` says",
        ),
        (
            {"columns": (AGE, Column("dose", kind="category"), WARD)},
            "column 'dose' holds numbers at a and categories at c; `categories` says",
        ),
        ({"columns": (AGE, WARD)}, "c has no column 'dose'; `columns` names"),
        ({"columns": (AGE, DOSE, WARD, Column("bmi"))}, "a has no column 'bmi'; `columns` names"),
        ({"reading": WEIGHED}, "the column of weights is none at a and 'w' at c; `weights` names"),
        (
            {"reading": Reading(label="result")},
            "the label is 'outcome' at a and 'result' at c; `label` names",
        ),
        (
            {"reading": Reading(label="dose"), "columns": (AGE, Column("outcome"), WARD)},
            "the label is 'outcome' at a and 'dose' at c (a learns from the other's); `label`",
        ),
        ({"classes": ()}, "labels are classes at a and numbers at c; `task` says"),
        ({"reading": GAPS}, "`missing` is error at a and mean at c, and must be the same"),
    ],
)
def test_slaves_that_do_not_fit_each_other(change, line):
    manifests = {"a": MANIFEST, "b": MANIFEST, "c": replace(MANIFEST, **change)}
    with pytest.raises(UsageError) as mismatch:
        agreed(manifests)
    assert str(mismatch.value).startswith(f"slaves a and c don't fit each other: {line}")
    assert mismatch.value.exit_code == 2


def test_rows_are_put_into_the_columns_and_classes_of_the_run():
    config = config_of(MANIFEST, columns=(WARD, AGE, DOSE), classes=("dead", "ill", "well"))
    rows = conform(ROWS, MANIFEST, config)
    np.testing.assert_array_equal(rows.train_X, [[77, 50, 1], [78, 60, 2]])
    np.testing.assert_array_equal(rows.train_y, [1, 2])
    np.testing.assert_array_equal(rows.test_X, [[79, 70, 3]])
    np.testing.assert_array_equal(rows.test_y, [2])
    assert rows.train_y.dtype == np.int64


def test_a_range_of_its_own_and_more_columns_make_no_difference():
    config = config_of(MANIFEST, columns=(WARD, Column("age", -5, 5)))
    np.testing.assert_array_equal(conform(ROWS, MANIFEST, config).test_X, [[79, 70]])


def test_numbers_to_predict_stay_as_they_are():
    manifest = replace(MANIFEST, classes=())
    rows = replace(ROWS, train_y=np.array([0.5, 7]), test_y=np.array([9.25]))
    config = config_of(manifest, columns=(DOSE, WARD, AGE))
    found = conform(rows, manifest, config)
    np.testing.assert_array_equal(found.train_X, [[1, 77, 50], [2, 78, 60]])
    assert (found.train_y, found.test_y) == (rows.train_y, rows.test_y)


def test_weights_go_with_the_rows_of_a_run_that_weighs():
    rows, manifest = (
        replace(ROWS, train_w=np.array([1.0, 3.0])),
        replace(MANIFEST, reading=WEIGHED),
    )
    w = conform(rows, manifest, config_of(manifest)).train_w
    assert w is not None
    assert w.tolist() == [1.0, 3.0]
    assert conform(rows, manifest, config_of(MANIFEST)).train_w is None


def test_rows_of_a_partition_folder_are_as_they_are():
    manifest = replace(MANIFEST, cut="iid")
    assert conform(ROWS, manifest, config_of(manifest)) is ROWS


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"columns": (AGE, Column("bmi"))}, "column 'bmi': the run has this column, and the slav"),
        (
            {"columns": (AGE, DOSE, Column("ward"))},
            "column 'ward': it holds numbers in the run, and the slave's holds categories",
        ),
        ({"reading": WEIGHED}, "its rows have no weights, and the run weighs by 'w'"),
        ({"reading": Reading(label="result")}, "its label is 'outcome', the run's 'result'"),
        ({"classes": ()}, "its labels are classes, the run's are not"),
        ({"classes": ("dead", "ill")}, "its label 'well' is none of the run's dead, ill"),
    ],
)
def test_rows_that_do_not_fit_the_run(change, line):
    with pytest.raises(DataError) as misfit:
        conform(ROWS, MANIFEST, config_of(MANIFEST, **change))
    assert line in str(misfit.value)
    assert "\n" not in str(misfit.value)


def test_gaps_that_the_run_does_not_fill():
    gaps = replace(MANIFEST, reading=GAPS)
    with pytest.raises(DataError, match="may be missing, and the run does not fill them"):
        conform(ROWS, gaps, config_of(MANIFEST))
    assert conform(ROWS, gaps, config_of(gaps))
    assert conform(ROWS, MANIFEST, config_of(gaps))


@pytest.fixture
def slaves() -> Callable[[int], tuple[dict[str, Manifest], dict[str, Partition]]]:
    """Return a maker of slaves whose columns and classes come in any order, and some of them."""

    def make(seed: int) -> tuple[dict[str, Manifest], dict[str, Partition]]:
        rng = np.random.default_rng(seed)
        manifests, parts = {}, {}
        for name in ("a", "b", "c"):
            order = rng.permutation(3)
            classes = sorted(rng.choice(["dead", "ill", "well", "worse"], 2, replace=False))
            X, y = rng.normal(size=(9, 3)), rng.integers(0, 2, 9)
            columns = tuple((AGE, DOSE, WARD)[i] for i in order)
            manifests[name] = replace(MANIFEST, columns=columns, classes=tuple(classes))
            parts[name] = Partition(X[:6], y[:6], X[6:], y[6:])
        return manifests, parts

    return make


@pytest.mark.parametrize("seed", range(10))
def test_every_cell_and_label_keeps_its_meaning(slaves, seed):
    manifests, parts = slaves(seed)
    run = agreed(manifests)
    for name, manifest in manifests.items():
        rows = conform(parts[name], manifest, config_of(run))
        for X, y, raw_X, raw_y in (
            (rows.train_X, rows.train_y, parts[name].train_X, parts[name].train_y),
            (rows.test_X, rows.test_y, parts[name].test_X, parts[name].test_y),
        ):
            for place, column in enumerate(run.columns):
                there = [c.name for c in manifest.columns].index(column.name)
                np.testing.assert_array_equal(X[:, place], raw_X[:, there])
            assert [run.classes[i] for i in y] == [manifest.classes[i] for i in raw_y]


def test_a_slave_may_have_one_class_but_not_all_of_them_the_same_one():
    well, ill = (replace(MANIFEST, classes=(name,)) for name in ("well", "ill"))
    assert agreed({"a": well, "b": ill}).classes == ("ill", "well")
    with pytest.raises(UsageError, match="all slaves' rows have the label 'well': there must be"):
        agreed({"a": well, "b": well})


def test_classes_that_are_spelt_differently_are_the_same_or_are_told():
    truth, numbers = (replace(MANIFEST, classes=c) for c in (("False", "True"), ("0", "1")))
    run = agreed({"a": numbers, "b": truth})
    assert run.classes == ("False", "True")
    assert conform(ROWS, numbers, config_of(run)).train_y.tolist() == [0, 1]
    upper, lower = (replace(MANIFEST, classes=c) for c in (("No", "Yes"), ("no", "Yes")))
    with pytest.warns(DataWarning) as said:
        assert agreed({"a": upper, "b": lower}).classes == ("No", "Yes", "no")
    assert [str(one.message) for one in said] == [
        "the classes 'No', 'no' of 'outcome' differ by case, spaces or signs alone (slave a has "
        "'No'; slave b has 'no'): write them alike in all files"
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"c": {"classes": ("ill", "unknown", "well")}},
            "slave c alone has the class 'unknown' of 'outcome': if others write it otherwise, "
            "write it alike; if it stands for nothing, `na` says so",
        ),
        (
            {"c": {"classes": ("ja", "nein")}},
            "slave c has the classes 'ja', 'nein' of 'outcome', and no other slave has one of "
            "them: if others write them otherwise, write them alike",
        ),
        (
            {"b": {"rows": 800}},
            "slave b says that it has 800 of all 880 rows (90.9 %): the result is nearly its "
            "alone; if that can't be, run without it (`names` says with whom)",
        ),
        (
            {"a": {"content": "01"}, "c": {"content": "01"}},
            "slaves a, c hold the same rows, which count once for each: give each its own file",
        ),
    ],
)
def test_what_is_likely_to_be_a_mistake_is_told(changes, line):
    manifests = {name: replace(MANIFEST, **changes.get(name, {})) for name in "abc"}
    with pytest.warns(DataWarning) as said:
        agreed(manifests)
    assert [str(one.message) for one in said] == [line]
