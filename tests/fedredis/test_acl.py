from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest

from fedredis import acl
from fedredis.acl import Role
from fedredis.config import RESERVED
from fedredis.errors import UsageError
from fedredis.jobs.naming import job_id, jobs_of, queue_name, worker_name
from fedredis.keys import JOINED, RUNS, WORKERS, RoundName, RunKeys, worker

QUEUE = "fedredis-pets-3-0123abcd-slave-1"
KINDS = ("statistics", "train", "evaluate")


def slave() -> Role:
    return acl.slave("pets-3-0123abcd", "1", QUEUE, f"{QUEUE}__", kinds=KINDS)


def named(dataset: str, name: str) -> Role:
    """Make the role of a slave as the command line makes it."""
    queue = queue_name(dataset, [name])
    return acl.slave(dataset, name, queue, jobs_of(queue), kinds=KINDS)


def rights(role: Role, key: str) -> str:
    """Tell how a role may use a key, as Redis matches it: R, W, RW or nothing."""
    found = set()
    for pattern in role.patterns:
        how, _, glob = pattern.partition("~")
        if fnmatchcase(key, glob):
            found |= set(how.lstrip("%") or "RW")
    return "".join(sorted(found))


def test_a_rule_is_a_line_of_an_aclfile():
    role = Role("ann", ("%R~a", "~b"), ("get", "@connection", "-@dangerous"))
    assert role.rule() == (
        "user ann reset on %R~a ~b resetchannels -@all +get +@connection -@dangerous"
    )
    assert role.rule("0" * 64).startswith(f"user ann reset on #{'0' * 64} %R~a ")


@pytest.mark.parametrize("role", [acl.master(), acl.viewer(), slave()], ids=lambda r: r.user)
def test_no_weak_spots(role):
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
        "sort",
        "publish",
    }
    assert forbidden.isdisjoint(role.commands)
    assert ("scan" in role.commands) is (role.user == acl.MASTER)
    assert len(words) == len(set(words))


def test_a_viewer_reads():
    assert {pattern.partition("~")[0] for pattern in acl.viewer().patterns} == {"%R"}
    assert set(acl.viewer().commands) == {*acl.CONNECTION, *acl.READ}
    assert set(acl.READ).isdisjoint(acl.WRITE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [1, 9, 10, 99, 123456])
def test_a_slaves_keys_of_a_round(kind, number):
    keys, role = RunKeys("0123abcd").round(RoundName(kind, number)), slave()
    assert rights(role, keys.task) == "R"
    shared = (keys.round, keys.ids, keys.claims, keys.inside, keys.bundles, keys.attempts)
    for key in (*shared, keys.bundle("update:1"), keys.staged(f"{QUEUE}-0123abcd")):
        assert rights(role, key) == "RW"
    for other in ("0", "2", "10", "11", "21", "01"):
        assert rights(role, keys.bundle(f"update:{other}")) == ""
        assert rights(role, keys.staged(f"{QUEUE[:-1]}{other}-0123abcd")) == ""
    assert rights(role, keys.bundle(f"bundle:{QUEUE}-0123abcd:1")) == ""


def test_a_slaves_keys_of_a_run():
    keys, role = RunKeys("0123abcd"), slave()
    readable = ("model:7", "preprocessing:2", "strategy:7", "growth:7")
    for key in (keys.run, *map(keys.artifact, readable), *map(keys.parts, readable)):
        assert rights(role, key) == "R"
    own = (keys.slave("1"), keys.memory("1"))
    for key in (keys.events, keys.work, keys.open, WORKERS, keys.attached("train"), *own):
        assert rights(role, key) == "RW"
    others = [of(other) for of in (keys.slave, keys.memory) for other in ("0", "11")]
    for key in (
        *(keys.staged("0123abcd", "model:2"), keys.lease, keys.history, keys.everyone, RUNS),
        *(keys.slaves, keys.warnings, *others),
    ):
        assert rights(role, key) == ""
    assert rights(role, JOINED) == "W"
    assert rights(role, worker(f"{QUEUE}-0123abcd")) == "RW"
    assert rights(role, worker(f"{QUEUE.replace('-1', '-12')}-0123abcd")) == ""
    assert rights(role, worker("fedredis-pets-3-0123abcd-0123abcd")) == ""


