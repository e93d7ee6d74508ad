"""Same seed, same data: the same weights, bit for bit, whoever computes them and whoever dies."""

import json
import os
import shutil
import signal

import pytest

from fedredis.store import runs, workers

#: Long enough to be hit in the middle, short enough to wait for.
LONG = ("--slaves", "5", "--rounds", "60")


@pytest.fixture(scope="module")
def undisturbed(shared_shell):
    """The outcome of the long run when nothing happens to it."""
    return shared_shell.json("run", *LONG, "--workers", 2)


def assert_same(outcome, undisturbed):
    for name in ("weights_sha256", "accuracy", "confusion", "rounds"):
        assert outcome[name] == undisturbed[name]


def assert_whole(client, run_id, rounds=60, slaves=5):
    """Every round is there once, and each slave counted once in each."""
    history = runs.history(client, run_id)
    for kind in ("train", "evaluate"):
        entries = {name.number: e for name, e in history.items() if name.kind == kind}
        assert list(entries) == list(range(1, rounds + 1))
        assert {entry["slaves"] for entry in entries.values()} == {slaves}
        assert len({entry["samples"] for entry in entries.values()}) == 1


def test_whatever_the_number_of_workers(shell, undisturbed):
    assert_same(shell.json("run", *LONG, "--workers", 5), undisturbed)


def test_when_a_worker_is_killed(shell, undisturbed):
    with shell.redis() as client, shell.start("run", *LONG, "--workers", 2) as master:
        run_id = shell.wait_for_round(client, "train:5")
        victim = workers.present(client)[0]
        os.kill(victim.pid, signal.SIGKILL)
        _, err = master.communicate(timeout=60)
        assert master.returncode == 0, err
        assert_whole(client, run_id)
        outcome = shell.json("resume", run_id)
    assert_same(outcome, undisturbed)


def test_when_the_master_is_killed_and_resumed(shell, undisturbed):
    with shell.redis() as client:
        with shell.start("run", *LONG) as master:
            run_id = shell.wait_for_round(client, "train:7")
            master.kill()
            master.wait()
        assert client.hget(f"fedredis:{{{run_id}}}", "status") == b"running"
        outcome = shell.json("resume", run_id)
        assert_whole(client, run_id)
    assert outcome["run"] == run_id
    assert_same(outcome, undisturbed)


def test_when_everything_is_killed_and_resumed(shell, undisturbed):
    with shell.start("run", *LONG) as master, shell.redis() as client:
        run_id = shell.wait_for_round(client, "train:7")
        server = client.info("server")["process_id"]
        master.kill()
        os.kill(server, signal.SIGKILL)
    assert_same(shell.json("resume", run_id), undisturbed)


def test_when_interrupted_and_resumed(shell, undisturbed):
    with shell.redis() as client:
        with shell.start("run", *LONG) as master:
            run_id = shell.wait_for_round(client, "train:3")
            master.send_signal(signal.SIGINT)
            _, err = master.communicate(timeout=60)
        assert master.returncode == 130
        assert f"go on with: fedredis resume {run_id}" in err
        assert "Traceback" not in err
        assert client.hget(f"fedredis:{{{run_id}}}", "status") == b"stopped"
    assert_same(shell.json("resume", run_id), undisturbed)


def test_with_slaves_that_bring_their_own_data(shell, server, undisturbed):
    """A given Redis, a worker that holds slaves 0 to 2, one that holds 3 and 4."""
    shell.run("partition", "--slaves", 5, "--out", "all")
    for name, held in (("left", (0, 1, 2)), ("right", (3, 4))):
        folder = shell.folder / name
        folder.mkdir()
        for file in ("manifest.json", *(f"slave-{i}.npy" for i in held)):
            shutil.copy(shell.folder / "all" / file, folder)
    shutil.rmtree(shell.folder / "all")
    at = ("--redis-url", server.tcp_url)
    with (
        shell.start("run", "--rounds", 60, *at, "--json") as master,
        shell.start("slave", *at, "--data", "left") as left,
    ):
        waiting = ""
        while "waiting for 2 of 5 slaves: 3, 4" not in waiting:
            waiting = master.stderr.readline()
            assert waiting, "the master has gone"
        with shell.start("slave", *at, "--data", "right") as right:
            out, err = master.communicate(timeout=60)
            assert master.returncode == 0, err
            for slave in (left, right):
                slave.terminate()
                slave.communicate(timeout=60)
                assert slave.returncode == 0
    outcome = json.loads(out)
    assert outcome["workers"] == 2
    assert_same(outcome, undisturbed)
    assert not (shell.folder / ".fedredis").exists()
