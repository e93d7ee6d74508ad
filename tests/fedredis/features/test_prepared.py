import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fedredis import features
from fedredis.arrays import Schema, Scope, Sum, blob
from fedredis.errors import DataError, FedredisError

COLUMNS = (
    features.Column("kind", kind="category"),
    features.Column("size"),
    features.Column("flag", kind="category"),
    features.Column("share", 0, 1),
)
NUMBERS, CATEGORIES = [1, 3], [0, 2]


def drawn(n=400, *, gaps=True, seed=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack(
        (
            rng.choice(rng.integers(1, 2**53, 12), n),
            rng.normal(3, 2, n),
            rng.choice([5, 6], n),
            rng.random(n),
        )
    )
    return np.where(rng.random(X.shape) < 0.1, np.nan, X) if gaps else X


def expected(X):
    """Return what scikit-learn makes of all rows together."""
    made = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="mean"), StandardScaler()), NUMBERS),
        (
            make_pipeline(
                SimpleImputer(strategy="constant", fill_value=0.0),
                OneHotEncoder(sparse_output=False),
            ),
            CATEGORIES,
        ),
    )
    return made.fit_transform(X)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 400), min_size=2, max_size=2))
def test_three_slaves_make_what_scikit_learn_makes_of_all_rows(gather, seed, cuts):
    X = drawn(seed=seed)
    made = features.make("plain", COLUMNS, "mean")
    known = gather(made, np.split(X, sorted(cuts)))
    inputs = made.transform(known, X)
    np.testing.assert_allclose(inputs, expected(X), rtol=0, atol=1e-12)
    assert inputs.shape == (400, made.width(known))
    assert (np.abs(inputs).max(axis=0) <= made.bounds(known)).all()


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([*features.FEATURES]), st.integers(0, 2**32), st.integers(1, 6))
def test_slaves_in_any_order_and_bundle_give_the_same_bits(gather, name, seed, bundle):
    made = features.make(name, COLUMNS, "mean", numeric_labels=True)
    X, rng = drawn(200), np.random.default_rng(seed)
    y, cuts = rng.normal(1e9, 1, 200), [20, 20, 90, 110, 170]
    slaves = list(zip(np.split(X, cuts), np.split(y, cuts), strict=True))
    shuffled = [slaves[i] for i in rng.permutation(6)]
    one, other = [], []
    gather(made, *map(list, zip(*slaves, strict=True)), bundle=1, seen=one)
    gather(made, *map(list, zip(*shuffled, strict=True)), bundle=bundle, seen=other)
    assert one == other


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([*features.FEATURES]), st.integers(0, 2**32), st.integers(1, 9))
def test_rows_cut_anyhow_are_counted_alike_and_summed_to_the_last_digits(
    gather, name, seed, slaves
):
    made, rng, X = (
        features.make(name, COLUMNS),
        np.random.default_rng(seed),
        drawn(200, gaps=False),
    )
    cuts = np.sort(rng.integers(0, 200, slaves - 1))
    known, cut = gather(made, [X]), gather(made, np.split(rng.permutation(X), cuts))
    assert known.keys() == cut.keys()
    del known["category_alone"]  # which says who has what
    for key, array in known.items():
        counted = array.dtype == np.int64 or key in ("categories", "edges", "scores")
        close = {"rtol": 0} if counted else {"rtol": 1e-12, "atol": 1e-14}
        np.testing.assert_allclose(cut[key], array, err_msg=key, **close)


@pytest.mark.parametrize(
    ("name", "columns", "missing", "passes"),
    [
        ("plain", COLUMNS, "mean", ["magnitudes+categories", "means", "squares"]),
        ("plain", COLUMNS[1:2], "error", ["magnitudes", "means", "squares"]),
        ("plain", COLUMNS[:1], "mean", ["categories"]),
        ("quadratic", COLUMNS[3:], "error", ["quantiles_1", "products"]),
        (
            "quadratic",
            COLUMNS,
            "mean",
            ["magnitudes+categories", "means", "quantiles_1", "products"],
        ),
    ],
)
def test_passes_and_what_is_known(name, columns, missing, passes, gather):
    X = drawn(gaps=missing == "mean")[:, [COLUMNS.index(column) for column in columns]]
    made, names = features.make(name, columns, missing), []
    known = gather(made, [X], passes=names)
    assert names == passes
    assert known["rows"].tolist() == [400]
    schema = Schema.of(known)
    read = schema.named(blob.unpack(schema, blob.pack(schema, list(known.values())))[1])
    inputs = made.transform(read, X)
    assert (inputs.dtype, inputs.shape) == (np.float64, (len(X), made.width(known)))
    np.testing.assert_array_equal(inputs, made.transform(known, X))


