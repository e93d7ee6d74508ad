"""A run is followed: in a terminal, line by line, as JSON; and its workers are shown."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from dataclasses import replace
from pathlib import Path

import pyte
import pytest

from fedredis.api import following
from fedredis.api.following import moments
from fedredis.arrays import Bundle
from fedredis.cli.glance import Glance, curve
from fedredis.jobs.pool import WorkerPool
from fedredis.store import workers
from fedredis.store.workers import WorkerCard

FEDREDIS = Path(sys.executable).with_name("fedredis")


@pytest.fixture
def at(server):
    return ("--redis-url", server.url)


@pytest.fixture
def went_on(make_training):
    """Drive a run in which slave 2 is refused twice, and the others go on without it."""

    def spoil(name, bundle):
        if name.kind != "train" or "2" not in bundle.slaves:
            return bundle
        return Bundle(bundle.slaves, bundle.samples, [a * 0 + 2**62 for a in bundle.arrays])

    training = make_training(farm={"spoil": spoil}, rounds=3, quorum=3)
    training.drive()
    return training


def rendered(moment, width, height, *, unicode=True):
    happened = [f"12:00:{i:02}  train:{i}: 4 slaves in 10 ms" for i in range(30)]
    return [line.plain for line in Glance(moment, happened, unicode).lines(width, height)]


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 24), (40, 12), (200, 60), (80, 8)])
@pytest.mark.parametrize("slaves", [4, 70])
def test_a_glance_fits_and_has_failures_before_slaves(went_on, slaves, width, height, unicode):
    (moment,) = moments(went_on.client, went_on.run_id, 0.0)
    facts = {str(i): {"rows": 464, "worker": "w"} for i in range(slaves)}
    facts["2"] |= moment.record.slaves["2"]
    moment = replace(moment, record=replace(moment.record, slaves=facts))
    lines = rendered(moment, width, height, unicode=unicode)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert unicode or "".join(lines).isascii()
    assert went_on.run_id in lines[0]
    places = [i for i, line in enumerate(lines) if re.match(r"failures|\d+ slaves", line)]
    assert lines[places[0]] == "failures"
    assert lines[places[0] + 1].startswith("slave 2 (")
    if height >= 24:
        assert lines[places[1]].startswith(f"{slaves} slaves")
        grid = [line for line in lines if re.match(r"[●✖*x] ", line)]
        shown = sum(len(re.findall(r"[●✖*x] +\d+", line)) for line in grid)
        left_out = re.search(r"(\d+) not shown", lines[places[1]])
        assert shown + int(left_out[1] if left_out else 0) == slaves
        assert not left_out or (slaves, width) == (70, 40)
        assert "events" in lines


def test_of_slaves_that_have_no_room_the_failed_are_shown(went_on):
    (moment,) = moments(went_on.client, went_on.run_id, 0.0)
    facts = {f"{i:03}": {"rows": 464} for i in range(500)}
    record = moment.record
    last = max(name for name in record.history if name.kind == "train")
    history = {**record.history, last: {**record.history[last], "missing": ["499"]}}
    moment = replace(moment, record=replace(record, slaves=facts, history=history))
    lines = rendered(moment, 80, 24)
    title = next(line for line in lines if line.startswith("500 slaves"))
    assert "✖ 1 failed" in title
    assert re.search(r"\d+ not shown", title)
    assert lines[lines.index(title) + 1].startswith("✖ 499")


@pytest.mark.parametrize(
    ("values", "width", "drawn"),
    [
        ([], 10, ""),
        ([0.5], 10, "▁"),
        ([0, 1, 2, 3, 4, 5, 6, 7], 10, "▁▂▃▄▅▆▇█"),
        ([7, 0], 2, "█▁"),
        (list(range(1001)), 3, "▁▅█"),
    ],
)
def test_a_curve_goes_from_the_least_to_the_greatest(values, width, drawn):
    assert curve(values, width) == drawn


def test_without_a_terminal_it_says_what_happens_and_ends_with_the_run(
    make_training, call, at, monkeypatch
):
    training = make_training(rounds=3, holder="its master")
    watching, there = threading.Event(), following.read_workers
    # The run begins when somebody looks.
    monkeypatch.setattr(following, "read_workers", lambda c: (watching.set(), there(c))[1])
    master = threading.Thread(target=lambda: (watching.wait(30), training.drive()))
    master.start()
    answer = call("watch", training.run_id, *at)
    master.join()
    assert answer.code == 0
    said = answer.out.splitlines()
    assert len([line for line in said if re.search(r"  train:\d: 4 slaves in \d+ ms$", line)]) == 3
    assert re.search(r"evaluate:3: 4 slaves in \d+ ms, accuracy \d\d\.\d\d%$", answer.out, re.M)
    assert re.fullmatch(rf"run {training.run_id} is finished, accuracy \d\d\.\d\d%", said[-1])


def test_of_a_run_that_failed_no_slave_is_said_to_be_in(went_on):
    (moment,) = moments(went_on.client, went_on.run_id, 0.0)
    state = replace(moment.record.state, status="failed")
    moment = replace(moment, record=replace(moment.record, state=state))
    (title,) = [line for line in rendered(moment, 80, 24) if line.startswith("4 slaves")]
    assert re.fullmatch(r"4 slaves  ✖ [1-4] failed(  ○ \d to come)?", title)


def test_of_a_run_that_failed_it_says_so_and_how_to_go_on(went_on, call, at):
    went_on.client.hset(went_on.keys.run, mapping={"status": "failed", "error": "no [b]quorum"})
    answer = call("watch", went_on.run_id, *at)
    assert answer.code == 1
    assert "slave 2 failed, attempt 2" in answer.out
    assert f"fedredis resume {went_on.run_id}" in answer.err


def test_as_json_it_prints_a_line_for_each_event(went_on, call, at):
    answer = call("watch", went_on.run_id, "--json", *at)
    events = [json.loads(line) for line in answer.out.splitlines()]
    assert {event["type"] for event in events} >= {"opened", "committed", "failed", "finished"}
    committed = [event for event in events if event.get("round") == "train:3" and "entry" in event]
    assert [event["entry"]["missing"] for event in committed] == [["2"]]
    assert (events[-1]["type"], events[-1]["status"]) == ("state", "finished")


def test_there_is_no_such_run(refused, at):
    assert "there is no run 0123abcd" in refused("watch", "0123abcd", *at)


def screen_of(command, columns, lines, environment=None):
    """Run a command in a terminal to its end; return its last screen, what it wrote, its code."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    env = {**kept, "TERM": "xterm-256color", **(environment or {})}
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env) as process:
        os.close(slave)
        screen, wrote = pyte.Screen(columns, lines), b""
        stream = pyte.ByteStream(screen)
        while True:
            try:
                told = os.read(master, 1 << 16)
            except OSError:  # all who wrote are gone
                break
            if not told:
                break
            wrote += told
            stream.feed(told)
        os.close(master)
    return [line.rstrip() for line in screen.display], wrote, process.returncode


