"""Whoever looks sees fedredis' and RQ's keys, and changes nothing."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import NoPermissionError
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

import fedredis
from fedredis import acl
from fedredis.api.session import session
from fedredis.keys import RUNS, RunKeys
from fedredis.rounds.master import create_run
from fedredis.web.app import create_app
from fedredis.web.launches import Launches
from fedredis.web.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

#: Commands that are in a category of danger, and are allowed all the same.
TOLD = {"info"}


@pytest.fixture
def viewer(fenced, login: Callable[[str], Redis]) -> Redis:
    return login(fenced.viewer_url)


@pytest.fixture
def keys(fenced, login: Callable[[str], Redis]) -> RunKeys:
    return RunKeys(create_run(login(fenced.master_url), fenced.config()))


def test_what_it_reads(fenced, call, viewer, admin, keys):
    queue = Queue(fenced.queue(0), connection=admin, serializer=JSONSerializer)
    job = queue.enqueue_call("os.getcwd", job_id=f"{queue.name}_x")
    assert viewer.zrange(RUNS, 0, -1) == [keys.run_id.encode()]
    assert viewer.hget(keys.run, "status") == b"waiting"
    assert viewer.hget(keys.artifact("preprocessing:0"), "schema")
    assert viewer.lrange(queue.key, 0, -1) == [job.id.encode()]
    seen = Queue.all(connection=viewer, serializer=JSONSerializer)
    assert [(found.name, found.count, found.job_ids) for found in seen] == [
        (queue.name, 1, [job.id])
    ]
    fetched = Job.fetch(job.id, connection=viewer, serializer=JSONSerializer)
    assert fetched.get_status() == "queued"
    at = ("--redis-url", fenced.viewer_url)
    (row,) = json.loads(call("runs", "--json", *at).out)
    assert row["run"] == keys.run_id
    assert "interrupted" in call("show", keys.run_id, *at).out
    assert call("errors", keys.run_id, *at).code == 0


def test_it_follows_runs_and_sees_workers(fenced, call, admin, keys):
    admin.hset(keys.run, "status", "failed")
    at = ("--redis-url", fenced.viewer_url)
    watched = call("watch", keys.run_id, *at)
    assert (watched.code, f"run {keys.run_id} is failed" in watched.out) == (1, True)
    assert call("top", "--json", *at).out == "[]\n"
    assert f'run="{keys.run_id}"' in call("metrics", "--once", *at).out
    assert fedredis.nodes(keys.run_id, redis_url=fenced.viewer_url).series == {}


def test_what_it_is_refused(fenced, call, viewer, admin, keys):
    admin.set("others", "secret")
    admin.lpush("rq:queue:q", "job")
    before = {key: admin.dump(key) for key in admin.scan_iter(count=1000)}
    for command in (
        *("GET others", "STRLEN others", "KEYS *", "SCAN 0", "RANDOMKEY", "DBSIZE"),
        *(f"HSET {keys.run} status x", f"DEL {keys.run}", f"EXPIRE {keys.run} 1"),
        *(f"SET {keys.lease} x", f"XADD {keys.events} * x x", f"RENAME {keys.run} {keys.lease}"),
        *(f"ZADD {RUNS} 1 x", "SET fedredis:x x", "INCR fedredis:x", "APPEND fedredis:x x"),
        *("LPUSH rq:queue:q x", "RPOP rq:queue:q", "DEL rq:queue:q", "LSET rq:queue:q 0 x"),
        *("BLMOVE rq:queue:q rq:queue:p LEFT LEFT 1", "SADD rq:workers x", "UNLINK rq:queue:q"),
        *("HSET rq:job:x data x", "COPY rq:queue:q rq:queue:p", "MOVE rq:queue:q 1"),
        *("GETDEL fedredis:x", "GETEX fedredis:x PERSIST", f"PERSIST {keys.run}"),
        *("EVALSHA 0 0", "EVAL x 0", "EVAL_RO x 0", "SCRIPT LOAD x", "FCALL x 0", "MULTI"),
        *("FLUSHALL", "FLUSHDB", "CONFIG GET *", "ACL LIST", "MONITOR", "INFO", "SAVE"),
        *("PUBLISH x x", "SUBSCRIBE x", "CLIENT LIST", "CLIENT KILL TYPE normal", "SHUTDOWN"),
        *("CLIENT TRACKING on BCAST", "FUNCTION FLUSH", "SWAPDB 0 1", "REPLICAOF NO ONE"),
    ):
        with pytest.raises(NoPermissionError):
            viewer.execute_command(*command.split())
    assert {key: admin.dump(key) for key in admin.scan_iter(count=1000)} == before
    answer = call("resume", keys.run_id, "--redis-url", fenced.viewer_url, "--wait-timeout", 0)
    assert answer.code == 1
    assert answer.err.count("Traceback") == 0
    assert {key: admin.dump(key) for key in admin.scan_iter(count=1000)} == before


def test_the_page_shows_all_and_changes_nothing(fenced, keys, tmp_path):
    with session(fenced.viewer_url, tmp_path) as opened:
        launches = Launches((), tmp_path, fenced.viewer_url)
        page = create_app(Site(opened, fenced.viewer_url, tmp_path, "", launches)).test_client()
        assert keys.run_id in page.get("/").text
        shown = page.get(f"/runs/{keys.run_id}")
        assert shown.status_code == 200
        assert page.get(f"/api/runs/{keys.run_id}").json["status"] == "interrupted"
        (token,) = set(re.findall(r'name="csrf_token" value="([^"]+)"', shown.text))
        for action in ("stop", "delete"):
            answer = page.post(f"/runs/{keys.run_id}/{action}", data={"csrf_token": token})
            assert answer.status_code == 403, answer.text
            assert "may only look" in answer.text
        assert page.get("/rq/").status_code == 200


def test_no_role_has_a_dangerous_command(fenced, admin):
    """Whatever categories a server's version puts its commands in."""

    def category(name):
        listed = admin.execute_command("COMMAND LIST", "FILTERBY", "ACLCAT", name)
        return {command.decode().lower() for command in listed}

    danger = category("dangerous") | category("admin")
    scripting = category("scripting") - {"evalsha", "script|load", "script|exists"}
    users = [acl.MASTER, acl.VIEWER, fenced.queue(0)]
    for user in users:
        described = admin.acl_getuser(user)
        allowed = {name.removeprefix("+") for name in described["commands"] if "+" in name}
        assert allowed.isdisjoint((danger - TOLD) | scripting | category("pubsub"))
        assert "on" in described["flags"]
        assert not {"nopass", "allkeys", "allcommands", "allchannels"} & set(described["flags"])
        assert len(described["passwords"]) == 1
        assert not described["channels"]
    viewing = {f"+{name}" for name in acl.READ}
    assert viewing.isdisjoint(f"+{name}" for name in category("write"))
    nobody = admin.acl_getuser("default")
    assert "off" in nobody["flags"]
    assert not nobody["passwords"]
