"""What a slave under its access rules, or whoever can write to Redis, does to a run."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from fedredis.store import runs
from fedredis.store.removal import remove

#: What there is of a run, and the rounds in which slave 2 hands in what can't be.
IMPOSSIBLE = {
    "newton": (
        {"features": "quadratic", "strategy": "newton"},
        {
            "statistics:1": ("2^53", "can come to"),
            "statistics:2": ("negative", "can come to"),
            "train:1": ("largest", "can come to"),
            "train:2": ("negative", "can come to"),
            "evaluate:1": ("2^53", "array 'confusion' is not what"),
        },
    ),
    "numbers": (
        {"classes": (), "model": "linear", "strategy": "fedavg"},
        {
            "statistics:1": ("2^53", "is not what"),
            "train:1": ("far", "array 'weights' is not what"),
            "evaluate:1": ("negative", "is not what"),
            "evaluate:2": ("largest", "is not what"),
        },
    ),
}


@pytest.mark.parametrize("kind", IMPOSSIBLE)
def test_row_23_sums_that_can_not_be(site, kind):
    """They are refused on arrival with slave and reason, and the quorum goes on."""
    changes, ways = IMPOSSIBLE[kind]
    run = site.create(quorum=2, rounds=2, attempts=1, **changes)
    site.worker(spoil={name: how for name, (how, _) in ways.items()})
    site.master(run).ends(0)
    refused = {name: entry["refused"] for name, entry in run.history.items()}
    for name, (how, why) in ways.items():
        assert list(refused.pop(name)) == ["2"], (name, how)
        assert why in run.history[name]["refused"]["2"], name
    assert not any(refused.values()), refused


def test_row_23_a_run_goes_on_without_the_slave(site, partitions):
    """No quorum was asked for: the run ends with a line, and `resume` takes one."""
    run = site.create(rounds=2, attempts=2)
    site.worker(spoil={"statistics:1": "2^53", "train:1": "far"})
    master = site.master(run)
    master.ends(1)
    assert "2 of 3 slaves counted, 3 needed; missing: 2; slave 2: array '" in master.said
    assert len(run.happened(type="failed", slave="2")) == 2
    outcome = site.master(run, quorum=2).ends(0)
    assert outcome["rounds"] == 2
    assert run.state.config.quorum == 2
    assert [run.history[f"train:{number}"]["missing"] for number in (1, 2)] == [["2"], []]


def test_row_23_a_slave_that_has_more_rows_than_when_the_run_began(site):
    """Rows are what it counts by: the others would hardly count, and all sums look sound."""
    run = site.create(quorum=2, rounds=2, attempts=1)
    site.worker(spoil={"train:2": "a few more rows"})
    site.master(run).ends(0)
    refused = {name: entry["refused"] for name, entry in run.history.items() if entry["refused"]}
    why = "slave 2 says that it is of 101 rows, and had 100 when the run began"
    assert refused == {"train:2": {"2": why}}


#: What a slave plants in who is in a round, when, and which of its keys it is.
PLANTED = {
    "work train:1 1": ("inside", {"2": "bundle:nobody:1"}),
    "work train:2 1": ("inside", {"2": "update:0"}),
    "work train:3 1": ("inside", {"nobody": "update:0", "somebody": "x"}),
    "commit train:4": ("inside", {"nobody": "update:0"}),
    "work train:5 2": ("round", {"state": "closed"}),
}


def test_row_24_who_is_in_is_planted(site, gates, assert_as_undisturbed):
    """The master goes by what it has counted; closed or not, it takes as many as it needs."""
    run = site.create(rounds=6)
    site.worker()
    gates.close(*PLANTED)
    master = site.master(run)
    for point, (key, planted) in PLANTED.items():
        gates.wait(point)
        name = point.split()[1]
        run.client.hset(getattr(run.round(name), key), mapping=planted)
        run.client.xadd(run.keys.events, {"type": "closed", "round": name})
        gates.open(point)
    master.ends(0)
    assert_as_undisturbed(run)


def bare(name):
    """Return what spoils a key, whatever it held."""
    return lambda client, key: client.delete(key) and client.set(key, name)


#: Keys that slaves share, and what is written to them.
SHARED = {
    **{f"{name}, text": (name, bare(name)) for name in ("inside", "claims", "ids", "bundles")},
    **{f"{name}, text": (name, bare(name)) for name in ("attempts", "open", "work", "events")},
    "the last id": ("events", lambda client, key: client.xadd(key, {"x": "y"}, f"{2**64 - 1}-1")),
    "a word for the deadline": ("round", lambda client, key: client.hset(key, "deadline", "x")),
    "a word in the counter": ("round", lambda client, key: client.hset(key, "given_up", "x")),
    "a word for the epoch": ("round", lambda client, key: client.hset(key, "epoch", "x")),
    "no hash of the round": ("round", lambda client, key: client.delete(key)),
}


def resumed_until_it_is_done(site, run):
    """Drive a run to its end, however often that takes; return how often it was resumed."""
    for times in range(2 * len(SHARED)):
        master = site.master(run)
        if master.popen.wait() == 0:
            return times
        assert master.popen.returncode == 1, master.said
        assert f"fedredis resume {run.run_id}" in master.said
        assert "Traceback" not in master.said
    return pytest.fail("it is never done")


@pytest.mark.timeout(150)
def test_row_24_what_slaves_share_is_spoilt(site, gates, assert_as_undisturbed):
    """The run goes on, or ends with a line and is resumed; no worker ends."""
    run = site.create(rounds=len(SHARED) + 1)
    worker = site.worker()
    points = [f"work train:{number} 1" for number in range(1, len(SHARED) + 1)]
    gates.close(*points)
    with ThreadPoolExecutor() as threads:
        driven = threads.submit(resumed_until_it_is_done, site, run)
        for point, (name, spoil) in zip(points, SHARED.values(), strict=True):
            gates.wait(point)
            round_ = run.round(point.split()[1])
            spoil(run.client, getattr(round_, name, None) or getattr(run.keys, name))
            gates.open(point)
        assert driven.result() <= len(SHARED)
    assert worker.popen.poll() is None, worker.said
    assert_as_undisturbed(run)


def test_row_24_a_run_is_removed_while_a_slave_works(site, gates, send):
    """Whoever hands in afterwards writes nothing that stays."""
    run = site.create(strategy="scaffold", lease_ms=200)
    site.worker()
    gates.close("submit train:2 1", "submitted train:2 1")
    master = site.master(run)
    gates.wait("submit train:2 1")
    master.kill()
    run.wait_for_lease_to_end()
    remove(run.client, run.run_id, token="remover")
    gates.open("submit train:2 1")
    gates.wait("submitted train:2 1")
    left = [key for key in run.client.scan_iter(f"{run.keys.run}*") if run.client.ttl(key) < 0]
    assert left == []
    gates.open("submitted train:2 1")
    assert runs.newest_first(run.client, pytest.fail) == []


def test_row_27_a_worker_is_killed_each_time_at_the_same_slave(site):
    """Each time is an attempt, and the reason is told."""
    run = site.create()
    site.pool(die=["train:1 1"])
    master = site.master(run)
    master.ends(1)
    assert "slave 1: worker " in master.said
    assert " ended while it worked for it (killed, perhaps out of memory, or " in master.said
    assert len(run.happened(type="failed", round="train:1", slave="1")) == run.config.attempts


@pytest.mark.parametrize("who", ["stopped", "blackhole"])
def test_row_26_a_server_that_never_answers(site, gates, who):
    """It is given up after the patience, and that is said."""
    run, proxy = site.create(), site.proxy()
    site.worker()
    gates.close("commit train:2")
    master = site.master(run, url=proxy.url(site.server.url), patience=1, timeout=2)
    gates.wait("commit train:2")
    if who == "stopped":
        site.server.stop()
    else:
        proxy.blackhole()
    gates.open("commit train:2")
    master.ends(1)
    if who == "stopped":
        site.server.go_on()
    assert "Redis unreachable at " in master.said
    assert f"fedredis resume {run.run_id}" in master.said