def test_the_inputs_of_numbers_come_first_and_gaps_become_the_mean(gather):
    X, made = drawn(), features.make("quadratic", COLUMNS, "mean")
    known = gather(made, np.array_split(X, 3))
    numbers = X.take(NUMBERS, axis=1)
    np.testing.assert_allclose(known["fill"], np.nanmean(numbers, axis=0))
    full = X.copy()
    full[:, NUMBERS] = np.where(np.isnan(numbers), known["fill"], numbers)
    inputs = made.transform(known, X)
    np.testing.assert_array_equal(inputs, made.transform(known, full))
    np.testing.assert_allclose(inputs[:, :5].std(axis=0), 1)
    np.testing.assert_array_equal(inputs[:, 5:].sum(axis=1), 2)


def test_a_slave_may_have_no_number_at_all(gather):
    made = features.make("plain", COLUMNS[1:2], "mean")
    known = gather(made, [np.array([[np.nan]]), np.array([[1.0], [3.0]])])
    assert (known["fill"].tolist(), known["mean"].tolist()) == ([2], [2])
    assert known["scale"][0] == pytest.approx(np.std([2, 1, 3]))


@pytest.mark.parametrize("name", features.FEATURES)
@pytest.mark.parametrize("place", NUMBERS)
def test_a_number_that_is_nowhere(gather, name, place):
    made = features.make(name, COLUMNS[place : place + 1], "mean")
    with pytest.raises(DataError, match="no slave has a number in it"):
        gather(made, [np.full((3, 1), np.nan), np.full((4, 1), np.nan)])


@pytest.mark.parametrize("missing", ["error", "mean"])
@pytest.mark.parametrize("name", features.FEATURES)
def test_no_rows_at_all(gather, name, missing):
    with pytest.raises(DataError, match="no slave has any rows"):
        gather(features.make(name, COLUMNS, missing), [np.empty((0, 4))])


def forged(rng, quantity, honest, rows):
    """Make a sum that a hostile slave could send, and that looks like one of so many rows."""
    if quantity.name == "rows":
        return honest
    if quantity.name == "cells":  # whole cells of a sub-table change places
        return honest.reshape(-1, 4, 4, 384)[..., rng.permutation(384)].reshape(honest.shape)
    if quantity.plausible is not None:
        kind = rng.integers(3)
        if kind == 0:
            return rng.permuted(honest, axis=1)
        shares = np.eye(1, honest.shape[1])[0] if kind == 1 else np.full(honest.shape[1], 1.0)
        return rng.multinomial(rows, rng.permutation(shares) / shares.sum(), len(honest))
    if quantity.whole:
        return rng.integers(0, rows, honest.shape, endpoint=True)
    most = 2**61
    return rng.choice([0, 1, -1, most, -most, rng.integers(-most, most)], honest.shape)


@pytest.mark.filterwarnings("error")
@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["plain", "quadratic"]),
    st.sampled_from(["mean", "error"]),
    st.sampled_from([0.1, 0.5, 1]),
)
def test_whatever_a_hostile_slave_sends_ends_in_a_value_or_an_error(seed, name, missing, share):
    rng = np.random.default_rng(seed)
    made = features.make(name, COLUMNS, missing, numeric_labels=True)
    X, y = drawn(50, gaps=missing == "mean", seed=seed), rng.normal(size=50)
    scope, known, one, fifty = Scope(1, 50), {}, np.array([1]), np.array([50])
    try:
        while pass_ := made.next_pass(known):
            rule = Sum(made.quantities(pass_, known), scope)
            sums = [np.asarray(a)[np.newaxis] for a in made.sums(pass_, known, X, y)]
            honest = rule.encode(sums, fifty)
            total = [
                forged(rng, q, a[0], 50) if rng.random() < share else a[0]
                for q, a in zip(rule.quantities, honest, strict=True)
            ]
            if rule.reasons(one, fifty, [a[np.newaxis] for a in total]) != [None]:
                return
            known = made.learn(pass_, known, rule.decode(total))
            assert all(np.isfinite(array).all() for array in known.values())
        assert np.isfinite(made.transform(known, X)).all()
        assert np.isfinite(made.bounds(known)).all()
        made.warnings(known)
    except FedredisError:
        pass
