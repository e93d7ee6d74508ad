"""What an owner does by hand: keys, policy files, the record."""

from __future__ import annotations

import json
from pathlib import Path

from fedredis.secure.record import RECORD, Left, Record

LEAST, MASKS = "least_slaves without masks is the master's promise", "masks = true forbids it"


def test_a_key_is_made_once_and_shown(call):
    made = call("identity", "make", "a", "--folder", "a")
    assert made.code == 0
    shown = call("identity", "show", "--folder", "a")
    fingerprint = shown.out.split()[1]
    assert fingerprint in made.err
    again = call("identity", "make", "a", "--folder", "a")
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert "a new key would be a new slave" in again.err
    Path("policy.toml").write_text(made.out)
    assert call("identity", "show", "--roster", "policy.toml").out == f"a  {fingerprint}\n"


def test_a_policy_file_is_checked(call):
    roster = call("identity", "make", "a", "--folder", ".").out
    told = {}
    for rules in ("", "least_slaves = 3", "least_slaves = 3\nmasks = true"):
        Path("policy.toml").write_text(f"[policy]\n{rules}\n{roster}")
        answer = call("policy", "check", "policy.toml")
        assert answer.code == 0
        assert "roster: a  SHA256:" in answer.out
        assert "(its key is here)" in answer.out
        told[rules] = [what for what in (LEAST, MASKS) if what in answer.err]
    assert list(told.values()) == [[MASKS], [LEAST, MASKS], []]
    Path("policy.toml").write_text("[policy]\nmasks = true")
    assert "masks need the table [roster]" in call("policy", "check", "policy.toml").err
    Path("policy.toml").write_text(f"[policy]\n{roster.replace(roster[-10:-4], 'AAAAAA')}")
    wrong = call("policy", "check", "policy.toml")
    assert "the roster has another key of slave a than lies beside it" in wrong.err
    call("identity", "make", "b", "--folder", ".")
    alone = call("policy", "check", "policy.toml")
    assert "the key of slave b lies beside it, and the roster has none of b" in alone.err
    Path("policy.toml").write_text("[policy]\nmost_rounds = 0")
    refused = call("policy", "check", "policy.toml")
    assert (refused.code, refused.err.count("\n")) == (2, 1)


def test_a_policy_is_told_in_columns_and_as_json(call):
    roster = call("identity", "make", "a", "--folder", ".").out
    kinds = ["statistics", "train", "evaluate"]
    rules = f"exchanges = {json.dumps(kinds)}\nmost_parameters = 0.5\nmasks = true"
    Path("policy.toml").write_text(f"[policy]\n{rules}\n{roster}")
    lines = call("policy", "check", "policy.toml").out.splitlines()
    assert "exchanges        statistics, train, evaluate  kinds of rounds" in lines[1]
    told = json.loads(call("policy", "check", "policy.toml", "--json").out)
    assert (told["exchanges"], told["most_parameters"], told["masks"]) == (kinds, 0.5, True)
    assert told["least_rows"] == 0
    assert list(told["roster"]) == ["a"]
    assert told["roster"]["a"] in call("identity", "show", "--folder", ".").out


def test_a_record_is_shown(call):
    nothing = call("record", ".")
    assert nothing.code == 2
    assert "record.jsonl is not there: nothing has left a slave" in nothing.err
    record = Record(Path(RECORD), lambda: 0.0)
    for run in ("r1", "r2"):
        record.write([Left(0.0, "a", run, "mask-train:1", {"masked": (40,)}, 320, "00" * 32)])
    line = "1970-01-01 00:00:00  a  r2  mask-train:1  320 bytes  000000000000  masked[40]\n"
    assert call("record", ".").out == line.replace("r2", "r1") + line
    assert call("record", ".", "--run", "r2").out == line
    assert '"run": "r2"' in call("record", ".", "--run", "r2", "--json").out
