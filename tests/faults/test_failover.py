"""Sentinels make a replica the master in mid-run."""

import pytest
from faults_server import until

from fedredis.connection import check, connect
from fedredis.errors import RedisUnavailableError


@pytest.fixture
def stopped(watched_site, gates, request):
    """Return a run whose master or worker stands at a point."""
    run = watched_site.create()
    watched_site.pool(2)
    gates.close(request.param)
    master = watched_site.master(run)
    gates.wait(request.param)
    return run, master, request.param


@pytest.mark.parametrize("stopped", ["commit train:2", "submit train:2 1"], indirect=True)
def test_row_29_the_server_is_killed_and_its_replica_promoted(
    watched_site, gates, stopped, assert_as_undisturbed
):
    """Master and workers find the new one, and the run goes on."""
    run, master, point = stopped
    killed = watched_site.server.of_role("master")
    killed.kill()
    gates.open(point)
    master.ends(0)
    assert watched_site.server.of_role("master") is not killed
    assert_as_undisturbed(run)
    shown = watched_site.fedredis("show", run.run_id, "--redis-url", watched_site.server.url)
    assert "finished" in shown.stdout


@pytest.mark.parametrize("stopped", ["commit train:2"], indirect=True)
@pytest.mark.parametrize("replicas", [0, 1])
def test_row_29_a_live_server_is_made_the_replica(
    watched_site, gates, stopped, assert_as_undisturbed, replicas
):
    """As for maintenance: with `min-replicas-to-write`, nothing is lost on the way."""
    run, master, point = stopped
    before = watched_site.server.of_role("master")
    with connect(before.url) as client:
        client.config_set("min-replicas-to-write", replicas)
        watched_site.server.promote()
        gates.open(point)
        printed = master.ends(0)
        until(lambda: client.info()["role"] == "slave")
    if not replicas:
        # It went on with a server that was the master no more, to the same result; what the new
        # one has not heard of is done again.
        assert watched_site.master(run).ends(0)["weights_sha256"] == printed["weights_sha256"]
    assert_as_undisturbed(run)


def test_row_29_the_replica_lacks_the_newest_rounds(watched_site, gates, assert_as_undisturbed):
    """They are run again, to the same bits, under the master that lives on."""
    run = watched_site.create()
    watched_site.pool(2)
    gates.close("committed train:1", "committed train:3")
    master = watched_site.master(run)
    gates.wait("committed train:1")
    watched_site.server.cut_off_the_replica()
    gates.open("committed train:1")
    gates.wait("committed train:3")
    watched_site.server.of_role("master").kill()
    gates.open("committed train:3")
    master.ends(0)
    assert "goes on from what Redis says" in master.said
    assert_as_undisturbed(run)


def test_sentinels_that_do_not_tell_a_server(watched_site):
    """One line says what each of them has answered."""
    trio = watched_site.server
    with pytest.raises(RedisUnavailableError, match=r"Sentinel 127\.\S+ watches no 'other'"):
        check(trio.url.replace("/main", "/other"))
    with pytest.raises(RedisUnavailableError, match="refuses the login: Sentinel 127"):
        check(trio.url.replace("of-the-sentinels", "wrong"), patience=30)
    with pytest.raises(RedisUnavailableError, match=r"runs as sentinel: give the URL of redis\+s"):
        check(f"redis://:of-the-sentinels@127.0.0.1:{trio.ports[0]}")
    told = watched_site.fedredis("doctor", "--redis-url", trio.url).stdout
    assert told.count("ok  Sentinel") == 3
    assert "ok  master           of main is 127.0.0.1:" in told
    with trio.sentinel(trio.ports[1]) as sentinel:
        sentinel.sentinel_set("main", "down-after-milliseconds", 30000)
    told = watched_site.fedredis("doctor", "--redis-url", trio.url, code=1)
    assert told.stdout.count("ok  Sentinel") == 2
    assert "SENTINEL SET main down-after-milliseconds 5000" in told.stdout
    assert told.stderr.endswith("1 problem found\n")
    # One that is away, and one that is none, do no harm.
    server = f"127.0.0.1:{trio.of_role('master').port}"
    check(trio.url.replace("@", f"@127.0.0.1:1,{server},"))
    with connect(trio.url) as client:
        assert client.info()["role"] == "master"
