"""Logs as JSON: every line of standard error is an object, with what it speaks of in fields."""

import json
import logging
import os
import subprocess
import sys

import pytest

from fedredis import logs


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_tells_what_goes_on(call, server):
    at = ("--redis-url", server.url)
    answer = call("run", "--slaves", 2, "--rounds", 2, "--workers", 1, "--log-format", "json", *at)
    assert answer.code == 0
    told = objects(answer.err)
    assert all({"time", "level", "logger", "message"} <= one.keys() for one in told)
    run = next(one["run"] for one in told if "run" in one)
    rounds = [one for one in told if one["message"].startswith("committed")]
    assert {one["round"] for one in rounds} >= {"train:1", "train:2", "evaluate:2"}
    assert all(one["run"] == run and one["ms"] > 0 for one in rounds)
    figures = [one for one in told if "accuracy" in one]
    assert [one["round"] for one in figures] == ["evaluate:1", "evaluate:2"]
    # Nothing of it is left when the command is over.
    assert not logs.started()
    assert logs.VARIABLE not in os.environ


def test_an_error_is_an_object_too(call, monkeypatch):
    monkeypatch.setenv(logs.VARIABLE, "json")
    answer = call("run", "--slaves", 0)
    (told,) = objects(answer.err)
    assert answer.code == 2
    assert (told["level"], answer.out) == ("error", "")
    assert "'--slaves'" in told["message"]


@pytest.mark.parametrize("command", ["run", "resume", "slave", "web", "server", "metrics"])
def test_who_has_the_option(call, command):
    assert "--log-format [text|json]" in call(command, "--help").out


def test_a_worker_writes_as_its_parent_was_asked_to():
    code = (
        "import logging\n"
        "from fedredis.jobs.worker import quiet_logs\n"
        "quiet_logs()\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError:\n"
        "    told = {'run': 'r1', 'round': 'train:1', 'slave': 'a\\n\\x1b'}\n"
        "    logging.getLogger('fedredis.worker').exception('slave failed', extra=told)\n"
        "logging.getLogger('rq.worker').info('a job')\n"
        "logging.getLogger('rq.worker').warning('lost')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, logs.VARIABLE: "json"},
        capture_output=True,
        text=True,
        check=True,
    )
    failed, lost = objects(done.stderr)
    assert (failed["run"], failed["round"], failed["slave"]) == ("r1", "train:1", "a\n\x1b")
    assert failed["traceback"].endswith("ZeroDivisionError: division by zero")
    assert (lost["logger"], lost["level"], lost["message"]) == ("rq.worker", "warning", "lost")


def test_what_json_lacks_is_written_as_text():
    record = logging.makeLogRecord({"msg": "%s", "args": ("x",), "where": {1}, "name": "fedredis"})
    assert json.loads(logs.JsonFormatter().format(record))["where"] == "{1}"
