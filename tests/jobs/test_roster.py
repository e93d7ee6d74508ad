from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fedredis import __version__
from fedredis.data.manifest import Manifest
from fedredis.data.own import OWN
from fedredis.data.reading import Reading
from fedredis.errors import DataError, UsageError, WaitTimeoutError
from fedredis.features.protocol import Column
from fedredis.jobs import roster
from fedredis.jobs.naming import queue_name, worker_name
from fedredis.jobs.roster import (
    brings_own,
    missing,
    owners,
    refuse_namesake,
    wait_for_dataset,
    wait_for_owners,
    wait_for_slaves,
)
from fedredis.store import workers
from fedredis.store.workers import WorkerCard

if TYPE_CHECKING:
    from collections.abc import Callable


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
def test_missing(held, absent):
    cards = [card(f"w-{i}", slaves=slaves) for i, slaves in enumerate(held)]
    others = [card("x-1", "songs", None), card("x-2", "songs", ("0",))]
    assert missing([*cards, *others], "pets", ("0", "1", "10")) == absent


def test_the_data_set_of_a_worker_that_is_there(client):
    workers.join(client, card("w-1"))
    workers.join(client, card("w-2", slaves=("1",)))
    reports = []
    found = wait_for_dataset(client, report=reports.append, deadline=0, clock=lambda: 1)
    assert (found, reports) == (card("w-1"), [])


@pytest.mark.usefixtures("joined_at_once")
def test_the_first_worker_is_seen_at_once(client):
    reports = []

    def join(report):
        reports.append(report)
        workers.join(client, card("w-1"))

    found = wait_for_dataset(client, report=join, deadline=60, clock=lambda: 0)
    assert (found.name, reports) == ("w-1", ["waiting for slaves: none yet"])


def test_workers_of_several_data_sets(client):
    workers.join(client, card("w-1", "songs"))
    workers.join(client, card("w-2", "pets"))
    with pytest.raises(
        UsageError, match=r"several data sets are waiting \(pets, songs\).*`dataset`"
    ):
        wait_for_dataset(client, report=lambda line: None, deadline=60, clock=lambda: 0)


def test_no_worker_at_all(client, monkeypatch):
    monkeypatch.setattr(roster, "TICK", 0.001)
    reports = []
    with pytest.raises(WaitTimeoutError, match="no slave has come: start some with `fedredis sl"):
        wait_for_dataset(client, report=reports.append, deadline=60, clock=clock_of(0, 59, 60))
    assert len(reports) == 2


@pytest.mark.usefixtures("joined_at_once")
def test_slaves_are_awaited_until_the_last_one_is_there(client):
    workers.join(client, card("x-1", "songs"))
    reports = []

    def join(report):
        reports.append(report)
        slave = str(len(reports) - 1)
        workers.join(client, card(f"w-{slave}", slaves=(slave,)))

    wait_for_slaves(
        *(client, "pets", ("0", "1", "2")),
        enough=3,
        report=join,
        deadline=60,
        clock=lambda: 0,
    )
    assert reports == [
        "waiting for 3 of 3 slaves: 0, 1, 2",
        "waiting for 2 of 3 slaves: 1, 2",
        "waiting for 1 of 3 slaves: 2",
    ]


def test_slaves_that_do_not_come_are_named(client, monkeypatch):
    monkeypatch.setattr(roster, "TICK", 0.001)
    workers.join(client, card("w-1", slaves=("1",)))
    slaves = tuple(str(slave) for slave in range(13))
    reports = []
    with pytest.raises(WaitTimeoutError) as late:
        wait_for_slaves(
            *(client, "pets", slaves),
            enough=2,
            report=reports.append,
            deadline=60,
            clock=clock_of(0, 60),
        )
    names = "0, 2, 3, 4, 5, 6, 7, 8, 9, 10, …"
    assert str(late.value) == f"12 of 13 slaves of pets did not come: {names}"
    assert reports == [f"waiting for 12 of 13 slaves: {names}"]
    wait_for_slaves(
        *(client, "pets", slaves), enough=1, report=pytest.fail, deadline=0, clock=lambda: 0
    )


def own(name: str, dataset: str = "wards", **changes: Any) -> WorkerCard:
    """Make the card of a worker of a slave that brings its own file."""
    manifest = Manifest(
        *(dataset, name, 1, 0, 0.2, (Column("age"),), ("ill", "well"), 9, OWN),
        reading=Reading(label="outcome"),
    )
    manifest, queue = replace(manifest, **changes), queue_name(dataset, [name])
    return WorkerCard(
        worker_name(queue), "host", 1, queue, dataset, manifest.to_json(), (name,), __version__
    )


def test_slaves_that_bring_their_own_file():
    cards = [own("b"), own("a", rows=7), own("a", rows=7), own("c", "songs"), own("d", cut="iid")]
    assert [brings_own(card) for card in cards] == [True, True, True, True, False]
    found = owners(cards, "wards")
    assert list(found) == ["a", "b"]
    assert (found["a"].rows, found["b"].rows) == (7, 9)


def test_nobody_speaks_for_another():
    """Under access rules a worker can leave a card under its own name only."""
    mine, other = own("a"), own("b")
    for forged in (
        replace(mine, slaves=("b",)),
        replace(mine, slaves=("b",), queue=other.queue),
        replace(mine, slaves=("a", "b")),
        replace(mine, slaves=None),
    ):
        assert owners([forged], "wards") == {}


