from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fedredis.errors import JournalError, RuleError, UsageError
from fedredis.secure.policy import Policy, Request
from fedredis.secure.record import DAY, Left, Record

if TYPE_CHECKING:
    from pathlib import Path

ASKED = Request("train:1", "train", ("age", "dose"), 5, 30, masked=False)
RULES = """
[policy]
columns = ["age", "dose"]
exchanges = ["statistics", "train"]
least_rows = 100
least_cell = 3
most_parameters = 0.33
least_slaves = 5
most_rounds = 10
masks = false
"""


def policy(tmp_path: Path, text: str = RULES) -> Policy:
    (tmp_path / "policy.toml").write_text(text)
    return Policy.load(tmp_path / "policy.toml")


@pytest.mark.parametrize(
    ("asked", "rows", "today", "rule"),
    [
        (
            {"kind": "evaluate", "round": "evaluate:1"},
            100,
            0,
            "'exchanges': evaluate:1 is none",
        ),
        ({"columns": ("age", "name")}, 100, 0, "'columns': column 'name' may not be"),
        ({}, 99, 0, "'least_rows': 99 rows, 100 are needed"),
        ({"slaves": 4}, 100, 0, "'least_slaves': 4 slaves in a sum, 5 are needed"),
        ({"numbers": 34}, 100, 0, "'most_parameters': 34 numbers would leave, 33 at most for 100"),
        ({}, 100, 10, "'most_rounds': 10 rounds today, 10 at most"),
    ],
)
def test_each_rule_is_refused_by_its_name(tmp_path, asked, rows, today, rule):
    rules = policy(tmp_path)
    rules.check(ASKED, 100, 9)
    with pytest.raises(RuleError, match=f"refused by the rule {rule}"):
        rules.check(replace(ASKED, **asked), rows, today)


def test_without_a_mask_nothing_leaves_where_masks_are_asked_for(tmp_path):
    rules = policy(tmp_path, "[policy]\nmasks = true")
    rules.check(replace(ASKED, masked=True), 1, 0)
    with pytest.raises(RuleError, match="'masks': train:1 is without masks"):
        rules.check(ASKED, 1, 0)
    Policy().check(ASKED, 0, 10**6)


@pytest.mark.parametrize(("cell", "ok"), [(0, True), (2, False), (3, True)])
def test_a_cell_of_few_rows(tmp_path, cell, ok):
    counts = [np.array([[7, cell]])]
    if ok:
        policy(tmp_path).check_counts(counts)
    else:
        with pytest.raises(RuleError, match="'least_cell': a cell counts fewer than 3 rows"):
            policy(tmp_path).check_counts(counts)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[policy", "is not TOML"),
        ("[rules]", r"no table \[rules\]"),
        ("[policy]\nleast_row = 3", "no rule 'least_row', but columns, exchanges"),
        ("[policy]\nleast_rows = -1", "least_rows must be a whole number, 0 or more, not -1"),
        ("[policy]\nleast_rows = 1.5", "least_rows must be a whole number"),
        ("[policy]\nleast_rows = true", "least_rows must be a whole number"),
        ("[policy]\nmost_parameters = nan", "most_parameters must be a number"),
        ("[policy]\nmasks = 1", "masks must be true or false"),
        ("[policy]\nexchanges = ['training']", "'training', which is none of statistics, train, "),
        ("[policy]\ncolumns = 'age'", "columns must be a list of names"),
        # Nothing is not all.
        ("[policy]\ncolumns = []", "columns must be a list of names, one at least"),
        ("[policy]\nexchanges = []", "exchanges must be a list of names, one at least"),
        ("[policy]\nmost_rounds = 0", "most_rounds must be a whole number above 0, not 0"),
        ("[policy]\nmost_parameters = 0", "most_parameters must be a number above 0, not 0"),
        ("policy = 3", r"policy must be a table, \[policy\]"),
        ("[[policy]]", r"policy must be a table, \[policy\]"),
        ("[roster]", r"no table \[roster\]"),
    ],
)
def test_what_is_no_policy_is_refused(tmp_path, text, why):
    with pytest.raises(UsageError, match=why):
        policy(tmp_path, text)


def test_what_others_can_change_is_no_owner_s_policy(tmp_path):
    policy(tmp_path)
    (tmp_path / "policy.toml").chmod(0o646)
    with pytest.raises(
        UsageError, match=r"can be changed by other users: chmod o-w .*policy\.toml"
    ):
        Policy.load(tmp_path / "policy.toml")


