"""``fedredis rm``: nothing of a run is left, and nobody's is deleted by mistake."""

import json

import pytest


@pytest.fixture
def at(server):
    return ("--redis-url", server.url)


@pytest.fixture
def run(call, make_training):
    training = make_training(2, rounds=2)
    training.drive()
    return training.run_id


def test_a_run_is_deleted(call, client, run, at):
    answer = call("rm", run, *at)
    assert (answer.code, answer.out) == (2, "")
    assert f"--yes is needed to delete run {run}" in answer.err
    assert client.keys(f"fedredis:{{{run}}}*")
    answer = call("rm", run, "--yes", *at)
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.startswith(f"run {run} is deleted: ")
    assert client.keys(f"fedredis:*{run}*") == []
    assert client.zcard("fedredis:runs") == 0
    assert call("rm", run, "--yes", *at).code == 2


@pytest.mark.parametrize(("answered", "code", "left"), [("y", 0, 0), ("n", 130, 1), ("", 130, 1)])
def test_it_asks(call, client, run, at, monkeypatch, answered, code, left):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(
        "click.termui.visible_prompt_func", lambda _: answered or (_ for _ in ()).throw(EOFError)
    )
    answer = call("rm", run, *at)
    assert (answer.code, client.zcard("fedredis:runs")) == (code, left)


def test_a_run_that_is_going_on(call, client, run, at):
    client.set(f"fedredis:{{{run}}}:lease", "its master")
    answer = call("rm", run, "--yes", *at)
    assert answer.code == 1
    assert "is going on: stop its master first" in answer.err
    assert client.exists(f"fedredis:{{{run}}}")


def test_whom_it_waits_for_and_a_master_that_is_gone(call, client, run, at):
    """A run killed in a round: `runs` says what goes on with it, `show` and `errors` who lacks."""
    key = f"fedredis:{{{run}}}"
    client.hset(key, mapping={"status": "running", "round": 1})
    client.zadd(f"{key}:open", {"train:2": 1000})
    state = {"state": "open", "opened": 1000, "deadline": 2000, "expected": 2, "quorum": 2}
    client.hset(f"{key}:round:train:2", mapping=state)
    client.hset(f"{key}:round:train:2:claims", "1", "w-0a1b")
    listed = call("runs", *at)
    assert "interrupted" in listed.out
    assert f"run {run} has lost its master; go on with: " in listed.err
    assert f"fedredis resume {run}" in listed.err
    shown = call("show", run, *at)
    assert f"fedredis resume {run}" in shown.err
    for out in (shown.out, call("errors", run, *at).out):
        text = " ".join(out.split())
        assert "train:2 is open for" in text
        assert "0 of 2 slaves are in; its deadline was" in text
        assert "slave 1: its worker …w-0a1b is gone, and no other has taken it up" in text
    told = json.loads(call("errors", run, "--json", *at).out)
    assert told["open"]["train:2"]["awaited"]["1"]["worker"] == "w-0a1b"