@pytest.mark.parametrize("columns", [80, 40])
def test_a_terminal_shows_it_whole(went_on, at, columns):
    lines, wrote, code = screen_of([FEDREDIS, "watch", went_on.run_id, *at], columns, 24)
    assert code == 0
    text = "\n".join(lines)
    assert f"run {went_on.run_id}  finished" in text
    assert "slave 2 (" in text
    assert re.search(r"[▁▂▃▄▅▆▇█]+ +accuracy \d\d\.\d\d%", text)
    assert "4 slaves  ● 3 in  ✖ 1 failed" in text.replace(
        "✖ 1 failed  ● 3 in", "● 3 in  ✖ 1 failed"
    )
    assert b"\x1b[?1049h" in wrote  # its own screen meanwhile
    assert re.search(rb"\x1b\[[0-9;]*3[0-9]m", wrote)


def test_colours_are_off_where_that_is_asked(went_on, at):
    command = [FEDREDIS, "watch", went_on.run_id, *at]
    _, wrote, _ = screen_of(command, 80, 24, {"NO_COLOR": "1"})
    assert not re.search(rb"\x1b\[[0-9;]*3[0-9]m", wrote)


def test_workers_with_what_they_use(call, at, server, client, tmp_path):
    assert call("partition", "--slaves", 2, "--out", tmp_path / "parts").code == 0
    before = workers.last_join(client)
    with WorkerPool(server.url, tmp_path / "parts", 1):
        while not (there := workers.present(client)):
            before = workers.wait_for_join(client, before, 10)
        client.hset(f"fedredis:worker:{there[0].name}", mapping={"cpu": "0.25", "memory_mb": "77"})
        told = json.loads(call("top", "--json", *at).out)
        assert [one["name"] for one in told] == [there[0].name]
        assert (told[0]["cpu"], told[0]["memory_mb"], told[0]["run"]) == (0.25, 77, "")
        assert 0 <= told[0]["seen"] <= 15
        shown = call("top", *at).out
    assert "1 worker, 0.25 cores, 77 MiB" in shown
    assert re.search(rf"…{there[0].name[-8:]} +all +25% +77 +- +idle", shown)
    assert "no workers are there" in call("top", "--once", *at).out


def test_a_worker_may_say_anything(call, at, client):
    name = "fedredis-pets-slave-[b]a-0123abcd"
    card = WorkerCard(name, "host\x1b[31m", 1, "q", "pets", "{}", ("[b]a",))
    workers.announce(client, card, {"cpu": "nan", "memory_mb": "much"})
    answer = call("top", *at)
    assert re.search(r"…0123abcd \[b\]a +- +- +- +idle", answer.out)
    assert "\x1b" not in answer.out


def test_figures_for_prometheus_at_once(went_on, call, at):
    answer = call("metrics", "--once", *at)
    assert f'fedredis_updates_total{{outcome="refused",run="{went_on.run_id}"}}' in answer.out
    assert answer.out.endswith("\n")


def test_figures_are_served_to_this_machine_alone_unless_a_token_is_asked_for(refused, at):
    assert "ask for a token with --token-file" in refused("metrics", "--host", "0.0.0.0", *at)
