import pytest

from fedredis import features
from fedredis.errors import DataError, UsageError

COLUMNS = (features.Column("tempo", 0.0, 250.0), features.Column("energy"))
GENRE = features.Column("genre", kind="category")


@pytest.mark.parametrize(("name", "width"), [("plain", 2), ("quadratic", 5)])
def test_make_by_name(name, width):
    made = features.make(name, COLUMNS)
    assert type(made) is features.FEATURES[name]
    assert made.columns == COLUMNS
    assert made.width({}) == width


@pytest.mark.parametrize("name", features.FEATURES)
@pytest.mark.parametrize(
    ("columns", "missing"), [((GENRE, *COLUMNS), "error"), (COLUMNS, "mean"), ((GENRE,), "error")]
)
def test_what_is_no_plain_number_is_prepared(name, columns, missing):
    made = features.make(name, columns, missing)
    assert isinstance(made, features.Prepared)
    assert made.columns == columns
    assert made.inner == features.make(name, tuple(c for c in columns if c != GENRE))


def test_unknown_name_names_the_known_ones():
    with pytest.raises(UsageError, match="no features 'cubic'; there are: plain, quadratic"):
        features.make("cubic", COLUMNS)


def test_a_column_of_no_known_kind():
    with pytest.raises(DataError, match="column 'genre': 'word' is neither number nor category"):
        features.Column("genre", kind="word")
