"""Runs that grow trees, hit in the middle of a tree."""

import signal

import pytest

from fedredis.exchanges.setup import BINS, BOOSTING
from fedredis.models import TREES

#: Three levels a tree: ``grow:5`` is the second of the second round.
GROWN = {
    "strategy": BOOSTING,
    "features": BINS,
    "model": TREES,
    "rounds": 3,
    "options": {"depth": "3", "min-rows": "5", "columns": "0.7"},
}


@pytest.fixture
def grown(site, assert_as_undisturbed):
    """Return a run that grows trees; at the end of the test it is as if nothing had happened."""
    run = site.create(**GROWN)
    yield run
    assert_as_undisturbed(run)


@pytest.mark.parametrize("point", ["work", "submit", "submitted"])
def test_a_worker_is_killed(site, gates, send, grown, point):
    """Another one has none of its rows, nor the nodes that they are in."""
    site.worker()
    site.worker()
    gate = f"{point} grow:5 1"
    gates.close(gate, "work grow:5 2")
    master = site.master(grown)
    victim = gates.wait(gate)
    # Slave 2 is not done, whoever has claimed it: the level is open.
    assert grown.is_in("grow:5", "1") == (point == "submitted")
    send(victim, signal.SIGKILL)
    gates.wait("work grow:5 2")
    gates.open("work grow:5 2")
    master.ends(0)


def test_the_master_is_killed_and_resumed(site, gates, grown):
    """The trees go on growing from the level that is committed."""
    points = ("commit grow:2", "committed grow:4", "commit grow:6", "commit evaluate:2")
    site.worker()
    gates.close(*points)
    for point in points:
        master = site.master(grown)
        gates.wait(point)
        done, _, name = point.partition(" ")
        assert (name in grown.history) == (done == "committed")
        master.kill()
    site.master(grown).ends(0)


def test_all_of_them_are_killed(site, gates, send, grown):
    """Master, workers and server: everything goes on from what is on the disk."""
    worker = site.worker()
    gates.close("commit grow:5")
    master = site.master(grown)
    gates.wait("commit grow:5")
    master.kill()
    worker.kill()
    site.server.kill()
    site.server.start()
    site.worker()
    site.master(grown).ends(0)


def test_a_slave_is_cut_off_in_the_middle_of_a_tree(site, gates, partitions):
    """The quorum goes on: each level is split by whom it counted, and who is missing is named."""
    run, proxy = site.create(quorum=2, **{**GROWN, "rounds": 2}), site.proxy()
    site.worker(folder=partitions(only=(0, 1)))
    site.worker(folder=partitions(only=(2,)), url=proxy.url(site.server.url))
    gates.close("work grow:5 2")
    master = site.master(run)
    gates.wait("work grow:5 2")
    proxy.blackhole()
    gates.open("work grow:5 2")
    for name in ("grow:5", "grow:6", "evaluate:2", "scores:2"):
        run.let_deadline_pass(name, arrived=2)
    assert master.ends(0)["rounds"] == 2
    missing = {name: run.history[name]["missing"] for name in map("grow:{}".format, range(1, 7))}
    assert missing == {f"grow:{n}": ["2"] if n >= 5 else [] for n in range(1, 7)}
    said = site.fedredis("errors", run.run_id, "--redis-url", site.server.url).stdout
    assert "grow:5: missing: 2" in said
