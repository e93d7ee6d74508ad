"""``fedredis doctor``: check that everything needed is there."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click
from redis.exceptions import NoPermissionError, RedisError
from rich.text import Text

from fedredis import keys
from fedredis.api import reaching
from fedredis.api.reaching import Problem, Step
from fedredis.api.session import Session, session
from fedredis.cli import options, output
from fedredis.embedded import find_binary
from fedredis.errors import FedredisError
from fedredis.jobs.roster import of_another_version
from fedredis.store import workers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGES = ("fedredis", "redis", "rq", "numpy", "pandas")
#: The oldest server whose commands and scripts are known to do.
OLDEST_SERVER = (7, 0)
#: Share of a server's maxmemory above which the next run may not fit.
NEARLY_FULL = 0.9
#: Bytes that a small run takes, with its scripts and connections; MiB that are advised at least.
SMALL_RUN, ADVISED = 8 * 2**20, 64
#: Seconds by which this machine's clock may differ from the server's.
CLOCKS_DIFFER = 5.0

#: Checks without which those that follow would only say the same once more.
CAUSES = ("Redis", "ACL", "scripts")


@click.command(name="doctor")
@options.redis
@options.as_json
def command(redis_url: str | None, home: Path, as_json: bool) -> None:
    """Check that everything needed is there.

    Where it is not, the line says what to do: of the way to Redis, step by step, of the server
    there, and of what this login may do with it.
    """
    findings = Findings(shown=not as_json)
    try:
        _look(redis_url, home, findings)
    finally:
        if as_json:
            output.print_json(findings.all)
    if problems := findings.problems:
        raise FedredisError(f"{problems} problem{'s' * (problems > 1)} found")


class Findings:
    """What steps have found, printed as it is found where that is to be `shown`."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        #: For each step its ``check``, whether it is ``ok``, and what was ``found``.
        self.all: list[dict[str, str | bool]] = []

    @property
    def problems(self) -> int:
        """How many steps have found that something is wrong."""
        return sum(not finding["ok"] for finding in self.all)

    def well(self, step: Step) -> bool:
        """Take a step, and say whether all is well."""
        well, verdict = True, Text("ok", "green")
        try:
            told = step.find()
        except (FedredisError, RedisError, OSError) as error:
            well, verdict, told = False, Text("no", "red"), str(error)
        self.all.append({"check": step.name, "ok": well, "found": told})
        if self._shown:
            line = Text.assemble(verdict, f"  {step.name:<15}  {told}")
            output.results().print(line, soft_wrap=True)
        return well


def _look(redis_url: str | None, home: Path, findings: Findings) -> None:
    """Take all steps that say more than that one before has failed."""
    steps = [
        Step("Python", lambda: sys.version.split()[0]),
        Step("packages", lambda: ", ".join(f"{name} {version(name)}" for name in PACKAGES)),
        Step("cores", lambda: str(os.cpu_count())),
    ]
    if not redis_url:
        steps.append(Step("server program", lambda: str(find_binary())))
    for step in steps:
        findings.well(step)
    for step in reaching.steps(redis_url) if redis_url else ():
        if not findings.well(step) and step.name != "Sentinel":  # one of several
            return
    if findings.problems and not redis_url:
        return
    try:
        with session(redis_url, home) as opened:
            for step in _of_redis(opened):
                if not findings.well(step) and step.name in CAUSES:
                    return
    except FedredisError as error:
        findings.well(Step("Redis", partial(_raise, error)))


def _raise(error: Exception) -> str:
    raise error


def _of_redis(opened: Session) -> Iterator[Step]:
    """List what there is to be seen of a server that answers."""
    try:
        info: Any = opened.client.info()
    except NoPermissionError:
        yield Step("Redis", lambda: f"{opened.shown_url}, whose INFO this login may not see")
    else:
        yield Step("Redis", lambda: _version(info, opened))
        yield Step("persistence", lambda: _persistence(info, opened.hint))
        yield Step("memory", lambda: _memory(info, opened.hint))
    for name, find in {
        "ACL": _rights,
        "clock": _clock,
        "scripts": _scripts,
        "workers": _workers,
    }.items():
        yield Step(name, partial(find, opened))


