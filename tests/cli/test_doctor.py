"""Each finding is a line with what mends it; what depends on another finding is not looked at."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from dataclasses import replace

import pytest

from fedredis import __version__, acl
from fedredis.jobs.naming import queue_name, worker_name
from fedredis.redis_url import PASSWORD_FILE, without_password
from fedredis.store import workers
from fedredis.store.workers import WorkerCard


@pytest.fixture
def look(call, server, monkeypatch):
    """Return a function that returns the names of what is well, and the lines that are not."""

    def look(url: str | None = None, code: int = 1) -> tuple[list[str], list[str]]:
        monkeypatch.setenv(PASSWORD_FILE, str(server.home / "password"))
        answer = call("doctor", "--redis-url", url or without_password(server.tcp_url))
        assert answer.code == code, answer.out
        lines = answer.out.splitlines()
        findings = [line[4:] for line in lines if line.startswith("no  ")]
        number = f"fedredis: {len(findings)} problem{'s' * (len(findings) > 1)} found\n"
        assert answer.err == number * bool(findings)
        return [line.split()[1] for line in lines if line.startswith("ok")], findings

    return look


def test_all_is_well(look):
    well, _ = look(code=0)
    assert well == [
        *("Python", "packages", "cores", "address", "port", "login", "Redis", "persistence"),
        *("memory", "ACL", "clock", "scripts", "workers"),
    ]


def test_for_programs(call):
    answer = call("doctor", "--json", "--redis-url", "redis://127.0.0.1:1")
    found = json.loads(answer.out)
    assert (answer.code, [one["check"] for one in found if not one["ok"]]) == (1, ["port"])
    assert found[-1]["check"] == "port"
    assert "127.0.0.1:1" in found[-1]["found"]


def test_the_embedded_server(call):
    answer = call("doctor")
    assert answer.code == 0
    assert "server program" in answer.out


def test_the_cause_alone_is_told(look, call, monkeypatch):
    well, (finding,) = look("redis://no.such.host")
    assert well == ["Python", "packages", "cores"]
    assert finding.startswith("address ")
    assert "`getent hosts no.such.host`" in finding
    well, (finding,) = look("redis://127.0.0.1:1")
    assert well == ["Python", "packages", "cores", "address"]
    assert finding.startswith("port             nothing listens at 127.0.0.1:1: start the server")
    monkeypatch.setenv("FEDREDIS_SERVER", "no-such-program")
    answer = call("doctor")
    assert answer.code == 1
    assert answer.out.count("no  ") == 1
    assert "no program 'no-such-program'" in answer.out


@pytest.mark.parametrize(
    ("settings", "name", "told"),
    [
        ({"appendonly": "no"}, "persistence", "a restart loses runs: .*appendonly yes"),
        (
            {"maxmemory": "7mb"},
            "memory",
            r"used of maxmemory 7.00M, a run may not fit: .*maxmemory 64mb",
        ),
        (
            {"maxmemory": "1"},
            "memory",
            r"used of maxmemory 1B, writes are refused: .*maxmemory \d+mb",
        ),
        (
            {"maxmemory": "1gb", "maxmemory-policy": "allkeys-lru"},
            "memory",
            "allkeys-lru drops keys that runs need: .*maxmemory-policy noeviction",
        ),
    ],
)
def test_a_finding_and_the_command_that_mends_it(look, client, settings, name, told):
    before = client.config_get(*settings)
    try:
        for setting, value in settings.items():
            client.config_set(setting, value)
        well, (finding,) = look()
        assert re.match(rf"{name} +.*{told}$", finding)
        assert "scripts" in well
        if shutil.which("redis-cli"):
            # It can be pasted, and is enough.
            mending = finding[finding.index("REDISCLI_AUTH") :]
            assert subprocess.check_output(["/bin/sh", "-c", mending]) == b"OK\n"
            look(code=0)
    finally:
        for setting, value in before.items():
            client.config_set(setting, value)


def test_a_maxmemory_that_is_enough(look, client):
    client.config_set("maxmemory", "1gb")
    look(code=0)
    client.config_set("maxmemory", 0)


def test_a_replica(look, client):
    client.replicaof("127.0.0.1", 1)
    try:
        _, findings = look()
    finally:
        client.replicaof("NO", "ONE")
    assert "is a replica, which can't be written to: give the URL of 127.0.0.1:1" in findings[0]


def test_a_server_that_is_too_old(look, monkeypatch):
    monkeypatch.setattr("fedredis.cli.doctor.OLDEST_SERVER", (1000, 0))
    _, (finding,) = look()
    assert re.match(r"Redis  .* is too old: 7\.0 or newer is needed", finding)


def test_a_worker_of_another_version(look, client):
    queue = queue_name("pets", None)
    card = WorkerCard(worker_name(queue), "far", 1, queue, "pets", "{}", None, "0.0.9")
    workers.join(client, card)
    well, (finding,) = look()
    assert finding.startswith(f"workers          worker {card.name} on far is of fedredis 0.0.9, ")
    assert "scripts" in well
    workers.join(client, replace(card, version=__version__))
    look(code=0)


@pytest.mark.parametrize(("by", "told"), [(3600, "3600 s ahead of"), (-60, "60 s behind")])
def test_a_clock_that_differs(look, monkeypatch, by, told):
    right = time.time
    monkeypatch.setattr("fedredis.cli.doctor.time.time", lambda: right() + by)
    _, (finding,) = look()
    assert f"this machine's clock is {told} the server's: let NTP" in finding


def test_a_login_that_may_only_look(look, client, server):
    rule = acl.viewer().rule().split()[2:]
    client.execute_command("ACL", "SETUSER", "looks", *rule, ">secret")
    well, (finding,) = look(f"redis://looks:secret@127.0.0.1:{server.port}")
    client.acl_deluser("looks")
    assert finding.startswith("scripts ")
    assert "`fedredis acl` writes rules" in finding
    assert "Redis" in well
    assert "persistence" not in well
