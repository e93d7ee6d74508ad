import pytest

import fedredis
from fedredis.errors import DataError, UsageError
from fedredis.jobs.pool import WorkerPool
from fedredis.store import workers


@pytest.fixture
def parts(csv, folder):
    fedredis.partition(csv, slaves=3, out="parts")
    return folder / "parts"


def test_workers_serve_a_run_that_learns_from_them_what_they_hold(parts, server, client):
    with fedredis.serving(parts, workers=2, redis_url=server.url) as slaves:
        outcome = fedredis.run(rounds=2, redis_url=server.url)
    assert (slaves.workers, slaves.slaves) == (2, ("0", "1", "2"))
    assert slaves.queue == f"fedredis-{slaves.manifest.dataset}"
    assert (outcome.slaves, outcome.rounds) == (3, 2)
    assert fedredis.show(outcome.run, redis_url=server.url).state.config.dataset == (
        slaves.manifest.dataset
    )
    assert workers.present(client) == []


def test_some_of_the_slaves(parts, server):
    (parts / "slave-1.npy").unlink()
    with fedredis.serving(parts, redis_url=server.url) as slaves:
        assert slaves.slaves == ("0", "2")
        assert "-2-slaves-" in slaves.queue


def test_workers_that_die_are_replaced(parts, server, monkeypatch):
    """Until the call is interrupted, and then they are stopped."""
    revived, ends = [], iter([None, None, KeyboardInterrupt()])

    def wait(pool):
        if (end := next(ends)) is not None:
            raise end

    monkeypatch.setattr(WorkerPool, "wait", wait)
    monkeypatch.setattr(WorkerPool, "revive", lambda pool: revived.append(pool))
    with pytest.raises(KeyboardInterrupt):
        fedredis.serve(parts, redis_url=server.url)
    assert len(revived) == 3  # at the start, and after each wait


def test_what_can_not_be_served(parts, folder, server):
    with pytest.raises(DataError, match="no partition folder"):
        fedredis.serve("nowhere", redis_url=server.url)
    with pytest.raises(UsageError, match="`workers` must be from 1 to 1000, not 0"):
        fedredis.serve(parts, workers=0, redis_url=server.url)
    for file in parts.glob("*.npy"):
        file.unlink()
    with pytest.raises(DataError, match="holds no slave's partition"):
        fedredis.serve(parts, redis_url=server.url)


def test_a_damaged_partition_is_told_at_once(parts, server):
    file = parts / "slave-1.npy"
    file.write_bytes(file.read_bytes()[:-8])
    for call in (fedredis.serve, fedredis.run):
        with pytest.raises(DataError, match=r"slave-1\.npy: the file is damaged: it has"):
            call(parts, redis_url=server.url, workers=1)
    file.unlink()
    with pytest.raises(DataError, match=r"slave-1\.npy: there is no such file"):
        fedredis.run(parts, redis_url=server.url, workers=1)


def test_a_slave_with_its_own_file(folder, server, client):
    rows = "".join(f"{i},{'well' if i % 2 else 'ill'}\n" for i in range(20))
    (folder / "ward.csv").write_text(f"age,outcome\n{rows}")
    lent = fedredis.serving(
        "ward.csv", name="hospital-a", label="outcome", workers=2, redis_url=server.url
    )
    with lent as slave:
        assert (slave.slaves, slave.manifest.dataset) == (("hospital-a",), "shared")
        assert (slave.queue, slave.manifest.rows) == ("fedredis-shared-slave-hospital-a", 20)
        assert fedredis.run(slaves=1, rounds=1, redis_url=server.url).slaves == 1
    assert workers.present(client) == []
    assert [path.name for path in folder.iterdir()] == ["ward.csv"]


def test_an_own_file_that_can_not_be_served(parts, csv, server):
    """One line, before any worker is started."""
    for given, complaint in (
        ({"data": csv}, "own file, `name` says who it is"),
        ({"data": parts, "label": "decade"}, "own file, `name` says who it is"),
        ({"data": parts, "dataset": "wards"}, "own file, `name` says who it is"),
        ({"data": parts, "name": "a"}, "is a partition folder"),
        ({"data": csv, "name": "a b"}, "slave 'a b' is not a name"),
        ({"data": csv, "name": "update"}, "belongs to fedredis"),
        ({"data": csv, "name": "a", "dataset": "x-slave-y"}, "the word 'slave' parts"),
        ({"data": csv, "name": "a", "label": "loud"}, "songs.csv, column 'loud'"),
        ({"data": csv, "name": "a", "test_fraction": 1}, "below 1"),
        ({"data": csv, "name": ""}, "own file, `name` says who it is"),
    ):
        with pytest.raises(UsageError, match=complaint):
            fedredis.serve(**given, redis_url="redis://127.0.0.1:1")
