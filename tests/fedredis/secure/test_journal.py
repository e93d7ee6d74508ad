import sqlite3
import subprocess
import sys

import pytest

from fedredis.errors import JournalError, RuleError
from fedredis.secure.journal import Journal

#: Asks for the set named by its argument, and is killed once it has been told that it may answer.
ASK = """
import os, pathlib, signal, sys
from fedredis.secure.journal import Journal
journal = Journal.open(pathlib.Path(sys.argv[1]))
journal.once("run", {"train:1": {"a": sys.argv[2].encode()}})
os.kill(os.getpid(), signal.SIGKILL)
"""
#: Opens the journals of 100 folders, each in four processes at the same time.
BEGIN = """
import multiprocessing, os, pathlib, sys
from fedredis.secure.journal import Journal
together, children = multiprocessing.get_context("fork").Barrier(4, timeout=30), []
for _ in range(4):
    if not (child := os.fork()):
        for number in range(100):
            together.wait()
            Journal.open(pathlib.Path(sys.argv[1], str(number)))
        os._exit(0)
    children.append(child)
sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
"""


def test_a_sum_is_answered_for_one_set_only(tmp_path):
    journal = Journal.open(tmp_path)
    journal.once("run", {"train:1": {"a": b"set", "b": b"set"}})
    journal.once("run", {"train:1": {"a": b"set"}})
    journal.once("run", {"train:2": {"a": b"other"}})
    journal.once("other", {"train:1": {"a": b"other"}})
    with pytest.raises(RuleError, match="'one-set': slave b has helped to unmask train:1"):
        Journal.open(tmp_path).once("run", {"train:1": {"c": b"x", "b": b"other"}})
    assert (tmp_path / "state.sqlite").stat().st_mode & 0o777 == 0o600


def test_sums_that_are_unmasked_at_once_are_answered_for_no_other_set_apart(tmp_path):
    journal = Journal.open(tmp_path)
    journal.once("run", {"evaluate:4": {"a": b"set"}, "train:5": {"a": b"set"}})
    journal.once("run", {"evaluate:4": {"a": b"set"}})
    for rounds in (["evaluate:4"], ["train:5"], ["train:6", "evaluate:4"]):
        with pytest.raises(RuleError, match="'one-set': slave a has helped to unmask "):
            journal.once("run", {name: {"a": b"other"} for name in rounds})
    # What was refused fixes none of them.
    journal.once("run", {"evaluate:5": {"a": b"set"}, "train:6": {"a": b"set"}})


def test_who_was_killed_right_after_it_still_knows(tmp_path):
    done = subprocess.run([sys.executable, "-c", ASK, str(tmp_path), "first"], check=False)
    assert done.returncode == -9
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path), "second"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stderr.strip().splitlines()[-1].startswith("fedredis.errors.RuleError: refused by")


def test_workers_that_begin_at_once_can_all_use_it(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", BEGIN, str(tmp_path)], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_secrets_are_drawn_once_a_run_and_forgotten_after_it(tmp_path):
    journal, other = Journal.open(tmp_path), Journal.open(tmp_path)
    root = journal.root("run", "a", 1.0)
    assert len(root) == 32
    assert other.root("run", "a", 2.0) == root
    assert len({root, journal.root("run", "b", 1.0), journal.root("run2", "a", 5.0)}) == 3
    journal.once("run", {"train:1": {"a": b"set"}})
    journal.forget(5.0)
    assert other.root("run2", "a", 6.0) == journal.root("run2", "a", 7.0)
    assert other.root("run", "a", 2.0) != root
    with pytest.raises(RuleError):
        other.once("run", {"train:1": {"a": b"other"}})


def test_memories_are_those_of_the_round_before(tmp_path):
    journal = Journal.open(tmp_path)
    for number in (1, 2, 4, 4):
        journal.remember("run", number, {"a": b"%d" % number})
    # What was counted of them may be lost, and be done again.
    assert [journal.memories("run", ["a", "b"], n) for n in (1, 2, 3, 4, 5)] == [
        [None, None],
        [b"1", None],
        [b"2", None],
        [b"2", None],
        [b"4", None],
    ]
    journal.remember("run", 2, {"a": b"again"})
    assert journal.memories("run", ["a"], 5) == [b"again"]


def test_of_large_memories_fewer_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("fedredis.secure.journal.REMEMBERED", 3)
    journal = Journal.open(tmp_path)
    for number in range(1, 7):
        journal.remember("run", number, {"small": b"%d" % number, "large": b"%8d" % number})
    found = [journal.memories("run", ["small", "large"], number) for number in range(3, 8)]
    assert [small for small, _ in found] == [None, b"3", b"4", b"5", b"6"]
    assert [large for _, large in found] == [None, None, None, b"%8d" % 5, b"%8d" % 6]


def test_a_damaged_journal_is_a_line(tmp_path):
    (tmp_path / "state.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(JournalError, match=r"journal .*state\.sqlite can't be used"):
        Journal.open(tmp_path)
    journal = Journal.open(tmp_path / "other")
    sqlite3.connect(tmp_path / "other" / "state.sqlite").executescript("DROP TABLE roots")
    with pytest.raises(JournalError, match="can't be written: no such table"):
        journal.root("run", "a", 1.0)
    sqlite3.connect(tmp_path / "other" / "state.sqlite").executescript("DROP TABLE memories")
    with pytest.raises(JournalError, match="can't be read: no such table"):
        journal.memories("run", ["a"], 1)
