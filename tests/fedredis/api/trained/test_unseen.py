import numpy as np

from fedredis.api.trained.unseen import unseen_in
from fedredis.features import Column, make

COLUMNS = (Column("size"), Column("coat", kind="category"), Column("legs", kind="category"))


def test_columns_with_categories_that_nobody_had(learn):
    features = make("plain", COLUMNS)
    known = learn(features, np.array([[1.0, 7, 4], [2, 8, 4]]))
    assert unseen_in(features, known, np.array([[9.0, 8, 4], [1, 7, 4]])) == []
    line, other = unseen_in(features, known, np.array([[1.0, 7, 4], [1, 9, 4], [1, np.nan, 4]]))
    assert line.startswith("column 'coat': 1 of 3 rows have a category that no row to learn from")
    assert line.endswith("the first is row 1")
    assert other == (
        "column 'coat': 1 of 3 rows lack it, and no row to learn from does, so it is left out of "
        "account; the first is row 2"
    )
    (line,) = unseen_in(features, known, np.array([[1.0, np.nan, 4]]))
    assert line == "column 'coat': no row to learn from lacks it, so it is left out of account"


def test_numbers_alone():
    assert unseen_in(make("plain", COLUMNS[:1]), {}, np.zeros((2, 1))) == []
