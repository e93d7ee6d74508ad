"""A server that is killed, loses its newest data, stops, fills up, or changes its role."""

import pytest

from fedredis.connection import connect
from fedredis.embedded import EmbeddedServer


@pytest.fixture
def stopped_at_commit(site, gates):
    """Return a run with two workers and a master that is about to commit its second round."""
    run = site.create()
    gates.close("commit train:2")
    master = site.master(run, workers=2)
    gates.wait("commit train:2")
    return run, master


@pytest.mark.parametrize("seconds", [1, 12])
def test_row_05_the_server_is_killed_and_comes_back(
    site, gates, stopped_at_commit, assert_as_undisturbed, seconds
):
    """The master and its workers wait for it and go on."""
    run, master = stopped_at_commit
    site.server.kill()
    gates.open("commit train:2")
    master.lives_for(seconds)
    site.server.start()
    master.ends(0)
    assert_as_undisturbed(run)


def test_row_05_the_server_does_not_come_back(site, gates, assert_as_undisturbed):
    """The master says where it has looked, and that the run can be resumed."""
    run = site.create()
    pool = site.pool(patience=1)
    gates.close("commit train:2")
    master = site.master(run, patience=1)
    gates.wait("commit train:2")
    site.server.kill()
    gates.open("commit train:2")
    master.ends(1)
    assert f"Redis unreachable at redis://:***@127.0.0.1:{site.server.port}" in master.said
    assert f"fedredis resume {run.run_id}" in master.said
    site.server.start()
    assert pool.popen.poll() is None
    run.assert_nothing_of("train:2")
    site.master(run).ends(0)
    assert_as_undisturbed(run)


@pytest.mark.parametrize(
    ("cut", "left"),
    [
        # In the middle of a commit: all or nothing of it.
        ("model:3\r\n", 2),
        # Two rounds and a half.
        ("model:1\r\n", 0),
    ],
)
def test_row_06_the_newest_data_is_lost(site, gates, assert_as_undisturbed, cut, left):
    """The rounds that are gone are run again, to the same bits."""
    run = site.create()
    worker = site.worker()
    gates.close("committed train:3")
    master = site.master(run)
    gates.wait("committed train:3")
    assert run.state.round == 3
    for process in (master, worker, site.server):
        process.kill()
    site.server.cut(f"{run.keys.run}:{cut}".encode())
    site.server.start()
    assert run.state.round == left
    site.worker()
    site.master(run).ends(0)
    assert_as_undisturbed(run)


@pytest.mark.parametrize(
    ("point", "lost"),
    [
        ("commit train:3", "model:2\r\n"),
        ("commit train:3", "round:train:3\r\n"),
        ("commit train:3", "round:train:3:bundles\r\n"),
        ("submit train:3 1", "round:train:3\r\n"),
    ],
)
def test_row_06_a_live_master_sees_what_is_lost(site, gates, assert_as_undisturbed, point, lost):
    """It goes on or ends clearly, and never takes for committed what is not."""
    run = site.create()
    site.pool()
    gates.close(point)
    master = site.master(run)
    gates.wait(point)
    site.server.kill()
    site.server.cut(f"{run.keys.run}:{lost}".encode())
    site.server.start()
    gates.open(point)
    if master.popen.wait(45) == 0:
        master.ends(0)
    else:
        master.ends(1)
        assert f"fedredis resume {run.run_id}" in master.said
        site.master(run).ends(0)
    assert_as_undisturbed(run)


def test_row_07_the_server_stops_for_five_seconds(
    site, gates, stopped_at_commit, assert_as_undisturbed
):
    """All is later, and nothing else."""
    run, master = stopped_at_commit
    site.server.stop()
    gates.open("commit train:2")
    master.lives_for(5)
    site.server.go_on()
    master.ends(0)
    assert_as_undisturbed(run)


def test_row_07_clients_are_paused(site, gates, stopped_at_commit, assert_as_undisturbed):
    """All is later, and nothing else."""
    run, master = stopped_at_commit
    site.client.client_pause(3000, all=True)
    gates.open("commit train:2")
    master.lives_for(1)
    master.ends(0)
    assert_as_undisturbed(run)


@pytest.mark.parametrize("point", ["commit train:2", "submit train:2 1"])
def test_row_13_the_server_can_not_write(site, gates, assert_as_undisturbed, point):
    """The line says so, nothing is half-written, reads work, and a mended disk is enough."""
    run = site.create()
    site.pool()
    gates.close(point)
    master = site.master(run)
    gates.wait(point)
    with site.server.full_disk():
        gates.open(point)
        master.ends(1)
        assert "cannot persist what it is told" in master.said
        assert f"fedredis resume {run.run_id}" in master.said
        run.assert_nothing_of("train:2")
        shown = site.fedredis("show", run.run_id, "--redis-url", site.server.url).stdout
        assert "1 of 4" in shown
    site.master(run).ends(0)
    assert_as_undisturbed(run)


def test_row_13_reads_work_on_the_embedded_server(site):
    """It is joined all the same when it refuses to write, here since a snapshot has failed."""
    home = site.folder / "home"
    with EmbeddedServer.open(home) as server, connect(server.url) as client:
        run = site.create(on=client)
        (home / "dump.rdb").mkdir()
        client.config_set("save", "3600 1")
        client.bgsave()
        site.wait_until_refused(client)
        try:
            assert "0 of 4" in site.fedredis("show", run.run_id, "--home", home).stdout
        finally:
            client.config_set("save", "")


@pytest.mark.parametrize("point", ["commit train:2", "submit train:2 1"])
def test_row_14_the_server_is_out_of_memory(site, gates, assert_as_undisturbed, point):
    """The line says so, nothing is half-written, and more memory is enough."""
    run = site.create()
    site.pool()
    gates.close(point)
    master = site.master(run)
    gates.wait(point)
    site.client.config_set("maxmemory", 1)
    gates.open(point)
    master.ends(1)
    assert "is out of memory: raise its maxmemory" in master.said
    assert f"fedredis resume {run.run_id}" in master.said
    run.assert_nothing_of("train:2")
    site.client.config_set("maxmemory", 0)
    site.master(run).ends(0)
    assert_as_undisturbed(run)


@pytest.mark.parametrize("point", ["commit train:2", "submit train:2 1"])
def test_row_15_the_server_is_a_replica_for_a_while(site, gates, assert_as_undisturbed, point):
    """Whoever waits is sent away, whoever writes is refused; all of them come back."""
    run = site.create()
    site.pool(2)
    gates.close(point)
    master = site.master(run)
    gates.wait(point)
    site.client.replicaof("127.0.0.1", 1)
    gates.open(point)
    master.lives_for(1)
    site.client.replicaof("NO", "ONE")
    master.ends(0)
    assert_as_undisturbed(run)


def test_row_16_scripts_are_flushed(site, gates, assert_as_undisturbed):
    """Workers and masters load them again."""
    run = site.create()
    site.worker()
    points = ("work statistics:1 0", "submit train:1 1", "commit train:2", "commit evaluate:3")
    gates.close(*points)
    master = site.master(run)
    for point in points:
        gates.wait(point)
        site.client.script_flush()
        gates.open(point)
    master.ends(0)
    assert_as_undisturbed(run)
