"""Masters that die, stall, or lose what the server answers; and several of them at once."""

import signal
from dataclasses import replace

import pytest


def test_row_04_the_master_is_killed_and_resumed(site, gates, assert_as_undisturbed):
    """The same round goes on; what is committed is not done again."""
    points = ("commit statistics:1", "commit train:2", "committed train:3", "commit evaluate:4")
    run = site.create()
    site.worker()
    gates.close(*points)
    for point in points:
        master = site.master(run)
        gates.wait(point)
        done, _, name = point.partition(" ")
        assert (name in run.history) == (done == "committed")
        master.kill()
    site.master(run).ends(0)
    assert len(run.happened(type="committed")) == len(run.history)
    assert_as_undisturbed(run)


#: More than the 8,000 values that a script can take off Lua's stack at once.
MANY = 8001


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_row_04_scaffold_over_more_slaves_than_a_script_takes_at_once(
    site, partitions, assert_as_undisturbed
):
    folder = partitions(MANY)
    run = site.create(partitions=folder, strategy="scaffold", rounds=2, lease_ms=5000)
    site.as_it_is("slave", "--data", folder, "--workers", 2)
    master, inside = site.master(run), run.round("train:2").inside
    while not 0 < run.client.hlen(inside) < MANY:
        master.lives_for(0.1)
    master.kill()
    assert run.state.round == 1
    again = site.master(run)
    assert again.popen.wait(900) == 0, again.said
    assert_as_undisturbed(run)


def test_row_11_a_master_that_slept_through_its_lease(site, gates, send, assert_as_undisturbed):
    """A second one takes over; the first is fenced, writes nothing, and says so."""
    run = site.create()
    site.worker()
    gates.close("commit train:2")
    first = site.master(run)
    gates.wait("commit train:2")
    send(first.pid, signal.SIGSTOP)
    # The second adopts the round, and is about to commit it, too.
    same = f"commit train:2 of {run.run_id}"
    gates.close(same)
    second = site.master(run)
    gates.wait(same)
    gates.open("commit train:2")
    send(first.pid, signal.SIGCONT)
    first.ends(1)
    assert f"another master has taken over run {run.run_id}" in first.said
    assert run.state.status == "running"
    run.assert_nothing_of("train:2")
    gates.open(same)
    second.ends(0)
    assert len(run.happened(type="committed", round="train:2")) == 1
    assert_as_undisturbed(run)


def test_row_11_a_second_master_is_turned_away(site, gates, assert_as_undisturbed):
    """As long as the first is alive, whatever it waits for."""
    run = site.create(lease_ms=2000)
    site.worker()
    gates.close("submit train:2 1")
    first = site.master(run)
    gates.wait("submit train:2 1")
    second = site.master(run)
    second.ends(1)
    assert f"another master is driving run {run.run_id}" in second.said
    gates.open("submit train:2 1")
    first.ends(0)
    assert_as_undisturbed(run)


@pytest.mark.parametrize(
    ("script", "faults"), [("claim", {}), ("submit", {}), ("submit", {"part": 64})]
)
def test_row_09_a_worker_loses_a_reply(site, gates, assert_as_undisturbed, script, faults):
    """It asks again, and nothing counts twice."""
    run, proxy = site.create(), site.proxy()
    (digest,) = site.server.load_scripts(site.client, script)
    site.worker(url=proxy.url(site.server.url), **faults)
    gates.close("commit train:1")
    master = site.master(run, **faults)
    gates.wait("commit train:1")
    proxy.drop_next_reply(digest, b"train:2")
    gates.open("commit train:1")
    proxy.wait()
    master.ends(0)
    assert_as_undisturbed(run)


@pytest.mark.parametrize("whose", ["worker", "master"])
def test_row_09_the_reply_to_a_part_is_lost(site, assert_as_undisturbed, whose):
    """A large update or model, which is sent in parts, has each of them once."""
    run, proxy = site.create(), site.proxy()
    by_proxy = {whose: proxy.url(site.server.url)}
    site.worker(url=by_proxy.get("worker"), part=64)
    # In the midst of a list.
    proxy.drop_next_reply(run.keys.run.encode(), b":staged:", b"\r\n$1\r\n2\r\n$7\r\n3600000\r\n")
    site.master(run, url=by_proxy.get("master"), part=64).ends(0)
    assert proxy.hit.is_set()
    assert_as_undisturbed(run)


