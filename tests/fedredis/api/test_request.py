"""What is asked of a run: taken by name, checked before there is data, completed by the data."""

import os
from dataclasses import replace

import numpy as np
import pytest

import fedredis
from fedredis.api.request import Request
from fedredis.arguments import arguments_of
from fedredis.config import RunConfig
from fedredis.data.reading import Reading
from fedredis.errors import DataWarning, UsageError


def of(**asked):
    return Request.of(None, None, ".fedredis", asked)


@pytest.mark.parametrize(
    ("asked", "count"),
    [(None, 0), ("7", 7), ("0.75", 8), (7, 7), (0.75, 8), (1.0, 10), (np.int64(7), 7)],
)
def test_a_quorum_is_a_count_or_a_share(asked, count):
    assert of(quorum=asked).quorum_of(10) == count


@pytest.mark.parametrize("asked", ["most", "0", "1.5", "nan.", "", 11, 0, -1, 1.5, float("nan")])
def test_a_quorum_that_is_neither(asked):
    with pytest.raises(UsageError, match="`quorum` must be a number from 1 to 10, or a share"):
        of(quorum=asked, slaves=10)


def test_everything_is_taken_by_its_name():
    """What is None is not said; numbers of NumPy are Python's, and options text."""
    request = of(
        rounds=np.int64(5),
        l2=np.float32(0.5),
        learning_rate=1,
        label=None,
        slaves=np.int32(3),
        columns=["a"],
        options={"momentum": np.float64(0.25)},
        strategy="fedavgm",
    )
    settings = {"rounds": 5, "l2": 0.5, "learning_rate": 1.0, "options": {"momentum": "0.25"}}
    assert request.settings == {**settings, "strategy": "fedavgm"}
    assert [type(request.settings[name]) for name in settings] == [int, float, float, dict]
    assert (request.slaves, request.reading) == (3, Reading(columns=["a"]))
    assert "label" not in request.said
    assert {"slaves", "columns", "rounds"} < request.said


def test_no_argument_is_there_twice():
    of_all = [name for cls in (Request, Reading, RunConfig) for name in arguments_of(cls)]
    assert len(of_all) == len({*of_all})


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        *(({name: 1}, f"no argument '{name}'") for name in ("round", "source", "redis")),
        ({"slaves": "x"}, "`slaves` must be a whole number, not 'x'"),
        ({"workers": "x"}, "`workers` must be a whole number, not 'x'"),
        ({"workers": -1}, "`workers` must be at least 0 and at most 1000, not -1"),
        ({"test_fraction": "x"}, "`test_fraction` must be a number, not 'x'"),
        ({"test_fraction": 1}, "`test_fraction` must be at least 0 and below 1, not 1.0"),
        ({"names": 5}, "`names` must be a list of names, not 5"),
        ({"names": "ab"}, "`names` must be a list of names, not 'ab'"),
        ({"names": ["a", "a"]}, "`names` names 1 slaves, each once"),
        ({"rounds": 2.5}, "`rounds` must be a whole number, not 2.5"),
        ({"rounds": True}, "`rounds` must be (at least 1 .*, not 0|a whole number)"),
        ({"rounds": 0}, "`rounds` must be at least 1 and at most 1000000000, not 0"),
        ({"workers": 10**6}, "`workers` must be at least 0 and at most 1000, not 1000000"),
        ({"l2": "little"}, "`l2` must be a number"),
        ({"options": "fast"}, "`options` must be a mapping"),
        ({"options": {"speed": 1}}, "`strategy` fedavg has no option 'speed'"),
        ({"columns": 5}, "`columns` must be a list of names, not 5"),
        ({"by": "dice"}, "there is no cut 'dice'"),
        ({"fraction": 0.5, "sample": 3}, "`fraction` and `sample` say the same"),
        *(
            ({"wait_timeout": value}, "^`wait_timeout` must be at least 0 and at most 2592000 sec")
            for value in (-1, float("nan"), float("inf"), 1e10)
        ),
        (
            {"lease_ms": 5},
            "`lease_ms` must be at least 0.1 and at most 2592000 seconds, not 0.005",
        ),
    ],
)
def test_what_is_wrong_is_told_by_the_name_of_the_argument(asked, problem):
    with pytest.raises(UsageError, match=problem):
        of(**asked)


def test_who_is_wanted():
    assert of().count is None
    assert of(slaves=3).count == of(names=["a", "b", "c"]).count == 3
    assert [of(slaves=3).elsewhere, of(dataset="x").elsewhere] == [False, True]


@pytest.mark.parametrize(
    ("asked", "redis_url", "slaves", "count"),
    [
        (3, None, 10, 3),
        (3, "redis://there", 10, 3),
        (0, None, 10, 0),
        (None, "redis://there", 10, 0),
        (None, None, 1, 1),
        (None, None, 10_000, os.cpu_count()),
    ],
)
def test_how_many_workers_are_started(asked, redis_url, slaves, count):
    assert replace(of(workers=asked), redis_url=redis_url).workers_for(slaves) == count


def test_a_seed_that_cuts_nothing_is_told_of(csv):
    manifest = fedredis.partition(csv, slaves=2, out="parts", seed=3).manifest
    of().tell_of_cut(manifest)
    of(seed=3).tell_of_cut(manifest)
    with pytest.warns(DataWarning, match=r"`seed=5` is of training alone: .* by the seed 3"):
        of(seed=5).tell_of_cut(manifest)


def test_a_config_is_what_is_asked_and_what_the_data_says(csv):
    manifest = fedredis.partition(csv, slaves=4, out="parts").manifest
    config = of(fraction=0.4, quorum="0.6", rounds=3).config(manifest, "there")
    assert (config.slaves, config.rows, config.sample, config.quorum) == (4, 300, 2, 2)
    assert (config.rounds, config.model, config.strategy) == (3, "logistic", "fedavg")
    assert (config.dataset, config.source) == (manifest.dataset, "there")
    numbers = replace(manifest, classes=())
    assert of().config(numbers, "").strategy == "newton"
    with pytest.raises(UsageError, match=r"`slaves` is 5, and .* was cut for 4 slaves"):
        of(slaves=5).config(manifest, "there")