def _version(info: dict[str, Any], opened: Session) -> str:
    found = info.get("valkey_version") or info["redis_version"]
    name = "Valkey" if "valkey_version" in info else "Redis"
    if tuple(int(part) for part in found.split(".")[:2]) < OLDEST_SERVER:
        raise Problem(f"{name} {found} is too old: 7.0 or newer is needed")
    if info["role"] != "master":
        raise Problem(
            f"{name} {found} at {opened.shown_url} is a replica, which can't be written to: give "
            f"the URL of {info['master_host']}:{info['master_port']}, or: {opened.hint} REPLICAOF "
            "NO ONE"
        )
    return f"{name} {found} at {opened.shown_url}"


def _persistence(info: dict[str, Any], cli: str) -> str:
    if not info.get("aof_enabled"):
        raise Problem(
            "no append-only file, and a restart loses runs: add `appendonly yes` to the server's "
            f"settings, or for now: {cli} CONFIG SET appendonly yes"
        )
    if info.get("aof_last_write_status") != "ok":
        raise Problem(
            "the server can't write its append-only file, and refuses all writes: make room on "
            "its disk, and look into its log"
        )
    if info.get("rdb_last_bgsave_status") != "ok":
        raise Problem(
            "the server's last snapshot has failed, for which it may refuse all writes: make room "
            f"on its disk and look into its log, or do without: {cli} CONFIG SET save ''"
        )
    return "append-only file"


def _memory(info: dict[str, Any], cli: str) -> str:
    policy, used = info.get("maxmemory_policy", "noeviction"), int(info["used_memory"])
    if not (most := int(info.get("maxmemory", 0))):
        return f"{info['used_memory_human']} used, {policy}"
    if policy != "noeviction":
        raise Problem(
            f"maxmemory-policy {policy} drops keys that runs need: {cli} CONFIG SET "
            "maxmemory-policy noeviction"
        )
    amounts = f"{info['used_memory_human']} used of maxmemory {info['maxmemory_human']}"
    if used > NEARLY_FULL * most or most - used < SMALL_RUN:
        then = "writes are refused" if used > most else "a run may not fit"
        enough = max(-(-used // 2**20) * 4, ADVISED)
        raise Problem(f"{amounts}, {then}: {cli} CONFIG SET maxmemory {enough}mb")
    return f"{amounts}, {policy}"


def _clock(opened: Session) -> str:
    before = time.time()
    seconds, microseconds = map(int, opened.client.time())
    ahead = (before + time.time()) / 2 - seconds - microseconds / 1e6
    if abs(ahead) > CLOCKS_DIFFER:
        raise Problem(
            f"this machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} "
            "the server's: let NTP set both, as by `timedatectl set-ntp true`"
        )
    return "the server's and this machine's agree"


def _rights(opened: Session) -> str:
    try:
        opened.client.exists(keys.WORKERS)
        opened.client.exists("rq:queues")
        opened.client.time()
    except NoPermissionError as error:
        raise Problem(
            f"{error}: this login may not see what fedredis and RQ keep; `fedredis acl` writes "
            "rules for masters, slaves and viewers"
        ) from error
    return "this login reaches fedredis' and RQ's keys"


def _scripts(opened: Session) -> str:
    try:
        # With a key, which the login has to be allowed to write.
        opened.client.register_script("return 1")(keys=[keys.WORKERS])
    except NoPermissionError as error:
        raise Problem(
            f"{error}: this login can look, but neither train nor serve; `fedredis acl` writes "
            "rules for those that can"
        ) from error
    return "may be run"


def _workers(opened: Session) -> str:
    cards = workers.present(opened.client)
    if why := of_another_version(cards):
        raise Problem(why)
    counts = Counter(card.dataset for card in cards)
    listed = ", ".join(f"{count} for {dataset}" for dataset, count in sorted(counts.items()))
    return listed or "none waiting; `fedredis run` without a Redis URL starts its own"
