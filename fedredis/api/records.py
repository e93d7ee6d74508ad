"""What Redis knows of runs: all of them, one of them, what went wrong in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedredis.api.session import PathLike, session
from fedredis.config import check_name
from fedredis.store import runs as stored

if TYPE_CHECKING:
    from redis import Redis

    from fedredis.keys import Label
    from fedredis.store.runs import RunState


@dataclass(frozen=True)
class RunRecord:
    """All that is known of a run."""

    state: RunState
    #: What each committed round came to, by kind and number, in order.
    history: dict[Label, dict[str, Any]]
    #: What the slaves' workers told of each slave, by its id; any of it may be missing.
    slaves: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Failures:
    """What went wrong in a run."""

    #: For each slave that failed, how often, and the traceback of the last time.
    failures: dict[str, dict[str, Any]]
    #: For each round, such as ``train:7``, the slaves whose updates were refused, and why.
    refused: dict[str, dict[str, str]]
    #: For each round the slaves that were missing from it.
    missing: dict[str, list[str]]
    #: Why the run itself failed or was stopped; empty if it was not.
    error: str


def runs(*, redis_url: str | None = None, home: PathLike = ".fedredis") -> list[RunState]:
    """List the runs, newest first.

    Raises
    ------
    FedredisError
        If Redis can't be reached.
    """
    with session(redis_url, home) as opened:
        return stored.newest_first(opened.client)


def show(run: str, *, redis_url: str | None = None, home: PathLike = ".fedredis") -> RunRecord:
    """Look up a run: where it stands, its rounds, its slaves.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    FedredisError
        If Redis can't be reached.
    """
    check_name(run, "run")
    with session(redis_url, home) as opened:
        return read_record(opened.client, run)


def failures(run: str, *, redis_url: str | None = None, home: PathLike = ".fedredis") -> Failures:
    """Tell what went wrong in a run.

    That is each slave's last failure with its traceback, the updates that were refused and why,
    and who was missing from a round.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    FedredisError
        If Redis can't be reached.
    """
    record = show(run, redis_url=redis_url, home=home)
    return Failures(
        failures={
            slave: {"failures": _count(facts), "traceback": facts["error"]}
            for slave, facts in record.slaves.items()
            if "error" in facts
        },
        refused=_of_rounds(record, "refused"),
        missing=_of_rounds(record, "missing"),
        error=record.state.error,
    )


def read_record(client: Redis, run: str) -> RunRecord:
    """Read all that is known of a run.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    """
    state = stored.read(client, run)
    return RunRecord(
        state,
        stored.history(client, run),
        stored.slaves(client, run, state.config.slave_ids),
    )


def _count(facts: dict[str, str]) -> int:
    text = facts.get("failures", "")
    return int(text) if text.isdecimal() else 0  # a slave may say anything


def _of_rounds(record: RunRecord, name: str) -> dict[str, Any]:
    return {str(label): entry[name] for label, entry in record.history.items() if entry.get(name)}
