"""Access rules of Redis: which keys a master, a slave and a viewer may touch, and how.

Every command is named, so that a newer server's commands are refused until they stand here; the
one category is that of the connection itself. A script is sent by its hash and runs with its
caller's rights: a script of a slave's own making reaches no further than the slave does.

What a script is given by KEYS must be open to both reading and writing (the server can't know
what a script does with it), so what a slave may only read is read outside of scripts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedredis import keys
from fedredis.config import RESERVED, check_name
from fedredis.errors import UsageError
from fedredis.keys import RoundKeys, RunKeys

if TYPE_CHECKING:
    from collections.abc import Collection

#: The users of a master and of a viewer; a slave's user is called as its queue.
MASTER, VIEWER = "fedredis-master", "fedredis-viewer"

#: What begins every rule: nothing is allowed, not even what an earlier rule has allowed.
NOTHING = ("resetchannels", "-@all")

#: Logging in, naming the connection, PING, WAITAOF; not tracking, which tells the names of all
#: keys.
CONNECTION = ("@connection", "-@dangerous", "-client|tracking", "-client|caching")

READ = (
    *("exists", "type", "ttl", "pttl"),
    *("get", "mget", "strlen", "getrange"),
    *("hget", "hmget", "hgetall", "hlen", "hkeys", "hvals", "hexists", "hscan"),
    *("lrange", "llen", "lindex", "lpos"),
    *("smembers", "scard", "sismember", "sscan"),
    *("zrange", "zrevrange", "zrangebyscore", "zrevrangebyscore"),
    *("zcard", "zcount", "zscore", "zmscore", "zrank", "zscan"),
    *("xrange", "xrevrange", "xread", "xlen"),
    "time",
)

WRITE = (
    *("multi", "exec", "discard", "watch", "unwatch"),
    *("del", "unlink", "expire", "pexpire", "persist", "rename"),
    *("set", "setex", "incr", "decr"),
    *("hset", "hsetnx", "hdel", "hincrby", "hincrbyfloat"),
    *("lpush", "rpush", "lpop", "lrem", "lset", "ltrim", "lmove", "blmove", "blpop"),
    *("sadd", "srem"),
    *("zadd", "zrem", "zpopmin", "zremrangebyscore", "zremrangebyrank", "zunionstore"),
    *("xadd", "xtrim"),
    *("evalsha", "script|load", "script|exists"),
    "info",  # RQ asks for the server's version
)

#: Characters at the end of a worker's name, which are drawn anew for every process.
SUFFIX = "????????"
#: Digits of a round's number that the rules allow for, at most. A star would do for every number,
#: and for all that lies below a round too: the updates of others.
DIGITS = 6


#: What parts a data set from a slave in the name of a queue, and is in neither's own name: else
#: the queue of one could be that of another.
PARTING = "-slave-"


@dataclass(frozen=True)
class Role:
    """A user of Redis, and what it may do."""

    user: str
    #: Patterns of keys with their rights.
    patterns: tuple[str, ...]
    #: Commands and categories, with a minus where they are taken away.
    commands: tuple[str, ...]

    def rule(self, password_sha256: str | None = None) -> str:
        """Write the rule as a line of an aclfile.

        With ``ACL SETUSER`` in place of its first word, it is a command. Without a password the
        user is there, but nobody can log in as it.
        """
        secret = (f"#{password_sha256}",) if password_sha256 else ()
        commands = [c if c.startswith("-") else f"+{c}" for c in self.commands]
        return " ".join(
            ("user", self.user, "reset", "on", *secret, *self.patterns, *NOTHING, *commands)
        )


def master() -> Role:
    """Say what a master may do, and the workers that it starts: all to fedredis' and RQ's keys.

    To remove a run it looks through the names of all keys.
    """
    return Role(MASTER, ("~fedredis:*", "~rq:*"), (*CONNECTION, *READ, *WRITE, "scan"))


def viewer() -> Role:
    """Say what someone may do who only looks: read fedredis' and RQ's keys."""
    return Role(VIEWER, ("%R~fedredis:*", "%R~rq:*"), (*CONNECTION, *READ))


def check_slave(dataset: str, slave_id: str) -> None:
    """See that a slave can't be taken for anything else, by its data set's name and its own.

    Raises
    ------
    UsageError
        If one of them is no name, so that it could mean more than itself in a pattern; if the
        slave is called as something else that belongs to a round; or if the two together could
        also be those of another slave.
    """
    for what, name in (("data set", dataset), ("slave", slave_id)):
        if PARTING in f"-{check_name(name, what)}-":
            raise UsageError(
                f"{what} {name!r}: the word 'slave' parts data sets from slaves, choose a name "
                "without it"
            )
    if slave_id in RESERVED:
        raise UsageError(f"slave {slave_id!r}: the name belongs to fedredis, choose another")


def slave(dataset: str, slave_id: str, queue: str, jobs: str, *, kinds: Collection[str]) -> Role:
    """Say what the workers of one slave may do.

    Parameters
    ----------
    queue
        Theirs alone; it starts their names.
    jobs
        What starts the ids of the jobs on it, and of no others.
    kinds
        The kinds of rounds that there are.

    Raises
    ------
    UsageError
        If a name can't be used; see `check_slave`.
    """
    check_slave(dataset, slave_id)
    patterns = (*_of_slave(slave_id, queue, kinds), *_of_queue(queue, jobs))
    return Role(queue, patterns, (*CONNECTION, *READ, *WRITE))


def _of_slave(slave_id: str, queue: str, kinds: Collection[str]) -> tuple[str, ...]:
    run = RunKeys("*")
    each = RoundKeys(f"{run.run}:round:*")
    return (
        *(f"%R~{key}" for key in (run.run, run.artifact("model:*"))),
        *(f"%R~{key}" for key in (run.artifact("preprocessing:*"), each.task)),
        *(f"%R~{run.artifact(name)}" for name in ("strategy:*", "growth:*")),
        # Of masks: not the sums, and not what unmasks them.
        *(f"%R~{run.artifact(name)}" for name in ("channel:*", "letters:*", "inside-*")),
        *(f"%W~{key}" for key in (keys.JOINED, run.nodes)),
        # What the slaves of a run share.
        *(f"~{key}" for key in (keys.WORKERS, run.open, run.work, run.events, run.counts)),
        f"~{run.attached('*')}",
        *(f"~{run.run}:round:{kind}:{number}" for kind in kinds for number in _numbers()),
        *(f"~{key}" for key in (each.ids, each.claims, each.inside, each.bundles, each.attempts)),
        # What is its own.
        f"~{each.bundle(f'update:{slave_id}')}",
        f"~{each.staged(f'{queue}-{SUFFIX}')}",
        *(f"~{run.slave(slave_id)}", f"~{run.memory(slave_id)}"),
        f"~{keys.worker(f'{queue}-{SUFFIX}')}",
    )


def _numbers() -> list[str]:
    """Make patterns of the numbers of rounds, and of nothing that is longer than they are."""
    return ["[1-9]" + "[0-9]" * more for more in range(DIGITS)]


def _of_queue(queue: str, jobs: str) -> tuple[str, ...]:
    """Make patterns of what RQ keeps for one queue, its jobs and its workers."""
    registries = ("wip", "finished", "failed", "deferred", "ready", "scheduled", "canceled")
    named = (
        *(f"queue:{queue}", f"queue:{queue}:intermediate*"),
        *(f"{registry}:{queue}" for registry in registries),
        *(f"clean_registries:{queue}", f"workers:{queue}"),
        *(f"worker:{queue}-{SUFFIX}", f"worker:{queue}-{SUFFIX}:executions"),
        *(f"job:{jobs}*", f"job::{jobs}*", f"results:{jobs}*"),
        *(f"execution:{jobs}*", f"executions:{jobs}*"),
        # What the queues share.
        *("workers", "queues"),
    )
    looked_at = ("groups", "suspended", "rl-keys")
    return (
        *(f"~rq:{name}" for name in named),
        *(f"%R~rq:{name}" for name in looked_at),
        "%W~rq:clean_groups",
    )
