import numpy as np
import pytest

from fedredis.errors import DataError
from fedredis.features import Column, make

KIND, FLAG = Column("kind", kind="category"), Column("flag", kind="category")


def test_one_input_a_category_and_zeros_for_those_that_nobody_learned_from(gather):
    made, X = make("plain", (KIND, FLAG)), np.array([[7.0, 5], [9, 6], [7, np.nan], [9, 5]] * 9)
    known = gather(made, [X[:10], X[10:10], X[10:]])
    assert known["categories"].tolist() == [7, 9, 0, 5, 6]  # 0 stands for what is missing
    assert known["category_counts"].tolist() == [2, 3]
    row = np.array([[9.0, np.nan], [99, 5]])
    assert made.transform(known, row).tolist() == [[0, 1, 1, 0, 0], [0, 0, 0, 1, 0]]
    assert made.transform(known, row[:0]).shape == (0, 5)
    assert made.bounds(known).tolist() == [1] * 5
    assert made.warnings(known) == ()


@pytest.mark.parametrize("bundle", [1, 2, 3])
def test_a_slave_learns_what_it_alone_has(gather, bundle):
    rng = np.random.default_rng(8)
    made, common = make("plain", (KIND, FLAG)), rng.choice(900, 300, replace=False) + 1.0
    own = [2000.0 + np.arange(100 * k, 100 * k + 90) for k in range(3)]
    parts = [np.column_stack([np.concatenate([common, mine])] * 2) for mine in own]
    for k, part in enumerate(parts):
        part[k::7, 1] = np.nan
    known = gather(made, parts, bundle=bundle)
    for part, mine in zip(parts, own, strict=True):
        found = made.alone(known, part)
        assert found["kind"] == mine.tolist()
        others = np.concatenate([p[:, 1] for p in parts if p is not part])
        its = np.unique(part[~np.isnan(part[:, 1]), 1])
        assert found["flag"] == its[~np.isin(its, others)].tolist()
    assert made.alone(known, parts[0][:0]) == {}


def test_columns_with_one_category_or_one_a_row(gather):
    X = np.column_stack([np.arange(1.0, 21), np.full(20, 7.0)])
    made = make("plain", (KIND, FLAG))
    assert made.warnings(gather(made, [X[:5], X[5:]])) == (
        "column 'kind' has 20 categories in 20 rows: leave it out of the columns",
        "column 'flag' is the same in all rows: leave it out of the columns",
    )


def test_too_many_categories(gather):
    with pytest.raises(DataError, match="column 'kind': these are too many"):
        gather(make("plain", (KIND,)), [np.arange(1.0, 1_002.0)[:, np.newaxis]])
