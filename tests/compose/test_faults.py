"""Containers that are killed, paused and cut off in the middle of a round: row 28 of the matrix.

Unless a test says otherwise, the run then has the bits of one without containers, without faults.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from fedredis.keys import RunKeys
from fedredis.store import workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Federation = Any

ROUNDS = 20


@pytest.fixture(scope="module")
def up(federation: Callable[..., Federation]) -> Federation:
    made = federation(slaves=3)
    made.compose("up", "--detach", "--wait")
    return made


@pytest.fixture
def three(up: Federation) -> Iterator[Federation]:
    """Return three slaves that are up."""
    up.wait_until_healthy(up.container("redis"))  # a master waits for no other
    yield up
    up.end_masters()


@pytest.fixture(scope="module")
def expected(alone: Callable[..., str]) -> str:
    return alone(3, ROUNDS)


def crash(three: Federation, container: str) -> None:
    """Kill a container's first process from outside: the engine starts it again by itself."""
    os.kill(three.inspect(container)["State"]["Pid"], signal.SIGKILL)


def kill(three: Federation, container: str) -> None:
    """Kill a container, and have what was killed by hand started again by hand."""
    three.docker("kill", container)
    three.docker("start", container)


@pytest.mark.parametrize("service", ["slave", "redis"])
@pytest.mark.parametrize("end", [crash, kill])
def test_what_is_killed_comes_back(three, expected, service, end):
    master = three.master("--rounds", ROUNDS)
    with three.held(master):
        end(three, three.container(service))
    assert master.ends()["weights_sha256"] == expected
    # The address of a slave may be another one, but what it is given is not.
    assert "slave-0.npy" in three.exec(three.container("slave"), "ls", "/tmp/own")


def test_a_master_is_killed_and_the_run_resumed(three, expected):
    master = three.master("--rounds", ROUNDS)
    with three.held(master):
        three.docker("kill", master.container)
        master.popen.wait(30)
    assert three.train("resume", master.run)["weights_sha256"] == expected


@contextmanager
def away(three: Federation, container: str, way: str) -> Iterator[None]:
    """Stop a container where it stands, or pull the plug of its network, for a while."""
    network = f"{three.project}_default"
    named = ("--alias", "redis") if container == three.container("redis") else ()
    if way == "pause":
        three.pause(container)
    else:
        three.docker("network", "disconnect", network, container)
    try:
        yield
    finally:
        if way == "pause":
            three.docker("unpause", container)
        else:
            three.docker("network", "connect", *named, network, container)


def test_slaves_are_away_until_they_are_given_up(three, expected):
    """One stands still, one is cut off; the master waits, and both go on with the round."""
    master = three.master("--rounds", ROUNDS)
    with three.held(master), away(three, three.container("slave", 2), "disconnect"):
        three.until(lambda redis: len(workers.present(redis)) == 1)
    assert master.ends()["weights_sha256"] == expected


@pytest.mark.parametrize("way", ["pause", "disconnect"])
@pytest.mark.parametrize("who", ["redis", "master"])
def test_redis_or_the_master_is_away(three, expected, who, way):
    master = three.master("--rounds", ROUNDS)
    container = master.container if who == "master" else three.container("redis")
    with three.held(master), away(three, container, way):
        if who == "master":  # its lease ends
            three.until(lambda redis: not redis.exists(RunKeys(master.run).lease))
    assert master.ends()["weights_sha256"] == expected


@pytest.mark.parametrize("way", ["pause", "disconnect"])
def test_a_quorum_goes_on_without_a_slave_and_names_it(three, way):
    # Rounds long enough that the slave goes before the last of them.
    work = ("--rounds", 5, "--local-epochs", 60)
    master = three.master(*work, "--quorum", 0.6, "--round-timeout", 3)
    three.wait_for(master.run, type="committed", round="train:2")
    with away(three, three.container("slave", 3), way):
        assert master.ends()["rounds"] == 5
    missing = {name: entry["missing"] for name, entry in three.history(master.run).items()}
    assert missing["train:1"] == []
    assert missing["train:5"] == ["2"]
    said = three.compose("run", "--rm", "-T", "master", "errors", master.run)
    assert "train:5: missing: 2" in said