def test_a_record_grows_and_counts_the_rounds_of_a_day(tmp_path):
    now = [1000.0]
    record = Record(tmp_path / "record.jsonl", lambda: now[0])
    assert record.today("a", "run", "train:1") == 0
    for slave, round_ in (("a", "train:1"), ("a", "train:1"), ("a", "train:2"), ("b", "train:3")):
        record.write([Left(now[0], slave, "run", round_, {"w": (2, 3)}, 48, "00")])
    again = Record(record.path, lambda: now[0])
    for one in (record, again):
        assert one.today("a", "run", "train:3") == 2
        assert one.today("a", "run", "train:2") == 1
    assert [left.round for left in again.read()] == ["train:1", "train:1", "train:2", "train:3"]
    assert record.path.stat().st_mode & 0o777 == 0o600
    # A clock that was set back makes no room.
    now[0] -= 10 * DAY
    assert record.today("a", "run", "train:3") == 2
    now[0] += 11 * DAY + 1
    assert record.today("a", "run", "train:3") == 0
    for text in ("{\n", record.path.read_text().replace("train:1", "train")):
        record.path.write_text(text)
        with pytest.raises(UsageError, match="line 1 is no record"):
            list(record.read())


def test_a_round_that_comes_to_something_else_counts_once_more(tmp_path):
    """Or a master would ask in one round for as many models as it likes."""
    record = Record(tmp_path / "record.jsonl", lambda: 0.0)
    seen = []
    for digest in ("00", "00", "11", "22"):
        memory = Left(0.0, "a", "run", "train:1", {"memory w": (2,)}, 48, "33")
        record.write([Left(0.0, "a", "run", "train:1", {"w": (2,)}, 48, digest), memory])
        seen.append((record.today("a", "run", "train:1"), record.today("a", "run", "train:2")))
    assert seen == [(0, 1), (0, 1), (1, 2), (2, 3)]
    # Of a masked sum there are two parts, and what was told of it.
    for name, array in (
        ("mask-train:5", "masked"),
        ("train:5", "shares"),
        ("mask-train:5", "error"),
    ):
        record.write([Left(0.0, "a", "other", name, {array: (9,)}, 72, array)])
    assert record.today("a", "run", "train:2") == 4
    # A run's masks are no cover for sums without them.
    for digest in ("00", "11"):
        record.write([Left(0.0, "a", "other", "train:5", {"w": (2,)}, 48, digest)])
    assert record.today("a", "other", "train:5") == 5


def test_nothing_leaves_of_which_no_whole_line_could_be_written(tmp_path, monkeypatch):
    record = Record(tmp_path / "record.jsonl", lambda: 0.0)
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, text: write(descriptor, text[:-1]))
    with pytest.raises(JournalError, match="No space left"):
        record.write([Left(0.0, "a", "run", "train:1", {"w": (2, 3)}, 48, "00")])
    assert record.today("a", "run", "train:2") == 0
    assert record.path.read_bytes() == b""


def test_rounds_of_other_workers_count(tmp_path):
    one, other = (Record(tmp_path / "record.jsonl", lambda: 0.0) for _ in range(2))
    for number in range(4):
        assert [each.today("a", "run", "train:9") for each in (one, other)] == [number, number]
        (one, other)[number % 2].write(
            [Left(0.0, "a", "run", f"train:{number + 1}", {}, 48, "00")]
        )
    with one.path.open("a") as file:
        file.write("{}\n")
    for _ in range(2):
        with pytest.raises(JournalError, match=r"the record .*, line 5 is no record"):
            other.today("a", "run", "train:9")
    one.path.unlink()
    one.write([Left(0.0, "a", "run", "train:5", {}, 48, "00")])
    assert other.today("a", "run", "train:9") == 5


def test_a_line_that_was_cut_off_is_of_nothing_that_left(tmp_path):
    record = Record(tmp_path / "record.jsonl", lambda: 0.0)
    one = Left(0.0, "a", "run", "train:1", {"w": (2, 3)}, 48, "00")
    record.write([one])
    whole = record.path.read_bytes()
    for rest in (b"", whole[:30], whole[:-1]):
        record.path.write_bytes(whole + rest)
        assert [left.round for left in record.read()] == ["train:1"]
        record.write([one])
        assert record.path.read_bytes() == whole * 2
    record.path.write_bytes(whole[:30])
    record.write([one])
    assert record.path.read_bytes() == whole


def test_limits_raise_rules_and_lower_none():
    policy = Policy(least_rows=10, least_cell=3, most_rounds=7)
    assert policy.tightened(least_rows=5, least_cell=4) == Policy(
        least_rows=10, least_cell=4, most_rounds=7
    )
