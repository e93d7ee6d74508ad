"""Slaves that mask what they add up, each with keys and a policy of its own."""

from __future__ import annotations

import codecs
import json
import os
import random
import signal
import socket
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fedredis.connection import connect
from fedredis.keys import RUNS, RunKeys
from fedredis.store import workers
from fedredis.strategies import STRATEGIES
from tests.e2e.conftest import RUN

if TYPE_CHECKING:
    from collections.abc import Iterator


def written(server) -> list[list[bytes]]:
    """Take the server's append-only files apart: every command that it was ever sent to keep."""
    commands = []
    for path in Path(server.home).rglob("*.incr.aof"):
        text, at = path.read_bytes(), 0
        while at < len(text):
            end = text.index(b"\r\n", at)
            count, at = int(text[at + 1 : end]), end + 2
            command = []
            for _ in range(count):
                end = text.index(b"\r\n", at)
                size = int(text[at + 1 : end])
                command.append(text[end + 2 : end + 2 + size])
                at = end + 4 + size
            commands.append(command)
    return commands


@contextmanager
def overheard(server) -> Iterator[list[bytes]]:
    """Listen to all that the server is sent, as MONITOR tells it."""
    with connect(server.tcp_url) as client:
        connection = client.connection_pool.get_connection()
        connection.send_command("MONITOR")
        connection.read_response()
        told: list[bytes] = []
        listener = threading.Thread(
            target=lambda: told.extend(iter(lambda: connection._sock.recv(1 << 20), b""))
        )
        listener.start()
        try:
            yield told
        finally:
            connection._sock.shutdown(socket.SHUT_RDWR)
            listener.join()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def memory(pid: int) -> bytes:
    """Return all that a process can write to."""
    found = []
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb") as file:
        for line in maps:
            place, rights, *_, name = line.split(maxsplit=5) + [""] * (line.count(" ") < 5)
            if rights.startswith("rw") and "[v" not in name:
                start, end = (int(part, 16) for part in place.split("-"))
                file.seek(start)
                pages = np.frombuffer(file.read(end - start), np.int64).reshape(-1, 512)
                # Most are reserved, and were never written to.
                found.append(pages[pages.any(axis=1)].tobytes())
    return b"".join(found)


