import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fedredis import features
from fedredis.codec import DTYPES, Schema
from fedredis.errors import DataError

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


@pytest.mark.parametrize(
    ("columns", "missing", "passes"),
    [
        (COLUMNS, "mean", ["categories", "means", "moments"]),
        (COLUMNS, "error", ["categories", "moments"]),
        (tuple(COLUMNS[i] for i in NUMBERS), "mean", ["means", "moments"]),
        (tuple(COLUMNS[i] for i in CATEGORIES), "mean", ["categories"]),
        (tuple(COLUMNS[i] for i in CATEGORIES), "error", ["categories"]),
    ],
)
def test_passes_and_what_is_known(columns, missing, passes):
    X = drawn(gaps=missing == "mean")[:, [COLUMNS.index(column) for column in columns]]
    made, known, names = features.make("plain", columns, missing), {}, []
    while name := made.next_pass(known):
        sums = made.sums(name, known, X)
        made.schema(name).encode(sums)  # raises if they do not fit
        before = dict(known)
        after = made.learn(name, known, sums)
        assert known == before
        known, names = after, [*names, name]
    assert names == passes
    schema = Schema.of(**known)
    read = schema.decode(schema.encode(list(known.values())))
    assert {array.dtype.str for array in known.values()} <= set(DTYPES)
    inputs = made.transform(dict(zip(known, read, strict=True)), X)
    assert (inputs.dtype, inputs.shape) == (np.float64, (len(X), made.width(known)))
    np.testing.assert_array_equal(inputs, made.transform(known, X))


def test_the_inputs_of_the_inner_map_come_first(gather):
    X, made = drawn(), features.make("quadratic", COLUMNS, "mean")
    known = gather(made, np.array_split(X, 3))
    numbers = X.take(NUMBERS, axis=1)
    filled = np.where(np.isnan(numbers), known["fill"], numbers)
    inner = features.make("quadratic", tuple(COLUMNS[i] for i in NUMBERS))
    alone = gather(inner, np.array_split(filled, 3))
    inputs = made.transform(known, X)
    np.testing.assert_array_equal(inputs[:, :5], inner.transform(alone, filled))
    # 0 stands for what is missing.
    assert known["category_counts"].tolist() == [13, 3]
    assert known["categories"].tolist()[-3:] == [0, 5, 6]
    np.testing.assert_array_equal(inputs[:, 5:].sum(axis=1), 2)


def test_a_category_that_nobody_learned_from_is_zeros(gather):
    X, made = drawn(gaps=False), features.make("plain", COLUMNS)
    known = gather(made, [X])
    row = X[:1].copy()
    one, row[0, 2] = made.transform(known, row), 99.0
    other = made.transform(known, row)
    assert one[0, -2:].sum() == 1
    assert other[0].tolist() == [*one[0, :-2], 0, 0]
    row[0, 2] = np.nan  # as in a row to predict: there was none such
    np.testing.assert_array_equal(made.transform(known, row), other)


def test_a_column_with_one_category(gather):
    made = features.make("plain", COLUMNS[:1])
    known = gather(made, [np.full((3, 1), 7.0), np.empty((0, 1))])
    assert made.transform(known, np.full((2, 1), 7.0)).tolist() == [[1], [1]]
    assert made.transform(known, np.empty((0, 1))).shape == (0, 1)


def test_a_slave_may_have_no_number_at_all(gather):
    made = features.make("plain", COLUMNS[1:2], "mean")
    known = gather(made, [np.array([[np.nan]]), np.array([[1.0], [3.0]])])
    assert known["fill"].tolist() == [2]
    assert known["mean"].tolist() == [2]


@pytest.mark.parametrize("name", features.FEATURES)
def test_a_number_that_is_nowhere(gather, name):
    made = features.make(name, COLUMNS[1:2], "mean")
    with pytest.raises(DataError, match="column 'size': no slave has a number in it"):
        gather(made, [np.full((3, 1), np.nan), np.full((4, 1), np.nan)])


def test_too_many_categories(gather):
    X = np.arange(1.0, 1_002.0)[:, np.newaxis]
    made = features.make("plain", (features.Column("street", kind="category"),))
    with pytest.raises(DataError, match="column 'street': these are too many"):
        gather(made, [X])


@pytest.mark.parametrize("missing", ["error", "mean"])
def test_no_rows_at_all(gather, missing):
    with pytest.raises(DataError, match="no slave has any rows"):
        gather(features.make("plain", COLUMNS, missing), [np.empty((0, 4))])


def test_parts_add_up_to_the_whole(gather):
    X, made = drawn(), features.make("plain", COLUMNS, "mean")
    whole, parts = gather(made, [X]), gather(made, [*np.array_split(X, 7), X[:0]])
    assert whole.keys() == parts.keys()
    for key, array in whole.items():
        np.testing.assert_allclose(parts[key], array, rtol=1e-12, err_msg=key)
