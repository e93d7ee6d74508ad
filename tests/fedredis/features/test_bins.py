from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.errors import DataError
from fedredis.features import Column
from fedredis.features.bins import coded
from fedredis.features.categories import NO_CATEGORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Named
    from fedredis.features import Features

NUMBERS = (Column("a"), Column("b"))


def learned(features: Features, parts: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> Named:
    known: Named = {}
    while name := features.next_pass(known):
        each = [features.sums(name, known, X, y) for X, y in parts]
        known = features.learn(name, known, [sum(arrays) for arrays in zip(*each, strict=True)])
    return known


def rows(n: int = 3000) -> tuple[NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(5)
    X = np.column_stack([1e6 + np.exp(2 * rng.normal(size=n)), rng.integers(0, 7, n)])
    X[rng.random(n) < 0.1, 0] = np.nan
    return X, rng.integers(0, 3, n)


def test_bins_have_about_as_many_rows_and_few_values_a_bin_each():
    X, y = rows()
    features = coded(NUMBERS, 3, 16)
    known = learned(features, [(X, y)])
    codes = features.transform(known, X)
    assert codes.dtype == np.uint8
    assert known["bin_counts"].tolist() == [16, 7]
    assert known["class_counts"].tolist() == np.bincount(y).tolist()
    assert (codes[:, 1] == X[:, 1]).all()
    missing = np.isnan(X[:, 0])
    assert (codes[missing, 0] == 16).all()
    counts = np.bincount(codes[~missing, 0], minlength=16)
    assert counts.min() > 0.5 * counts.mean()
    assert counts.max() < 1.5 * counts.mean()
    order = np.argsort(X[~missing, 0])
    assert (np.diff(codes[~missing, 0][order].astype(int)) >= 0).all()
    # What lies beyond the rows that were learned from is in the bins at the ends.
    assert features.transform(known, np.array([[-1e9, 99.0]])).tolist() == [[0, 6]]


@pytest.mark.parametrize("classes", [3, 0])
def test_parts_learn_what_the_whole_does(classes):
    X, y = rows()
    y = y if classes else np.exp(X[:, 1] / 7) / 3
    features = coded(NUMBERS, classes, 16)
    whole = learned(features, [(X, y)])
    parts = learned(features, [(X[:1], y[:1]), (X[1:900], y[1:900]), (X[900:], y[900:])])
    assert whole.keys() == parts.keys()
    assert all((whole[name] == parts[name]).all() for name in whole)


def test_categories_have_their_places_and_strangers_a_code_of_their_own():
    columns = (Column("k", kind="category"), Column("a"), Column("g", kind="category"))
    X = np.array([[7.0, 1, 9], [5, 2, np.nan], [7, 3, 9], [6, 4, 9]])
    features = coded(columns, 0, 8)
    known = learned(features, [(X, np.arange(4.0))])
    assert known["categories"].tolist() == [5, 6, 7, NO_CATEGORY, 9]
    # Numbers first, then categories; an empty cell is a category where there were such.
    assert features.transform(known, X)[:, 1:].tolist() == [[2, 1], [0, 0], [2, 1], [1, 1]]
    strange = features.transform(known, np.array([[8.0, 1, 8], [np.nan, 1, np.nan]]))
    assert strange[:, 1:].tolist() == [[3, 2], [3, 0]]
    assert "label_mean" in known


def test_what_cannot_be_binned():
    X, y = rows(50)
    features = coded(NUMBERS, 3, 16)
    X[:, 1] = 3
    assert features.warnings(learned(features, [(X, y)])) == (
        "column 'b' is the same in all rows: leave it out of the columns",
    )
    X[:, 1] = np.nan
    with pytest.raises(DataError, match="'b': no slave has a number in it"):
        learned(features, [(X, y)])
