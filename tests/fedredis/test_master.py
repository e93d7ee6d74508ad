from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ConnectionError  # noqa: A004

from fedredis.errors import FedredisError, LeaseHeldError, RunNotFoundError, UsageError
from fedredis.keys import RunKeys
from fedredis.master import create_run, drive_run
from fedredis.store import runs
from fedredis.store.master import MasterStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.config import RunConfig

    Make = Callable[..., Any]


def test_create_run_writes_what_it_starts_from(
    fake: Redis, make_config: Callable[..., RunConfig]
) -> None:
    run_id = create_run(fake, make_config())
    state = runs.read(fake, run_id)
    assert (state.status, state.round) == ("waiting", 0)
    assert state.config == make_config()
    assert state.model == ""
    assert runs.artifact(fake, run_id, state.preprocessing).named == {}
    assert create_run(fake, make_config()) != run_id


def test_create_run_refuses_what_does_not_go_together(
    fake: Redis, make_config: Callable[..., RunConfig]
) -> None:
    with pytest.raises(UsageError, match="no model 'forest'"):
        create_run(fake, make_config(model="forest"))
    assert fake.dbsize() == 0


def test_no_such_run(client: Redis) -> None:
    with pytest.raises(RunNotFoundError, match="there is no run r9"):
        drive_run(
            client,
            "r9",
            dispatcher=lambda store, config: lambda label, waiting: None,
            report=lambda label, entry: None,
            clock=time.monotonic,
        )
    assert client.dbsize() == 0


def test_an_interrupted_run_gives_its_lease_back(client: Redis, make_training: Make) -> None:
    training = make_training()

    def interrupt(label: object, entry: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.drive(interrupt)
    assert (training.state.status, training.state.error) == ("stopped", "interrupted")
    assert not client.exists(RunKeys(training.run_id).lease)
    training.drive()
    assert (training.state.status, training.state.error) == ("finished", "")


def test_a_run_that_another_master_drives(client: Redis, make_training: Make) -> None:
    training = make_training(lease_ms=100)
    store = MasterStore(client, RunKeys(training.run_id), token="alive", lease_ms=60_000)
    store.acquire()
    with pytest.raises(LeaseHeldError, match=f"is driving run {training.run_id}"):
        training.drive()
    assert client.get(RunKeys(training.run_id).lease) == b"alive"
    assert training.farm.dispatched == []


def test_the_lease_of_a_dead_master_is_waited_for(client: Redis, make_training: Make) -> None:
    training = make_training(rounds=1, lease_ms=100)
    MasterStore(client, RunKeys(training.run_id), token="dead", lease_ms=100).acquire()
    training.drive()
    assert training.state.status == "finished"


def test_a_master_that_leaves_is_followed_at_once(client: Redis, make_training: Make) -> None:
    training = make_training(rounds=1, lease_ms=60_000)
    keys = RunKeys(training.run_id)
    first = MasterStore(client, keys, token="first", lease_ms=60_000)
    first.acquire()
    driving = threading.Thread(target=training.drive)
    driving.start()
    first.release("stopped")
    driving.join()
    assert training.state.status == "finished"
    assert client.hget(keys.run, "epoch") == b"2"


@pytest.mark.parametrize("name", ["model:1", "preprocessing:1"])
def test_a_run_that_has_lost_its_model(client: Redis, make_training: Make, name: str) -> None:
    training = make_training(rounds=2)

    def interrupt(label: object, entry: object) -> None:
        if str(label) == "train:1":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.drive(interrupt)
    client.delete(RunKeys(training.run_id).artifact(name))
    with pytest.raises(FedredisError, match="has lost its model"):
        training.drive()
    assert training.state.status == "failed"


@pytest.mark.parametrize("on_disk", [True, False])
def test_a_run_says_whether_its_end_is_on_the_disk(
    client: Redis, make_training: Make, monkeypatch: pytest.MonkeyPatch, on_disk: bool
) -> None:
    training = make_training(rounds=1)
    waits: list[object] = []

    def wait(local: int, replicas: int, ms: int) -> list[int]:
        waits.append((training.state.status, local, replicas))
        return [int(on_disk), 0]

    monkeypatch.setattr(client, "waitaof", wait)
    said = drive_run(
        client,
        training.run_id,
        dispatcher=lambda store, config: training.farm,
        report=lambda label, entry: None,
        clock=time.monotonic,
    )
    assert said is on_disk
    # It is waited for at the end, and not a round.
    assert waits == [("finished", 1, 0)]


def test_a_report_that_fails_leaves_the_run_to_be_gone_on_with(
    client: Redis, make_training: Make
) -> None:
    training = make_training()

    def fail(label: object, entry: object) -> None:
        raise ZeroDivisionError("of the caller's own")

    with pytest.raises(ZeroDivisionError):
        training.drive(fail)
    assert (training.state.status, training.state.error) == (
        "stopped",
        "ZeroDivisionError: of the caller's own",
    )
    assert not client.exists(RunKeys(training.run_id).lease)
    training.drive()
    assert training.state.status == "finished"


def test_a_master_whose_redis_is_away_does_not_try_to_tell_it(
    client: Redis, make_training: Make
) -> None:
    training = make_training()

    def away(label: object, entry: object) -> None:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        training.drive(away)
    assert training.state.status == "running"
    assert client.exists(RunKeys(training.run_id).lease)
