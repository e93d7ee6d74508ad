import numpy as np
import pytest

from fedredis import features
from fedredis.errors import DataError, UsageError

COLUMNS = (features.Column("tempo", 0.0, 250.0), features.Column("energy"))
GENRE = features.Column("genre", kind="category")


@pytest.mark.parametrize(("name", "width"), [("plain", 2), ("quadratic", 5)])
def test_make_by_name(name, width):
    made = features.make(name, COLUMNS)
    assert [type(part) for _, part in made.parts] == [features.FEATURES[name]]
    assert made.width({}) == width


def test_numbers_come_first_then_categories_and_labels_make_no_input():
    made = features.make("quadratic", (GENRE, *COLUMNS), "mean", numeric_labels=True)
    numbers, categories, labels = made.parts
    assert (numbers[0], categories[0], labels[0]) == ((1, 2), (0,), ())
    assert numbers[1] == features.FEATURES["quadratic"](COLUMNS, gaps=True)
    assert made.width({"categories": np.zeros(7)}) == 5 + 7


def test_unknown_name_names_the_known_ones():
    known = ", ".join(features.FEATURES)
    with pytest.raises(UsageError, match=f"`features` must be one of {known}, not 'cubic'"):
        features.make("cubic", COLUMNS)


def test_a_column_of_no_known_kind():
    with pytest.raises(DataError, match="column 'genre': 'word' is neither number nor category"):
        features.Column("genre", kind="word")