def words_in(text: bytes, words: set[bytes]) -> list[bytes]:
    """Find words of 8 bytes that stand anywhere in a text."""
    # Of many millions most are told apart by their first two bytes.
    firsts = np.zeros(1 << 16, bool)
    firsts[[int.from_bytes(word[:2], "little") for word in words]] = True
    found = []
    for offset in range(min(8, len(text) - 7)):
        there = np.frombuffer(text, "<u8", (len(text) - offset) // 8, offset)
        likely = there[firsts[there.view("<u2")[::4]]]
        found += [
            word for each in likely.tolist() if (word := each.to_bytes(8, "little")) in words
        ]
    return found


def test_words_are_found_wherever_they_stand() -> None:
    words = {b"abcdefgh", b"12345678"}
    assert len(words_in(b"xyzabcdefgh", words)) == 1
    assert len(words_in(b"xyzabcdefg" * 3, words)) == 0


def test_the_same_bits_and_no_word_of_anybody_s(shell, server, client, federation, run, clinics):
    client.config_set("appendfsync", "always")
    seen = []
    with federation():
        plain = json.loads(run("--rounds", 12).stdout)
        before = written(server)
        at = ("--redis-url", server.tcp_url, "--wait-timeout", 60, "--slaves", 4)
        at += ("--rounds", 12)
        with (
            overheard(server) as monitored,
            shell.start("run", *RUN, *at, "--secure", "--json") as it,
        ):
            while client.zrevrange(RUNS, 0, 0)[0].decode() == plain["run"]:
                client.xread({"nothing": "$"}, block=20)
            for number in (1, 2, 3):
                run_id = shell.wait_for_round(client, f"train:{number}")
                with stopped(it.pid):
                    newest = client.hget(RunKeys(run_id).run, "model").decode()
                    (model,) = client.lrange(RunKeys(run_id).parts(newest), 1, -1)
                    seen.append((model[-64:], memory(it.pid)))
            masked = json.loads(it.communicate(timeout=60)[0])
    client.config_set("appendfsync", "everysec")
    for figure in ("weights_sha256", "accuracy", "log_loss", "confusion", "report"):
        assert masked[figure] == plain[figure]
    # The integers that single slaves had handed in; those that come by no chance.
    handed = [
        np.frombuffer(part, "<i8")
        for command in before
        if command[0] == b"RPUSH" and b":staged:" in command[1] and b":round:" in command[1]
        for part in command[2:]
        if not part.startswith(b"{")
    ]
    words = {w.tobytes() for part in handed for w in part if abs(int(w)).bit_count() > 12}
    assert len(words) > 30
    told = [argument for command in written(server)[len(before) :] for argument in command]
    everything = b"\n".join(told)
    assert masked["run"].encode() in everything
    assert not words_in(everything, words)
    # Each slave's part of a masked sum, as the file has it: nothing but what looks drawn.
    hidden = [
        part
        for command in written(server)[len(before) :]
        if command[0] == b"RPUSH" and b":round:mask-" in command[1] and b":staged:" in command[1]
        for part in command[2:]
        if not part.startswith(b"{")
    ]
    assert len(hidden) >= 4 * 12
    drawn = np.frombuffer(b"".join(hidden), np.uint8)
    seen_of, expected = np.bincount(drawn, minlength=256), len(drawn) / 256
    assert expected > 50
    # 255 degrees of freedom: 1e-6 of all draws lie above 374.
    assert ((seen_of - expected) ** 2 / expected).sum() < 374
    sent, _ = codecs.escape_decode(b"".join(monitored))
    assert masked["run"].encode() in sent
    assert not words_in(sent, words)
    assert len(seen) == 3
    # The master has the totals in its memory, and so the model, but no part of any.
    for model, whole in seen:
        assert model in whole
        assert not words_in(whole, words)
    shown = shell.json("show", masked["run"], "--redis-url", server.tcp_url)
    assert not {"rows", "test_rows", "accuracy"} & shown["slaves"]["clinic-a"].keys()
    line = shell.run("record", clinics["clinic-a"], "--run", masked["run"]).stdout.splitlines()
    assert [part for part in line if "mask-train:4" in part and "masked[" in part]
    assert {part.split()[2] for part in line} == {"clinic-a"}


@pytest.mark.parametrize(
    ("rule", "why", "secure"),
    [
        ('exchanges = ["statistics"]', "train:1 is none of statistics", ()),
        ('exchanges = ["statistics"]', "train:1 is none of statistics", ("--secure",)),
        ("least_rows = 1000", "64 rows, 1000 are needed", ("--secure",)),
        ("least_slaves = 9", "4 slaves in a sum, 9 are needed", ("--secure",)),
    ],
)
def test_what_an_owner_forbids_is_a_line_on_both_sides(
    server, federation, run, rule, why, secure
) -> None:
    with federation(clinic_b=rule) as slaves:
        line = run(*secure, code=1).stderr.splitlines()[-1]
        slaves["clinic-b"].send_signal(signal.SIGINT)
        _, said = slaves["clinic-b"].communicate(timeout=60)
    told = f"refused by the rule '{rule.split()[0]}': {why}"
    assert f"slave clinic-b: {told}" in line
    assert said.count(told) == 1
    assert "Traceback" not in said


def test_scores_that_an_owner_forbids_are_withheld(shell, server, federation, run):
    """A run does not fail at its end, and says of how many rows the scores are."""
    first = "most_rounds = 11"  # three of statistics, four of training, four tests
    with federation(clinic_b=first):
        outcome = json.loads(run().stdout)
    assert len(shell.json("show", outcome["run"], "--redis-url", server.tcp_url)["history"]) == 12
    assert (outcome["report"]["rows"], outcome["report"]["withheld_rows"]) == (48, 16)


def test_an_answer_is_the_same_under_masks(shell, server, client, federation):
    at = ("--redis-url", server.tcp_url, "--slaves", 4)
    with federation():
        for asked in (
            ("describe", "--least-cell", 0),
            ("glm", "outcome ~ age + dose", "--family", "binomial"),
            ("kmeans", "--columns", "age,dose", "--clusters", 2),
        ):
            plain, masked = shell.json(*asked, *at), shell.json(*asked, *at, "--secure")
            assert {**masked, "run": plain["run"]} == plain
            told = client.hgetall(RunKeys(masked["run"]).history)
            kinds = {name.partition(b":")[0] for name in told}
            assert kinds == {b"channel", b"deal", b"mask-inference", b"inference"}


def test_the_others_go_on_where_they_are_enough(federation, run):
    short = ("--quorum", 3, "--round-timeout", 5, "--secure")
    with federation(clinic_c='columns = ["age"]', clinic_a="masks = true"):
        outcome = json.loads(run(*short, "--rounds", 2).stdout)
    assert outcome["rounds"] == 2


def test_a_run_is_gone_on_with_by_fewer_than_it_began_with(shell, server, client, federation, run):
    """What slaves have signed holds: how few are enough is the threshold's to say."""
    with federation(clinic_a='exchanges = ["statistics", "evaluate"]'):
        line = run("--secure", code=1).stderr.splitlines()[-1]
        assert "slave clinic-a: refused by the rule 'exchanges': train:1 is none of" in line
        (run_id,) = (name.decode() for name in client.zrange(RUNS, 0, -1))
        at = ("--redis-url", server.tcp_url, "--wait-timeout", 60)
        outcome = shell.json("resume", run_id, "--quorum", 3, *at)
    assert outcome["rounds"] == 4


def test_below_the_threshold_it_is_said_who_is_missing_and_nothing_is_shown(
    shell, server, client, federation, run
):
    rule = 'exchanges = ["statistics", "evaluate"]'
    with federation(clinic_a=rule, clinic_c=rule):
        line = run("--quorum", 3, "--round-timeout", 5, "--secure", code=1).stderr.splitlines()[-1]
    # The others may have handed in by then, or not.
    assert "round mask-train:1 can't be completed: " in line
    assert " of 4 slaves counted, 3 needed; missing: clinic-a, clinic-" in line
    for name in ("clinic-a", "clinic-c"):
        assert f"; slave {name}: refused by the rule 'exchanges': train:1 is none of" in line
    (run_id,) = (name.decode() for name in client.zrange(RUNS, 0, -1))
    kept = {key.decode().rpartition("}:")[2] for key in client.keys(f"fedredis:{{{run_id}}}:*")}
    assert {"model:0", "letters:3"} <= kept
    assert not {name for name in kept if name.startswith(("model:1", "masked-", "inside-"))}
    shown = shell.json("show", run_id, "--redis-url", server.tcp_url)
    assert [name for name in shown["history"] if "train" in str(name)] == []


def killed(slaves: int, kind: str, *options: str, mask: str = "mask-", marks=()):
    return pytest.param(slaves, kind, options, mask, marks=marks, id=f"{slaves} {kind} {options}")


#: Every strategy that adds slaves up, and trees.
SUMMED = sorted(name for name, strategy in STRATEGIES.items() if not strategy.single)
TREES = ("--model", "trees", "--set", "depth=3")


@pytest.mark.parametrize(
    ("slaves", "kind", "options", "mask"),
    [
        killed(3, "train", "--features", "plain"),
        killed(10, "grow", *TREES),
        killed(10, "grow", *TREES, mask=""),
        killed(10, "train", "--features", "plain", "--strategy", "scaffold"),
        killed(70, "train", "--features", "plain"),
        *(
            killed(
                slaves, "train", "--features", "plain", "--strategy", name, marks=pytest.mark.soak
            )
            for slaves in (3, 10, 70)
            for name in SUMMED
        ),
    ],
)
def test_whoever_is_killed_and_when(shell, slaves, kind, options, mask) -> None:
    """Simulated slaves: their keys are made on the way, and outlive all processes."""
    asked = ("run", "--slaves", slaves, "--rounds", 24, "--lease", 1, *options)
    chance = random.Random(f"{slaves} {kind} {options}")
    # Newton's method has soon converged.
    early, late = ((1, 2), (3, 4)) if "newton" in options else ((1, 6), (8, 18))
    how = (*asked, "--workers", 2, *(("--secure",) if mask else ()))
    with shell.start(*how) as master, shell.redis() as client:
        run_id = shell.wait_for_round(client, f"{kind}:{chance.randint(*early)}")
        os.kill(workers.present(client)[0].pid, signal.SIGKILL)
        shell.wait_for_round(client, f"{mask}{kind}:{chance.randint(*late)}")
        server = client.info("server")["process_id"]
        master.kill()
        os.kill(server, signal.SIGKILL)
    outcome, plain = shell.json("resume", run_id), shell.json(*asked)
    for same in ("rounds", "weights_sha256"):
        assert outcome[same] == plain[same]