def test_a_slave_that_is_there_twice_with_different_data(client):
    cards = [own("a"), own("b"), own("b", classes=("ill", "dead"))]
    with pytest.raises(UsageError, match=r"slave b of wards is there twice, with different data"):
        owners(cards, "wards")
    for card in cards[:2]:
        workers.join(client, card)
    there = Manifest.from_json(cards[1].manifest)
    refuse_namesake(client, "b", there)
    refuse_namesake(client, "d", there)
    with pytest.raises(UsageError, match=r"twice.*gone after 15 s\), or give it another `name`"):
        refuse_namesake(client, "b", replace(there, rows=10))


def test_a_manifest_that_is_damaged_is_named():
    card = replace(own("a"), manifest="[]")
    with pytest.raises(DataError, match=f"worker {card.name}: the manifest is damaged"):
        owners([card], "wards")


def test_more_rows_than_anybody_has_are_named():
    """Sums would have no room for them, and others' rows not count."""
    owners([own("a", rows=2**40)], "wards")
    with pytest.raises(DataError, match=r"worker \S*slave-a\S* says that it has 1099511627777 "):
        owners([own("a", rows=2**40 + 1)], "wards")


def test_one_of_several_data_sets_is_chosen(client):
    for card_ in (own("a"), own("b", "songs")):
        workers.join(client, card_)
    given = {"report": lambda line: None, "deadline": 0, "clock": lambda: 1}
    assert wait_for_dataset(client, "songs", **given).slaves == ("b",)
    with pytest.raises(WaitTimeoutError, match="no slave of pets has come"):
        wait_for_dataset(client, "pets", **given)


@pytest.mark.usefixtures("joined_at_once")
@pytest.mark.parametrize(
    ("wanted", "reports"),
    [
        (
            3,
            [
                "waiting for 3 of 3 slaves: there is none",
                "waiting for 2 of 3 slaves: there is c",
                "waiting for 1 of 3 slaves: there is a, c",
            ],
        ),
        (
            ["a", "b"],
            [
                "waiting for 2 of 2 slaves: a, b",
                "waiting for 2 of 2 slaves: a, b",
                "waiting for 1 of 2 slaves: b",
            ],
        ),
    ],
)
def test_owners_are_awaited(client, wanted, reports):
    """So many, or certain ones; who else is there makes no difference to the latter."""
    coming, told = iter("cab"), []

    def join(line):
        told.append(line)
        workers.join(client, own(next(coming)))

    found = wait_for_owners(client, "wards", wanted, report=join, deadline=60, clock=lambda: 0)
    assert told == reports
    assert sorted(found) == ["a", "b", "c"][: len(found)]
    assert len(found) == (wanted if isinstance(wanted, int) else len(wanted))


def test_more_owners_than_are_wanted(client):
    for name in "cab":
        workers.join(client, own(name))
    given = {"report": lambda line: None, "deadline": 60, "clock": lambda: 0}
    with pytest.raises(UsageError, match=r"3 slaves of wards are there, not 2: .*\(a, b, c\)"):
        wait_for_owners(client, "wards", 2, **given)
    assert list(wait_for_owners(client, "wards", ["c", "a"], **given)) == ["c", "a"]


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        (2, "1 of 2 slaves of wards did not come: there is a"),
        (["b", "a"], "1 of 2 slaves of wards did not come: b"),
    ],
)
def test_owners_that_do_not_come(client, wanted, line):
    workers.join(client, own("a"))
    with pytest.raises(WaitTimeoutError, match=f"^{line}$"):
        wait_for_owners(
            client, "wards", wanted, report=lambda line: None, deadline=0, clock=lambda: 1
        )


@pytest.mark.parametrize(
    ("version", "told"), [("0.0.9", "fedredis 0.0.9, and"), ("", "an older fedredis, and")]
)
def test_a_worker_of_another_version_is_refused(client, version, told):
    workers.join(client, own("a"))
    workers.join(client, replace(own("b"), version=version))
    given = {"report": pytest.fail, "deadline": 0, "clock": lambda: 0}
    line = f"worker fedredis-.* on host is of {told} this is fedredis {__version__}: install"
    with pytest.raises(UsageError, match=line):
        wait_for_owners(client, "wards", 2, **given)
    with pytest.raises(UsageError, match=line):
        wait_for_slaves(client, "wards", ("a", "b"), enough=2, **given)
    # Whom it is not needed for, it does not stop.
    assert wait_for_dataset(client, "wards", **given).slaves == ("a",)
    assert list(wait_for_owners(client, "wards", ("a",), **given)) == ["a"]
    wait_for_slaves(client, "wards", ("a",), enough=1, **given)
    wait_for_slaves(client, "wards", ("a", "b"), enough=1, **given)
    workers.leave(client, workers.present(client)[0].name)
    workers.leave(client, workers.present(client)[0].name)
    workers.join(client, replace(own("b"), version=version))
    with pytest.raises(UsageError, match=line):
        wait_for_dataset(client, "wards", **given)


def test_a_stranger_can_not_speak_of_another_version(client):
    """Who may leave a card of its own only stops nobody else's run."""
    workers.join(client, own("a"))
    workers.join(client, replace(own("b"), slaves=("a",), version="0.0.9"))
    given = {"report": pytest.fail, "deadline": 0, "clock": lambda: 0}
    wait_for_slaves(client, "wards", ("a",), enough=1, **given)
