from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest

from fedredis import acl
from fedredis.acl import Role
from fedredis.errors import UsageError
from fedredis.keys import JOINED, RUNS, WORKERS, Kind, Label, RunKeys, worker

QUEUE = "fedredis-pets-3-0123abcd-slave-1"


def slave() -> Role:
    return acl.slave("pets-3-0123abcd", "1", QUEUE)


def rights(role: Role, key: str) -> str:
    """Tell how a role may use a key, as Redis matches it: R, W, RW or nothing."""
    found = set()
    for pattern in role.patterns:
        how, _, glob = pattern.partition("~")
        if fnmatchcase(key, glob):
            found |= set(how.lstrip("%") or "RW")
    return "".join(sorted(found))


def test_a_rule_is_a_line_of_an_aclfile() -> None:
    role = Role("ann", ("%R~a", "~b"), ("get", "@connection", "-@dangerous"))
    assert role.rule() == (
        "user ann reset on %R~a ~b resetchannels -@all +get +@connection -@dangerous"
    )
    assert role.rule("0" * 64).startswith(f"user ann reset on #{'0' * 64} %R~a ")


@pytest.mark.parametrize("role", [acl.master(), acl.viewer(), slave()], ids=lambda r: r.user)
def test_no_weak_spots(role: Role) -> None:
    words = role.rule().split()
    assert not {"nopass", "~*", "allkeys", "&*", "allchannels", "+@all", "allcommands"} & set(
        words
    )
    assert [word for word in words if word.startswith("+@")] == ["+@connection"]
    assert not any(word.startswith(("&", ">", "(", "#")) for word in words)
    forbidden = {
        "eval",
        "fcall",
        "function",
        "script",
        "config",
        "keys",
        "scan",
        "sort",
        "publish",
    }
    assert forbidden.isdisjoint(role.commands)
    assert len(words) == len(set(words))


def test_a_viewer_reads() -> None:
    assert {pattern.partition("~")[0] for pattern in acl.viewer().patterns} == {"%R"}
    assert set(acl.viewer().commands) == {*acl.CONNECTION, *acl.READ}
    assert set(acl.READ).isdisjoint(acl.WRITE)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("number", [1, 9, 10, 99, 123456])
def test_a_slaves_keys_of_a_round(kind: Kind, number: int) -> None:
    if kind is Kind.STATISTICS and number > 9:
        return
    keys = RunKeys("0123abcd").round(Label(kind, number))
    assert rights(slave(), keys.task) == "R"
    for key in (keys.round, keys.ids, keys.claims, keys.arrived, keys.update("1")):
        assert rights(slave(), key) == "RW"
    for other in ("0", "2", "10", "11", "21", "01"):
        assert rights(slave(), keys.update(other)) == ""
        assert rights(slave(), keys.staged(f"{QUEUE[:-1]}{other}-0123abcd")) == ""
    assert rights(slave(), keys.staged(f"{QUEUE}-0123abcd")) == "RW"


def test_a_slaves_keys_of_a_run() -> None:
    keys, role = RunKeys("0123abcd"), slave()
    for key in (keys.artifact("model:7"), keys.artifact("preprocessing:2")):
        assert rights(role, key) == "R"
    assert rights(role, keys.run) == rights(role, keys.parts("model:7")) == "R"
    for key in (
        keys.staged("0123abcd"),
        keys.lease,
        keys.history,
        keys.slave("0"),
        keys.slave("11"),
        RUNS,
    ):
        assert rights(role, key) == ""
    shared = [keys.events, keys.work, keys.open, WORKERS, *map(keys.attached, Kind)]
    for key in (*shared, keys.slave("1")):
        assert rights(role, key) == "RW"
    assert rights(role, JOINED) == "W"
    assert rights(role, worker(f"{QUEUE}-0123abcd")) == "RW"
    assert rights(role, worker(f"{QUEUE.replace('-1', '-12')}-0123abcd")) == ""
    assert rights(role, worker("fedredis-pets-3-0123abcd-0123abcd")) == ""


def test_a_slaves_keys_in_rq() -> None:
    role = slave()
    for key in ("queue:{}", "wip:{}", "job:{}_r_train_1", "results:{}_r", "worker:{}-0123abcd"):
        assert rights(role, f"rq:{key.format(QUEUE)}") == "RW"
        for other in (QUEUE[:-8], f"{QUEUE}2", QUEUE.replace("slave-1", "slave-2")):
            assert rights(role, f"rq:{key.format(other)}") == ""
    for name in ("rq:suspended", "rq:groups", "rq:rl-keys"):
        assert rights(role, name) == "R"


def test_no_pattern_begins_or_ends_with_a_star_over_others() -> None:
    for pattern in slave().patterns:
        glob = pattern.partition("~")[2]
        assert glob.startswith(("fedredis:", "rq:"))
        if glob.endswith("*"):
            fenced = (":model:*", ":preprocessing:*", f"{QUEUE}_*", f"{QUEUE}:intermediate*")
            assert glob.endswith(fenced)


@pytest.mark.parametrize(
    "name", ["*", "1*", "?", "[0-9]", "1:update:2", "ids", "", "-1", "²", "a"]
)
def test_a_slave_is_a_number(name: str) -> None:
    with pytest.raises(UsageError, match="is not a number"):
        acl.slave("pets", name, QUEUE)


@pytest.mark.parametrize(
    "name", ["*", "a b", "", "pets:1", "pets\n", "pets-slave-1", "a-slave-1_x"]
)
def test_a_data_set_is_a_name(name: str) -> None:
    with pytest.raises(UsageError, match=re.escape(repr(name))):
        acl.slave(name, "1", QUEUE)
    assert acl.slave("my-slave-songs-3-0123abcd", "1", QUEUE)
