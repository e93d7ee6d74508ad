from statistics import NormalDist

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, QuantileTransformer, StandardScaler

from fedredis.features import Column, make

RANGED = (
    Column("share", 0, 1),
    Column("mode", 0, 1),
    Column("loud", -60, 5),
    Column("key", 0, 11),
)
UNRANGED = tuple(Column(column.name) for column in RANGED)
N = 4_000


def scores(features, known, rows):
    """Take the standardisation back off; return the normal score of each column."""
    inputs = features.transform(known, rows) * known["scale"] + known["mean"]
    return inputs[:, : rows.shape[1]]


def test_width_is_77_for_11_columns():
    assert make("quadratic", tuple(Column(str(i)) for i in range(11))).width({}) == 77


@pytest.mark.parametrize("columns", [RANGED, UNRANGED, (*RANGED[:3], Column("key", 0, None))])
def test_standardised_inputs_within_their_bounds(columns, rows, gather):
    features = make("quadratic", columns)
    known = gather(features, np.array_split(rows, 3))
    inputs = features.transform(known, rows)
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-12)
    constant = known["constant"].astype(bool)
    # The square of a column with two values may be constant: it is 0 throughout.
    assert set(np.flatnonzero(constant)) <= {8}
    np.testing.assert_allclose(inputs.std(axis=0), ~constant, rtol=1e-10, atol=1e-10)
    assert (np.abs(inputs).max(axis=0) <= features.bounds(known)).all()
    assert features.bounds(known).max() <= 30
    raw = inputs * known["scale"] + known["mean"]
    products = [raw[:, i] * raw[:, j] for i in range(4) for j in range(i, 4)]
    np.testing.assert_allclose(raw[:, 4:].T, products, atol=1e-9)


@pytest.mark.parametrize("column", [Column("x", 0, 1), Column("x")])
def test_scores_against_scikit_learn(column, gather):
    rows = np.random.default_rng(3).beta(2, 5, (20_000, 1))
    features = make("quadratic", (column,))
    ours = scores(features, gather(features, np.array_split(rows, 5)), rows)
    theirs = QuantileTransformer(output_distribution="normal", subsample=None).fit_transform(rows)
    inside = np.abs(theirs) < 2  # further out both are made of few rows
    assert np.abs(ours - theirs)[inside].max() < 0.02


RNG = np.random.default_rng(0)
HARD = {
    "lognormal": RNG.lognormal(0, 3, N),
    "cauchy": RNG.standard_cauchy(N),
    "one outlier": np.r_[999999999, RNG.normal(size=N - 1)],
    "timestamps": 1.7e9 + RNG.uniform(0, 3600, N),
    "nanoseconds": 1.7e18 + np.rint(RNG.uniform(0, 3600e9, N)),
    "coordinates": RNG.normal(52.52, 0.01, N),
    "offset": 1e11 + RNG.normal(size=N),
}


@pytest.mark.parametrize("name", HARD)
def test_a_column_without_a_range_is_as_good_as_with_scikit_learn(name, gather):
    x, other, rng = HARD[name], RNG.normal(size=N), np.random.default_rng(1)
    middle = np.abs(np.argsort(np.argsort(x)) / N - 0.5) < 0.25
    X, y = np.column_stack([x, other]), middle ^ (rng.random(N) < 0.05)
    train, test = slice(0, N // 2), slice(N // 2, N)
    features, passes = make("quadratic", (Column("x"), Column("other"))), []
    known = gather(features, np.array_split(X[train], 3), passes=passes)
    assert len(passes) <= 9
    assert known["edges"].shape[1] <= 4 * 256 + 1
    inputs = features.transform(known, X)
    ours = LogisticRegression().fit(inputs[train], y[train]).score(inputs[test], y[test])
    theirs = make_pipeline(
        QuantileTransformer(output_distribution="normal", n_quantiles=N // 2),
        PolynomialFeatures(2, include_bias=False),
        StandardScaler(),
        LogisticRegression(),
    ).fit(X[train], y[train])
    assert ours >= theirs.score(X[test], y[test]) - 0.01
    assert ours > 0.85


@pytest.mark.parametrize(("about", "spread"), [(2.0**53, 1000), (1, 1e-12), (-1024, 1e-9)])
def test_few_rows_on_both_sides_of_a_power_of_two(about, spread, gather):
    """Each side is a cell of the first count, and half of the rows divide it less finely."""
    rows = about + spread * np.random.default_rng(4).normal(size=(240, 1))
    features = make("quadratic", (Column("x"),))
    ours = scores(features, gather(features, np.array_split(rows, 3)), rows)
    ranks = np.argsort(np.argsort(rows[:, 0]))
    theirs = np.array([[NormalDist().inv_cdf((rank + 0.5) / 240)] for rank in ranks.tolist()])
    assert np.abs(ours - theirs)[np.abs(theirs) < 2].max() < 0.1


@pytest.mark.parametrize("size", [1e-300, 5e-318, 5e-324])
def test_numbers_too_small_to_draw_lines_between(gather, size):
    x = size * np.random.default_rng(2).normal(0, 10, (500, 1))
    features = make("quadratic", (Column("x"),))
    inputs = features.transform(gather(features, np.array_split(x, 3)), x)
    assert np.isfinite(inputs).all()


def test_a_mass_at_the_bound_keeps_a_score_of_its_own(gather):
    rows = np.concatenate((np.zeros(600), np.linspace(0.01, 1, 400)))[:, np.newaxis]
    for column in (Column("x", 0, 1), Column("x")):
        features = make("quadratic", (column,))
        points = np.array([[0.0], [0.01]])
        at_0, next_to_0 = scores(features, gather(features, [rows]), points)[:, 0]
        assert at_0 == pytest.approx(-3.29, abs=0.01)  # the normal quantile of 0.5 / 1000
        assert next_to_0 == pytest.approx(0.25, abs=0.02)  # that of the 60 % below it


@pytest.mark.parametrize("columns", [RANGED, (*RANGED[:3], Column("key"))])
def test_values_outside_the_range_are_taken_for_its_ends(columns, rows, gather):
    features = make("quadratic", columns)
    known = gather(features, [rows])
    ends = np.array([[0, 0, -60, 0], [1, 1, 5, 16]], float)
    beyond = np.array([[-9, -9, -99, -9], [9, 9, 99, 99]], float)
    np.testing.assert_array_equal(
        features.transform(known, beyond), features.transform(known, ends)
    )


@pytest.mark.parametrize("column", [Column("x"), Column("x", 0, 1), Column("x", 0.25, 0.25)])
def test_constant_column(column, rows, gather):
    features = make("quadratic", (column, RANGED[2]))
    constant = np.column_stack((np.full(len(rows), 0.25), rows[:, 2]))
    known = gather(features, np.array_split(constant, 4))
    inputs = features.transform(known, constant)
    np.testing.assert_allclose(inputs[:, [0, 2]], 0, atol=1e-6)  # the column and its square
    assert known["constant"].tolist() == [1, 0, 1, 0, 0]
    assert features.warnings(known) == (
        "column 'x' is the same in all rows: leave it out of the columns",
    )


def test_few_rows(gather):
    features = make("quadratic", RANGED)
    row = np.array([[0.5, 1, -8, 3]])
    known = gather(features, [row, row[:0]])
    np.testing.assert_allclose(features.transform(known, row), 0, atol=1e-12)
    assert features.transform(known, row[:0]).shape == (0, 14)
    assert features.warnings(known)[-1] == (
        "features=quadratic makes 14 inputs of 4 columns, which a model can learn by heart on "
        "1 rows: `features=plain`, or fewer columns"
    )