def test_row_09_a_heartbeat_loses_a_reply(site, gates, assert_as_undisturbed):
    """It asks again, and the worker keeps what it holds."""
    run, proxy = site.create(), site.proxy()
    (digest,) = site.server.load_scripts(site.client, "presence")
    site.worker(url=proxy.url(site.server.url))
    gates.close("work train:2 1")
    master = site.master(run)
    gates.wait("work train:2 1")
    proxy.drop_next_reply(digest, run.run_id.encode())
    proxy.wait()
    gates.open("work train:2 1")
    master.ends(0)
    assert_as_undisturbed(run)


def test_row_09_the_reply_to_a_failure_is_lost(site, assert_as_undisturbed):
    """It counts as one attempt of three, so the slave may fail once more."""
    run, proxy = site.create(), site.proxy()
    (digest,) = site.server.load_scripts(site.client, "fail")
    site.worker(url=proxy.url(site.server.url), crash={"1": 2})
    proxy.drop_next_reply(digest, b"train:1")
    site.master(run).ends(0)
    assert proxy.hit.is_set()
    failures = run.happened(type="failed", round="train:1", slave="1")
    assert [failure["attempt"] for failure in failures] == ["1", "2"]
    assert_as_undisturbed(run)


@pytest.mark.parametrize("script", ["acquire", "open_round", "tend", "commit", "release"])
def test_row_09_a_master_loses_a_reply(site, assert_as_undisturbed, script):
    """It asks again, and nothing is done twice."""
    run, proxy = site.create(), site.proxy()
    (digest,) = site.server.load_scripts(site.client, script)
    site.worker()
    part = "train:2" if script in ("open_round", "commit") else run.run_id
    proxy.drop_next_reply(digest, part.encode())
    site.master(run, url=proxy.url(site.server.url)).ends(0)
    assert proxy.hit.is_set()
    assert len(run.happened(type="committed")) == len(run.history)
    assert_as_undisturbed(run)


def test_row_09_the_reply_of_an_enqueue_is_lost(site, gates, assert_as_undisturbed):
    """The same job is queued twice, and wakes its worker twice."""
    run, proxy = site.create(), site.proxy()
    worker = site.worker()
    proxy.drop_next_reply(b"RPUSH", b"rq:queue:fedredis-")
    gates.close("work statistics:1 0")
    master = site.master(run, url=proxy.url(site.server.url))
    gates.wait("work statistics:1 0")
    # The worker is at the job, and there it is again.
    (job,) = site.wait_for_list(f"rq:queue:fedredis-{run.config.dataset}")
    assert run.client.hget(f"rq:job:{job}", "status") is not None
    assert "_statistics_" in job
    gates.open("work statistics:1 0")
    master.ends(0)
    assert worker.popen.poll() is None
    assert_as_undisturbed(run)


def test_runs_at_once_end_as_each_would_alone(site, gates, assert_as_undisturbed):
    """Two runs share two workers, and are on their way together."""
    runs = [site.create(seed=seed) for seed in range(2)]
    site.worker()
    site.worker()
    points = [f"commit train:1 of {run.run_id}" for run in runs]
    gates.close(*points)
    masters = [site.master(run) for run in runs]
    for point in points:
        gates.wait(point)
    for point in points:
        gates.open(point)
    for run, master in zip(runs, masters, strict=True):
        master.ends(0)
        assert_as_undisturbed(run)


def test_runs_at_once_take_turns(site):
    """Two runs that would go on for an hour share one worker: each gets ahead of the other."""
    runs = [site.create(seed=seed, rounds=200_000) for seed in range(2)]
    site.worker()
    masters = [site.master(run) for run in runs]
    moment = b"0-0"
    for run in (*runs, runs[0]):
        moment = run.wait_for_training(after=moment)
    assert all(master.popen.poll() is None for master in masters)


def test_the_oracle_can_fail(site, assert_as_undisturbed):
    """A run with another seed does not pass for this one."""
    run = site.create()
    site.worker()
    site.master(run).ends(0)
    assert_as_undisturbed(run)
    with pytest.raises(AssertionError):
        assert_as_undisturbed(replace(run, config=replace(run.config, seed=1)))
