import numpy as np
import pytest
from sklearn.preprocessing import QuantileTransformer

from fedredis.codec import DTYPES
from fedredis.errors import DataError
from fedredis.features import Column, Quadratic

RANGED = (
    Column("share", 0, 1),
    Column("mode", 0, 1),
    Column("loud", -60, 5),
    Column("key", 0, 11),
)
UNRANGED = tuple(Column(column.name) for column in RANGED)


def scores(features, known, rows):
    """Take the standardisation back off; return the normal score of each column."""
    inputs = features.transform(known, rows) * known["scale"] + known["mean"]
    return inputs[:, : rows.shape[1]]


@pytest.mark.parametrize(
    ("columns", "passes"),
    [
        (RANGED, ["histogram", "products"]),
        (UNRANGED, ["moments", "histogram", "products"]),
        ((*RANGED[:3], Column("key", 0, None)), ["moments", "histogram", "products"]),
    ],
)
def test_passes(columns, passes, rows):
    features, known, made = Quadratic(columns), {}, []
    while name := features.next_pass(known):
        sums = features.sums(name, known, rows)
        features.schema(name).encode(sums)  # raises if they do not fit
        known = features.learn(name, known, sums)
        made.append(name)
    assert made == passes
    assert {array.dtype.str for array in known.values()} <= set(DTYPES)


def test_width_is_77_for_11_columns():
    assert Quadratic(tuple(Column(str(i)) for i in range(11))).width({}) == 77


def test_parts_add_up_to_the_whole(rows, gather):
    features = Quadratic(UNRANGED)
    parts = np.array_split(rows, 7)
    edges = {"edges": gather(features, parts)["edges"]}
    whole = features.sums("histogram", edges, rows)[0]
    counts = sum(features.sums("histogram", edges, part)[0] for part in parts)
    np.testing.assert_array_equal(counts, whole)
    np.testing.assert_array_equal(counts.sum(axis=1), 900)

    of_parts, of_whole = gather(features, parts), gather(features, [rows])
    assert of_parts.keys() == of_whole.keys()
    for name, array in of_parts.items():
        np.testing.assert_allclose(array, of_whole[name], rtol=1e-9)


@pytest.mark.parametrize("columns", [RANGED, UNRANGED])
def test_transform_standardises(columns, rows, gather):
    features = Quadratic(columns)
    inputs = features.transform(gather(features, np.array_split(rows, 3)), rows)
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-9)
    scale = inputs.std(axis=0)
    # The square of a column with two values is constant: it is 0 throughout.
    constant = scale < 1e-9
    assert constant.sum() <= 1
    np.testing.assert_allclose(scale[~constant], 1)


def test_products_in_the_order_of_triu_indices(rows, gather):
    features = Quadratic(RANGED)
    known = gather(features, [rows])
    raw = features.transform(known, rows) * known["scale"] + known["mean"]
    expected = [raw[:, i] * raw[:, j] for i in range(4) for j in range(i, 4)]
    np.testing.assert_allclose(raw[:, 4:].T, expected, atol=1e-9)


@pytest.mark.parametrize(("column", "tolerance"), [(Column("x", 0, 1), 0.02), (Column("x"), 0.02)])
def test_scores_against_scikit_learn(column, tolerance, gather):
    rows = np.random.default_rng(3).beta(2, 5, (20_000, 1))
    features = Quadratic((column,))
    ours = scores(features, gather(features, np.array_split(rows, 5)), rows)
    theirs = QuantileTransformer(output_distribution="normal", subsample=None).fit_transform(rows)
    inside = np.abs(theirs) < 2  # further out both are made of few rows
    assert np.abs(ours - theirs)[inside].max() < tolerance


def test_a_mass_at_the_bound_keeps_a_score_of_its_own(gather):
    rows = np.concatenate((np.zeros(600), np.linspace(0.01, 1, 400)))[:, np.newaxis]
    features = Quadratic((Column("x", 0, 1),))
    at_0, next_to_0 = scores(features, gather(features, [rows]), np.array([[0.0], [0.01]]))[:, 0]
    assert at_0 == pytest.approx(-3.29, abs=0.01)  # the normal quantile of 0.5 / 1000
    assert next_to_0 == pytest.approx(0.25, abs=0.02)  # that of the 60 % below it


def test_values_outside_the_range_go_into_the_end_bins(rows, gather):
    features = Quadratic(RANGED)
    known = gather(features, [rows])
    ends = np.array([[0, 0, -60, 0], [1, 1, 5, 11]], float)
    beyond = np.array([[-9, -9, -99, -9], [9, 9, 99, 99]], float)
    assert features.sums("histogram", known, beyond)[0][:, [0, -1]].tolist() == [[1, 1]] * 4
    np.testing.assert_array_equal(
        features.transform(known, beyond), features.transform(known, ends)
    )


@pytest.mark.parametrize("column", [Column("x"), Column("x", 0, 1), Column("x", 0.25, 0.25)])
def test_constant_column(column, rows, gather):
    features = Quadratic((column, RANGED[2]))
    constant = np.column_stack((np.full(len(rows), 0.25), rows[:, 2]))
    inputs = features.transform(gather(features, np.array_split(constant, 4)), constant)
    assert np.isfinite(inputs).all()
    np.testing.assert_allclose(inputs[:, [0, 2]], 0, atol=1e-6)  # the column and its square


def test_a_slave_with_no_rows_adds_nothing(rows, gather):
    features = Quadratic(UNRANGED)
    with_empty = gather(features, [rows, rows[:0]])
    for name, array in gather(features, [rows]).items():
        np.testing.assert_array_equal(array, with_empty[name])
    assert features.transform(with_empty, rows[:0]).shape == (0, features.width(with_empty))


@pytest.mark.parametrize("columns", [RANGED, UNRANGED])
def test_no_rows_at_all(columns, gather):
    with pytest.raises(DataError, match="no slave has any rows"):
        gather(Quadratic(columns), [np.empty((0, 4))])


def test_one_row(gather):
    features = Quadratic(RANGED)
    row = np.array([[0.5, 1, -8, 3]])
    np.testing.assert_array_equal(features.transform(gather(features, [row]), row), 0)


def test_learning_changes_nothing_that_was_known(rows):
    features = Quadratic(UNRANGED)
    before = {}
    for name in ("moments", "histogram", "products"):
        copies = {key: array.copy() for key, array in before.items()}
        after = features.learn(name, before, features.sums(name, before, rows))
        assert before.keys() == copies.keys()
        for key, array in copies.items():
            np.testing.assert_array_equal(before[key], array)
        before = after
