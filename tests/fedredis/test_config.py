from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fedredis.config import RunConfig, check_name
from fedredis.data.reading import Reading
from fedredis.errors import FedredisError, UsageError
from fedredis.features.protocol import Column
from fedredis.models.protocol import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def make_config() -> Callable[..., RunConfig]:
    """Return a maker of configs of three slaves with two columns and two classes."""
    columns = (Column("size", None, None), Column("age", 0, 30))

    def make(**changes: Any) -> RunConfig:
        usual = {"dataset": "pets-3", "slaves": 3, "rows": 100, **changes}
        return RunConfig(columns=columns, classes=("cat", "dog"), **usual)

    return make


NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("option", "change"),
    [
        *(("slaves", {"slaves": value}) for value in (0, -1)),
        *(("rounds", {"rounds": value}) for value in (0, -20)),
        ("local_epochs", {"local_epochs": 0}),
        ("batch_size", {"batch_size": 0}),
        ("attempts", {"attempts": 0}),
        ("seed", {"seed": -1}),
        *(("learning_rate", {"learning_rate": value}) for value in (0, -0.1, NAN, INFINITY)),
        *(("l2", {"l2": value}) for value in (-1e-9, NAN, INFINITY)),
        *(("quorum", {"quorum": value}) for value in (-1, 4)),
        *(("round_timeout_ms", {"round_timeout_ms": value}) for value in (99, 10**10)),
        ("lease_ms", {"lease_ms": 0}),
        *(("max_norm", {"max_norm": value}) for value in (0, -1.0, NAN, INFINITY)),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_field(make_config, option, change):
    with pytest.raises(UsageError, match=f"^`{option}` must "):
        make_config(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"slaves": 1, "rounds": 1, "local_epochs": 1, "batch_size": 1, "attempts": 1},
        {"seed": 0, "l2": 0, "learning_rate": 1e-12},
        {"quorum": 0},
        {"quorum": 3},
        {"round_timeout_ms": 100, "lease_ms": 100},
        {"max_norm": 1e-300},
        {"max_norm": 1e308},
    ],
)
def test_the_ends_of_the_ranges(make_config, change):
    config = make_config(**change)
    assert {name: getattr(config, name) for name in change} == change


def test_json_round_trip(make_config):
    reading = Reading(label="kind", weights="w", dates=["born"], missing="mean")
    config = make_config(learning_rate=0.1 + 0.2, seed=2**40, reading=reading, source="a b.csv")
    back = RunConfig.from_json(config.to_json())
    assert back == config
    assert back.columns == (Column("size", None, None), Column("age", 0, 30))
    assert RunConfig.from_json(config.to_json().encode()) == config


def test_fields_of_later_versions_are_ignored(make_config):
    config = make_config()
    later = {**json.loads(config.to_json()), "colour": "red"}
    assert RunConfig.from_json(json.dumps(later)) == config


def test_fields_that_are_missing_take_their_defaults(make_config):
    earlier = json.loads(make_config(attempts=7).to_json())
    del earlier["attempts"], earlier["max_norm"]
    back = RunConfig.from_json(json.dumps(earlier))
    assert (back.attempts, back.max_norm) == (3, 1e6)


def test_a_stored_config_is_checked(make_config):
    stored = {**json.loads(make_config().to_json()), "rounds": 0}
    with pytest.raises(FedredisError, match="`rounds`"):
        RunConfig.from_json(json.dumps(stored))


@pytest.mark.parametrize("each", [[1, 2], ["a", "b", "c"], [1.5, 2, 3], 7])
def test_how_many_rows_each_slave_had_is_checked(make_config, each):
    stored = json.loads(make_config(slaves=3, each=(1, 2, 3)).to_json())
    assert RunConfig.from_json(json.dumps(stored)).each == (1, 2, 3)
    with pytest.raises(FedredisError):
        RunConfig.from_json(json.dumps({**stored, "each": each}))


def test_slaves_are_numbered_and_summed_in_order(make_config):
    assert make_config(slaves=11).slave_ids == (*"0123456789", "10")


def test_without_a_quorum_all_are_needed(make_config):
    assert make_config(slaves=5).required(5) == 5
    assert make_config(slaves=5, quorum=2).required(5) == 2


def test_all_slaves_train_or_a_sample_of_them(make_config):
    assert make_config(slaves=3).trainers(1) == ("0", "1", "2")
    config = make_config(slaves=12, sample=4)
    rounds = [config.trainers(number) for number in range(1, 50)]
    for drawn in rounds:
        assert len(set(drawn)) == 4
        assert list(drawn) == sorted(drawn, key=int)
    assert len(set(rounds)) > 40
    assert {slave for drawn in rounds for slave in drawn} == set(config.slave_ids)
    assert rounds[7] == make_config(slaves=12, sample=4, rounds=99).trainers(8)
    assert rounds[7] != make_config(slaves=12, sample=4, seed=1).trainers(8)


def test_named_slaves(make_config):
    config = make_config(names=("clinic-a", "clinic-b", "zoo"))
    assert config.slave_ids == ("clinic-a", "clinic-b", "zoo")
    assert RunConfig.from_json(config.to_json()) == config
    for names in (
        ("b", "a", "c"),
        ("a", "a", "b"),
        ("a", "b"),
        ("a", "b", "ids"),
        ("a", "b", "/"),
    ):
        with pytest.raises(UsageError):
            make_config(names=names)


def test_a_slave_draws_from_seed_round_and_name(make_config):
    config = make_config(seed=3)
    slaves = ("1", "2", "zoo", "zoo-2")
    drawn = [rng.random() for n in (1, 2) for rng in config.local_rngs(n, slaves)]
    assert len(set(drawn)) == 8
    (alone,) = make_config(seed=3).local_rngs(2, ["zoo"])
    assert alone.random() == drawn[6]
    # The bits of published hashes.
    first = [int(rng.integers(1 << 62)) for rng in config.local_rngs(1, ["1", "2"])]
    assert first == [2679581365836076302, 565145828653437998]


def test_the_settings_of_a_round(make_config):
    config = make_config(rounds=4, learning_rate=0.8, l2=0.5, local_epochs=2, batch_size=9)
    assert config.training(3) == TrainingSettings(2, 9, 0.4, 0.5)


@pytest.mark.parametrize("name", ["a", "7", "pets-3_x.csv", "a" * 64])
def test_a_name(name):
    assert check_name(name, "slave") == name


@pytest.mark.parametrize(
    "name", ["", ".", "../a", "-a", "a b", "a/b", "a\n", "é", "a" * 65, "{a}"]
)
def test_no_name(name):
    with pytest.raises(UsageError, match=r"^slave .* is not a name"):
        check_name(name, "slave")