def test_a_slaves_keys_in_rq():
    role = slave()
    for key in ("queue:{}", "wip:{}", "job:{}__r_train_1", "results:{}__r", "worker:{}-0123abcd"):
        assert rights(role, f"rq:{key.format(QUEUE)}") == "RW"
        for other in (QUEUE[:-8], f"{QUEUE}2", QUEUE.replace("slave-1", "slave-2")):
            assert rights(role, f"rq:{key.format(other)}") == ""
    for name in ("rq:suspended", "rq:groups", "rq:rl-keys"):
        assert rights(role, name) == "R"


def test_no_pattern_begins_or_ends_with_a_star_over_others():
    for pattern in slave().patterns:
        glob = pattern.partition("~")[2]
        assert glob.startswith(("fedredis:", "rq:"))
        if glob.endswith("*"):
            names = ("model", "preprocessing", "strategy", "growth", "channel", "letters")
            shared = (*(f":{name}:*" for name in (*names, "attached")), ":inside-*")
            fenced = (*shared, f"{QUEUE}__*", f"{QUEUE}:intermediate*")
            assert glob.endswith(fenced)


#: Names that begin or end like others, or hold what parts names from each other.
NAMES = ("a", "aa", "a_", "a_b", "a__b", "a_u", "a.b", "a-b", "a-0123abcd", "A", "1", "11", "1-1")


def keys_of(dataset: str, name: str) -> set[str]:
    """Make the keys that are a slave's own in a run, and in RQ."""
    queue, run = queue_name(dataset, [name]), RunKeys("0123abcd")
    job, at, each = job_id(queue, run.run_id, "train"), worker_name(queue), RoundName("train", 1)
    ended = ("wip", "finished", "failed", "clean_registries", "workers", "queue")
    return {
        *(run.round(each).bundle(f"update:{name}"), run.round(each).staged(at), worker(at)),
        *(run.slave(name), run.memory(name)),
        *(f"rq:{kind}:{queue}" for kind in ended),
        *(f"rq:worker:{at}", f"rq:worker:{at}:executions"),
        *(f"rq:{kind}:{job}" for kind in ("job", "results", "executions")),
        *(f"rq:execution:{job}:0", f"rq:job::{job}"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_no_name_reaches_what_is_anothers(name):
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
def test_a_slaves_name_means_nothing_but_itself(name):
    with pytest.raises(UsageError, match=f"slave {re.escape(repr(name))} is not a name"):
        named("pets", name)


@pytest.mark.parametrize("name", RESERVED)
def test_a_slave_is_called_like_nothing_else_of_a_round(name):
    with pytest.raises(UsageError, match=f"'{name}': the name belongs to fedredis"):
        named("pets", name)


@pytest.mark.parametrize("name", ["slave", "slave-b", "a-slave", "a-slave-b"])
def test_two_names_have_one_meaning_together(name):
    """Else ``a-slave`` and ``b`` would have the queue of ``a`` and ``slave-b``."""
    with pytest.raises(UsageError, match=f"slave '{name}': the word 'slave' parts"):
        named("pets", name)
    with pytest.raises(UsageError, match=f"data set '{name}': the word 'slave' parts"):
        named(name, "1")


@pytest.mark.parametrize("name", ["*", "a b", "", "pets:1", "pets\n"])
def test_a_data_set_is_a_name(name):
    with pytest.raises(UsageError, match=f"data set {re.escape(repr(name))} is not a name"):
        named(name, "1")
    assert named("my-slaves.songs_3-0123abcd", "1")
