import pytest

from fedredis import models
from fedredis.errors import UsageError


def test_make_by_name():
    assert models.make("logistic", 5, 3) == models.LogisticRegression(5, 3)


def test_unknown_name_names_the_known_ones():
    with pytest.raises(UsageError, match="no model 'forest'; there are: logistic"):
        models.make("forest", 5, 3)


def test_a_model_of_the_users_own(monkeypatch):
    monkeypatch.setitem(models.MODELS, "mine", lambda width, classes: ("mine", width, classes))
    assert models.make("mine", 5, 3) == ("mine", 5, 3)
    with pytest.raises(UsageError, match="there are: logistic, mine"):
        models.make("forest", 5, 3)
