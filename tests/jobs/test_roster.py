from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fedredis.errors import UsageError, WaitTimeoutError
from fedredis.jobs import roster
from fedredis.jobs.roster import missing, wait_for_dataset, wait_for_slaves
from fedredis.store import workers
from fedredis.store.workers import WorkerCard

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis


def card(name: str, dataset: str = "pets", slaves: tuple[str, ...] | None = None) -> WorkerCard:
    return WorkerCard(name, "host", 1, "queue", dataset, "{}", slaves)


@pytest.fixture
def joined_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a look that no worker that joins wakes outlast the time limit of a test."""
    monkeypatch.setattr(roster, "TICK", 3600.0)


def clock_of(*times: float) -> Callable[[], float]:
    """Make a clock that says these times, and the last one ever after."""
    left = list(times)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize(
    ("held", "absent"),
    [
        ([], ["0", "1", "10"]),
        ([("1",)], ["0", "10"]),
        ([("10", "1"), ("0",)], []),
        ([("7",)], ["0", "1", "10"]),
        ([None], []),
        ([("1",), None], []),
        ([()], ["0", "1", "10"]),
    ],
)
def test_missing(held: list[tuple[str, ...] | None], absent: list[str]) -> None:
    cards = [card(f"w-{i}", slaves=slaves) for i, slaves in enumerate(held)]
    others = [card("x-1", "songs", None), card("x-2", "songs", ("0",))]
    assert missing([*cards, *others], "pets", ("0", "1", "10")) == absent


def test_the_data_set_of_a_worker_that_is_there(client: Redis) -> None:
    workers.join(client, card("w-1"))
    workers.join(client, card("w-2", slaves=("1",)))
    reports: list[str] = []
    found = wait_for_dataset(client, report=reports.append, deadline=0, clock=lambda: 1)
    assert (found, reports) == (card("w-1"), [])


@pytest.mark.usefixtures("joined_at_once")
def test_the_first_worker_is_seen_at_once(client: Redis) -> None:
    reports: list[str] = []

    def join(report: str) -> None:
        reports.append(report)
        workers.join(client, card("w-1"))

    found = wait_for_dataset(client, report=join, deadline=60, clock=lambda: 0)
    assert (found.name, reports) == ("w-1", ["waiting for slaves: none yet"])


def test_workers_of_several_data_sets(client: Redis) -> None:
    workers.join(client, card("w-1", "songs"))
    workers.join(client, card("w-2", "pets"))
    with pytest.raises(UsageError, match=r"several data sets are waiting \(pets, songs\).*--data"):
        wait_for_dataset(client, report=lambda line: None, deadline=60, clock=lambda: 0)


def test_no_worker_at_all(client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "TICK", 0.001)
    reports: list[str] = []
    with pytest.raises(WaitTimeoutError, match="no slave has come: start some with `fedredis sl"):
        wait_for_dataset(client, report=reports.append, deadline=60, clock=clock_of(0, 59, 60))
    assert len(reports) == 2


@pytest.mark.usefixtures("joined_at_once")
def test_slaves_are_awaited_until_the_last_one_is_there(client: Redis) -> None:
    workers.join(client, card("x-1", "songs"))
    reports: list[str] = []

    def join(report: str) -> None:
        reports.append(report)
        slave = str(len(reports) - 1)
        workers.join(client, card(f"w-{slave}", slaves=(slave,)))

    wait_for_slaves(client, "pets", ("0", "1", "2"), report=join, deadline=60, clock=lambda: 0)
    assert reports == [
        "waiting for 3 of 3 slaves: 0, 1, 2",
        "waiting for 2 of 3 slaves: 1, 2",
        "waiting for 1 of 3 slaves: 2",
    ]


def test_slaves_that_do_not_come_are_named(client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "TICK", 0.001)
    workers.join(client, card("w-1", slaves=("1",)))
    slaves = tuple(str(slave) for slave in range(13))
    reports: list[str] = []
    with pytest.raises(WaitTimeoutError) as late:
        wait_for_slaves(
            *(client, "pets", slaves),
            report=reports.append,
            deadline=60,
            clock=clock_of(0, 60),
        )
    names = "0, 2, 3, 4, 5, 6, 7, 8, 9, 10, …"
    assert str(late.value) == f"12 of 13 slaves of pets did not come: {names}"
    assert reports == [f"waiting for 12 of 13 slaves: {names}"]
