"""Workers that die, stall, are cut off, or whose clock is wrong."""

import signal

import pytest


def test_row_01_many_slaves_on_three_workers(site, partitions, assert_as_undisturbed):
    """In small; a thousand slaves, and a large model, are measured by the benchmarks."""
    run = site.create(partitions=partitions(200), rounds=2)
    outcome = site.master(run, workers=3).ends(0)
    assert outcome["slaves"] == 200
    assert_as_undisturbed(run)


@pytest.mark.parametrize("point", ["work", "submit", "submitted"])
def test_row_02_a_worker_is_killed(site, gates, send, assert_as_undisturbed, point):
    """Before it has worked, before it submits, and when its update is in."""
    run = site.create()
    site.worker()
    site.worker()
    first = "work train:2 1" if point == "work" else "submit train:2 1"
    gates.close(first, "work train:2 2")
    master = site.master(run)
    victim = gates.wait(first)
    # Slave 2 is not done, so the round is open. The other worker is at it: who hands in claims
    # the next slave at once, so that one may do so only now.
    gates.wait("work train:2 2")
    if point == "submitted":
        gates.close("submitted train:2 1")
        gates.open(first)
        assert gates.wait("submitted train:2 1") == victim
    assert run.is_in("train:2", "1") == (point == "submitted")
    send(victim, signal.SIGKILL)
    gates.open("work train:2 2")
    master.ends(0)
    if point != "submitted":
        assert run.happened(type="failed", round="train:2", slave="1")
    assert_as_undisturbed(run)


def test_row_02_a_worker_is_killed_while_it_submits(site, gates, send, assert_as_undisturbed):
    """The update is in, and nobody has read the answer."""
    run = site.create()
    proxy = site.proxy()
    (submit,) = site.server.load_scripts(site.client, "submit")
    site.worker(url=proxy.url(site.server.url))
    site.worker(url=proxy.url(site.server.url))
    gates.close("submit train:2 1", "work train:2 2")
    master = site.master(run)
    victim = gates.wait("submit train:2 1")
    gates.wait("work train:2 2")
    proxy.hold_next_reply(submit, b"train:2")
    gates.open("submit train:2 1")
    proxy.wait()
    assert run.is_in("train:2", "1")
    send(victim, signal.SIGKILL)
    gates.open("work train:2 2")
    master.ends(0)
    assert_as_undisturbed(run)


def test_row_03_the_parent_of_a_worker_is_killed(site, gates, ended, assert_as_undisturbed):
    """Its workers go with it, none is left to itself; others take their place."""
    run = site.create()
    pool = site.pool()
    gates.close("submit train:2 1")
    master = site.master(run)
    worker = gates.wait("submit train:2 1")
    pool.kill()
    ended(worker)
    site.worker()
    master.ends(0)
    assert run.happened(type="failed", round="train:2", slave="1")
    assert_as_undisturbed(run)


def test_row_03_a_worker_that_was_thought_dead_comes_back(
    site, gates, send, assert_as_undisturbed
):
    """Two have worked for a slave: one update is counted, the other is a duplicate."""
    run = site.create()
    for _ in range(3):
        site.worker()
    gates.close("submit train:2 1", "work train:2 2")
    master = site.master(run)
    stalled = gates.wait("submit train:2 1")
    gates.wait("work train:2 2")
    # The round stays open, since slave 2 is not done.
    gates.close("submitted train:2 1")
    send(stalled, signal.SIGSTOP)
    assert gates.wait("submitted train:2 1") != stalled
    gates.open("submitted train:2 1")
    gates.close("submitted train:2 1")
    gates.open("submit train:2 1")
    send(stalled, signal.SIGCONT)
    assert gates.wait("submitted train:2 1") == stalled
    assert run.client.hlen(run.round("train:2").inside) == 2
    gates.open("submitted train:2 1")
    gates.open("work train:2 2")
    master.ends(0)
    assert_as_undisturbed(run)


