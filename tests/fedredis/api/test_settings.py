from __future__ import annotations

import sys
from dataclasses import fields

import numpy as np
import pytest

from fedredis.api.settings import FROM_ELSEWHERE, check_wait, draft, quorum_of
from fedredis.config import RunConfig
from fedredis.errors import UsageError


@pytest.mark.parametrize(
    ("asked", "count"),
    [(None, 0), ("7", 7), ("0.75", 8), (7, 7), (0.75, 8), (1.0, 10), (np.int64(7), 7)],
)
def test_a_quorum_is_a_count_or_a_share(asked, count):
    assert quorum_of(asked, 10) == count


@pytest.mark.parametrize("asked", ["most", "0", "1.5", "nan.", "", 11, 0, -1, 1.5, float("nan")])
def test_a_quorum_that_is_neither(asked):
    with pytest.raises(UsageError, match="give a number from 1 to 10, or a share"):
        quorum_of(asked, 10)


def test_a_draft_has_the_settings_and_no_data():
    config = draft({"rounds": 5, "features": "plain", "lease_ms": 800}, sys.maxsize)
    assert (config.rounds, config.features, config.lease_ms) == (5, "plain", 800)
    assert (config.dataset, config.columns, config.classes) == ("", (), ())


def test_numbers_of_numpy_become_pythons():
    config = draft({"rounds": np.int64(5), "l2": np.float32(0.5), "learning_rate": 1}, 3)
    config.to_json()
    assert [type(value) for value in (config.rounds, config.l2, config.learning_rate)] == [
        int,
        float,
        float,
    ]


def test_a_strategys_options_become_text():
    options = {"server_learning_rate": 0.5, "momentum": np.float64(0.25)}
    config = draft({"strategy": "fedavgm", "options": options}, 3)
    assert config.options == {"server_learning_rate": "0.5", "momentum": "0.25"}
    assert draft({"options": {}}, 3).options == {}


@pytest.mark.parametrize("name", ["round", "dataset", "quorum", "redis"])
def test_an_unknown_setting_is_named(name):
    with pytest.raises(UsageError, match=f"no setting '{name}': choose from rounds, seed"):
        draft({name: 1}, 3)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("rounds", "five", "rounds must be of type int, not 'five'"),
        ("rounds", 2.5, "rounds must be of type int, not 2.5"),
        ("l2", "little", "l2 must be of type float"),
        ("rounds", 0, "--rounds must be at least 1"),
    ],
)
def test_a_wrong_value(name, value, complaint):
    with pytest.raises(UsageError, match=complaint):
        draft({name: value}, 3)


def test_what_comes_from_elsewhere_are_fields_of_the_config():
    assert {field.name for field in fields(RunConfig)} > FROM_ELSEWHERE


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e10])
def test_waiting_has_an_end(seconds: float) -> None:
    with pytest.raises(UsageError, match=r"^`wait_timeout` must be between 0 and 30 days"):
        check_wait(seconds)
