import pytest

from fedredis import features
from fedredis.errors import UsageError

COLUMNS = (features.Column("tempo", 0.0, 250.0), features.Column("energy"))


@pytest.mark.parametrize(("name", "width"), [("plain", 2), ("quadratic", 5)])
def test_make_by_name(name, width):
    made = features.make(name, COLUMNS)
    assert type(made) is features.FEATURES[name]
    assert made.columns == COLUMNS
    assert made.width == width


def test_unknown_name_names_the_known_ones():
    with pytest.raises(UsageError, match="no features 'cubic'; there are: plain, quadratic"):
        features.make("cubic", COLUMNS)