def test_row_08_a_slave_is_cut_off_and_the_quorum_goes_on(site, gates, partitions, undisturbed):
    """It is named as missing; the others are counted once each."""
    run, proxy = site.create(quorum=2, rounds=2), site.proxy()
    rows = undisturbed(site.create().config).history["train:1"]["samples"]
    site.worker(folder=partitions(only=(0, 1)))
    site.worker(folder=partitions(only=(2,)), url=proxy.url(site.server.url))
    gates.close("work evaluate:1 2")
    master = site.master(run)
    gates.wait("work evaluate:1 2")
    proxy.blackhole()
    gates.open("work evaluate:1 2")
    for name in ("evaluate:1", "train:2", "evaluate:2", "scores:2"):
        run.let_deadline_pass(name, arrived=2)
    assert master.ends(0)["rounds"] == 2
    first, second = run.history["train:1"], run.history["train:2"]
    assert (first["slaves"], first["missing"], first["samples"]) == (3, [], rows)
    assert (second["slaves"], second["missing"], second["samples"]) == (2, ["2"], rows * 2 // 3)
    said = site.fedredis("errors", run.run_id, "--redis-url", site.server.url).stdout
    assert "train:2: missing: 2" in said


def test_row_08_a_slave_is_cut_off_and_there_is_no_quorum(
    site, gates, partitions, assert_as_undisturbed
):
    """The run ends and says who is missing; it goes on when the slave is back."""
    run, proxy = site.create(), site.proxy()
    site.worker(folder=partitions(only=(0, 1)))
    away = site.worker(folder=partitions(only=(2,)), url=proxy.url(site.server.url))
    gates.close("work train:2 2")
    master = site.master(run)
    gates.wait("work train:2 2")
    proxy.blackhole()
    gates.open("work train:2 2")
    run.let_deadline_pass("train:2", arrived=2)
    master.ends(1)
    assert "2 of 3 slaves counted, 3 needed; missing: 2" in master.said
    assert f"fedredis resume {run.run_id}" in master.said
    assert run.state.status == "failed"
    away.kill()
    site.worker(folder=partitions(only=(2,)))
    site.master(run).ends(0)
    assert_as_undisturbed(run)


@pytest.mark.parametrize("fault", ["refuse", "cut"])
def test_row_08_a_slave_whose_connections_break(site, gates, assert_as_undisturbed, fault):
    """A worker connects again and goes on with what it was at."""
    run, proxy = site.create(), site.proxy()
    site.worker(url=proxy.url(site.server.url))
    gates.close("submit train:2 1")
    master = site.master(run)
    gates.wait("submit train:2 1")
    if fault == "refuse":
        proxy.refuse()
        gates.open("submit train:2 1")
        master.lives_for(0.5)
        proxy.forward()
    else:
        # In the middle of the update, however it is sent.
        proxy.cut_after(700)
        gates.open("submit train:2 1")
        proxy.wait()
    master.ends(0)
    assert_as_undisturbed(run)


def test_row_08_a_worker_whose_idle_connections_are_forgotten(site, assert_as_undisturbed):
    """As by a firewall: nothing passes on them any more, and nobody says so."""
    proxy = site.proxy()
    site.pool(url=proxy.url(site.server.url), timeout=2)
    site.wait_for_worker()
    proxy.forget()
    run = site.create()
    site.master(run).ends(0)
    assert_as_undisturbed(run)


def test_row_10_an_update_for_a_round_that_is_over(site, gates, send, assert_as_undisturbed):
    """It is turned away and noted, and changes nothing."""
    run = site.create()
    site.worker()
    site.worker()
    gates.close("submit train:1 1", "commit train:3")
    master = site.master(run)
    stalled = gates.wait("submit train:1 1")
    send(stalled, signal.SIGSTOP)
    gates.wait("commit train:3")
    before = run.state, run.sha256
    gates.close("submitted train:1 1")
    gates.open("submit train:1 1")
    send(stalled, signal.SIGCONT)
    assert gates.wait("submitted train:1 1") == stalled
    assert (run.state, run.sha256) == before
    assert not list(run.client.scan_iter(f"{run.keys.run}:round:train:1*"))
    assert run.happened(type="late") == [{"type": "late", "round": "train:1", "slaves": "1"}]
    gates.open("submitted train:1 1")
    gates.open("commit train:3")
    master.ends(0)
    assert_as_undisturbed(run)


def test_row_12_a_worker_whose_clock_is_an_hour_ahead(site, gates, assert_as_undisturbed):
    """It takes the others' jobs for abandoned; their slaves are counted once all the same."""
    run = site.create()
    site.worker()
    gates.close("work train:2 1")
    master = site.master(run, clock_ahead=-3600)
    gates.wait("work train:2 1")
    site.worker(clock_ahead=3600)
    site.wait_for_failed_job(run)
    gates.open("work train:2 1")
    master.ends(0)
    assert_as_undisturbed(run)


#: What slave 2 hands in, and what is said of it: of a sum, and of an update that is looked at.
DAMAGED = {
    "wrong shape": "bytes where",
    "wrong type": "bytes where",
    "object": "not a fedredis blob",
    "truncated": "bytes where",
    "trailing": "more than the",
    "damaged": "the checksum does not match",
    "short": "not a fedredis blob",
    "nested": "not a fedredis blob",
    "oversize": "more than the",
    "empty parts": "it has empty parts",
    "negative rows": "a number of rows in it is none",
    "too many rows": "a number of rows in it is none",
    "facts": "figures in it are not base64",
}
SPOILT = {
    "fedavg": {
        **DAMAGED,
        "far": "array 'weights' is not what",
        "largest": "array 'weights' is not what",
        "no rows": "array 'weights' is not what 0 rows can come to",
        "more rows": "of 10000 rows, and had 100 when the run began",
    },
    "median": {
        "nan": "it is nan away from the global model",
        "infinite": "away from the global model",
        "huge": "it is inf away from the global model, more than",
        "no rows": "0 is not a number of rows",
    },
}


@pytest.mark.parametrize("strategy", SPOILT)
def test_row_17_updates_that_can_not_be_counted(site, undisturbed, strategy):
    """Each is refused with the slave and the reason, and the quorum goes on."""
    ways = SPOILT[strategy]
    run = site.create(quorum=2, rounds=len(ways) + 1, strategy=strategy, attempts=1)
    spoil = {f"train:{number}": how for number, how in enumerate(ways, start=1)}
    rows = undisturbed(site.create().config).history["train:1"]["samples"]
    site.worker(spoil=spoil)
    site.master(run).ends(0)
    for name, how in spoil.items():
        entry = run.history[name]
        assert ways[how] in entry["refused"].get("2", ""), (how, entry)
        assert (entry["slaves"], entry["samples"]) == (2, rows * 2 // 3), how
    last = run.history[f"train:{len(ways) + 1}"]
    assert (last["slaves"], last["samples"], last["refused"]) == (3, rows, {})
    said = site.fedredis("errors", run.run_id, "--redis-url", site.server.url).stdout
    assert f"train:1: slave 2 refused: {run.history['train:1']['refused']['2']}" in said


def test_row_22_a_trainer_that_always_crashes(site, assert_as_undisturbed):
    """The run ends after the attempts allowed, with the traceback at hand, and can be mended."""
    run = site.create()
    worker = site.worker(crash={"1": 99})
    master = site.master(run)
    master.ends(1)
    assert "round train:1 can't be completed" in master.said
    assert "slave 1: RuntimeError: this trainer crashes" in master.said
    assert len(run.happened(type="failed", round="train:1", slave="1")) == 3
    said = site.fedredis("errors", run.run_id, "--redis-url", site.server.url).stdout
    assert "slave 1 failed 3 times" in said
    assert "Traceback (most recent call last)" in said
    assert "RuntimeError: this trainer crashes" in said
    assert run.state.status == "failed"
    worker.kill()
    site.worker()
    site.master(run).ends(0)
    assert_as_undisturbed(run)
