from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest

from fedredis import acl
from fedredis.acl import Role
from fedredis.config import RESERVED
from fedredis.errors import UsageError
from fedredis.jobs.naming import job_id, jobs_of, queue_name, worker_name
from fedredis.keys import JOINED, RUNS, WORKERS, Kind, Label, RunKeys, worker

QUEUE = "fedredis-pets-3-0123abcd-slave-1"


def slave() -> Role:
    return acl.slave("pets-3-0123abcd", "1", QUEUE, f"{QUEUE}__")


def named(dataset: str, name: str) -> Role:
    """Make the role of a slave as the command line makes it."""
    queue = queue_name(dataset, [name])
    return acl.slave(dataset, name, queue, jobs_of(queue))


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
    # A master looks for the keys of a run to delete it.
    assert forbidden & set(role.commands) == ({"scan"} if role.user == acl.MASTER else set())
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
    readable = ("model:7", "preprocessing:2", "strategy:7")
    for key in (*map(keys.artifact, readable), keys.last("1")):
        assert rights(role, key) == "R"
    assert rights(role, keys.run) == rights(role, keys.parts("model:7")) == "R"
    for key in (
        keys.staged("0123abcd", "model:2"),
        keys.last("0"),
        keys.last("11"),
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
    for key in ("queue:{}", "wip:{}", "job:{}__r_train_1", "results:{}__r", "worker:{}-0123abcd"):
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
            artifacts = (":model:*", ":preprocessing:*", ":strategy:*")
            fenced = (*artifacts, f"{QUEUE}__*", f"{QUEUE}:intermediate*")
            assert glob.endswith(fenced)


#: Names that begin or end like others, or hold what parts names from each other.
NAMES = ("a", "aa", "a_", "a_b", "a__b", "a_u", "a.b", "a-b", "a-0123abcd", "A", "1", "11", "1-1")


def keys_of(dataset: str, name: str) -> set[str]:
    """Make the keys that are a slave's own in a run, and in RQ."""
    queue, run = queue_name(dataset, [name]), RunKeys("0123abcd")
    job, at, each = job_id(queue, run.run_id, Kind.TRAIN), worker_name(queue), Label(Kind.TRAIN, 1)
    ended = ("wip", "finished", "failed", "clean_registries", "workers", "queue")
    return {
        *(run.round(each).update(name), run.round(each).staged(at), run.slave(name), worker(at)),
        *(f"rq:{kind}:{queue}" for kind in ended),
        *(f"rq:worker:{at}", f"rq:worker:{at}:executions"),
        *(f"rq:{kind}:{job}" for kind in ("job", "results", "executions")),
        *(f"rq:execution:{job}:0", f"rq:job::{job}"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_no_name_reaches_what_is_anothers(name: str) -> None:
    role = named("wards", name)
    assert {rights(role, key) for key in keys_of("wards", name)} == {"RW"}
    of_others = [keys_of("wards", other) for other in NAMES if other != name]
    # In another data set a namesake's updates can be reached; what is in RQ can't.
    of_others += [
        {key for key in keys_of(dataset, other) if key.startswith("rq:")}
        for dataset in ("ward", "wards_", "wards-1", "wards.a")
        for other in NAMES
    ]
    for key in set().union(*of_others):
        assert rights(role, key) == "", key


@pytest.mark.parametrize("name", ["*", "1*", "?", "[0-9]", "1:update:2", "", "-1", "²", "a b"])
def test_a_slaves_name_means_nothing_but_itself(name: str) -> None:
    with pytest.raises(UsageError, match=f"slave {re.escape(repr(name))} is not a name"):
        named("pets", name)


@pytest.mark.parametrize("name", RESERVED)
def test_a_slave_is_called_like_nothing_else_of_a_round(name: str) -> None:
    with pytest.raises(UsageError, match=f"'{name}': the name belongs to fedredis"):
        named("pets", name)


@pytest.mark.parametrize("name", ["slave", "slave-b", "a-slave", "a-slave-b"])
def test_two_names_have_one_meaning_together(name: str) -> None:
    """Else ``a-slave`` and ``b`` would have the queue of ``a`` and ``slave-b``."""
    with pytest.raises(UsageError, match=f"slave '{name}': the word 'slave' parts"):
        named("pets", name)
    with pytest.raises(UsageError, match=f"data set '{name}': the word 'slave' parts"):
        named(name, "1")


@pytest.mark.parametrize("name", ["*", "a b", "", "pets:1", "pets\n"])
def test_a_data_set_is_a_name(name: str) -> None:
    with pytest.raises(UsageError, match=f"data set {re.escape(repr(name))} is not a name"):
        named(name, "1")
    assert named("my-slaves.songs_3-0123abcd", "1")
