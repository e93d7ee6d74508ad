"""What Redis knows of runs: all of them, one of them, what went wrong in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fedredis.api.outcome import FIGURES
from fedredis.api.session import PathLike, session
from fedredis.config import check_name
from fedredis.store import inflight
from fedredis.store import runs as stored

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis import Redis

    from fedredis.keys import Label
    from fedredis.store.inflight import OpenRound
    from fedredis.store.runs import RunState

#: What a slave's worker tells that is a whole number.
COUNTS = ("rows", "test_rows", "failures")


@dataclass(frozen=True)
class RunRecord:
    """All that is known of a run."""

    state: RunState
    #: What each committed round came to, by kind and number, in order.
    history: dict[Label, dict[str, Any]]
    #: What the slaves' workers told of each slave, by its id; any of it may be missing, and a
    #: number that is none is left as it is.
    slaves: dict[str, dict[str, int | float | str]]
    #: The rounds on their way, and whom they wait for.
    open: tuple[OpenRound, ...] = ()


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
    #: The rounds that are open, and whom they wait for, since when.
    open: tuple[OpenRound, ...] = ()


def runs(*, redis_url: str | None = None, home: PathLike = ".fedredis") -> list[RunState]:
    """List the runs, newest first; one whose master is gone is ``interrupted``.

    Raises
    ------
    FedredisError
        If Redis can't be reached.
    """
    with session(redis_url, home) as opened:
        return _as_they_are(opened.client, stored.newest_first(opened.client))


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
    who was missing from a round, and whom the open rounds wait for.

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
            slave: {"failures": _count(facts.get("failures")), "traceback": facts["error"]}
            for slave, facts in record.slaves.items()
            if "error" in facts
        },
        refused=_of_rounds(record, "refused"),
        missing=_of_rounds(record, "missing"),
        error=record.state.error,
        open=record.open,
    )


def read_record(client: Redis, run: str) -> RunRecord:
    """Read all that is known of a run.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    """
    (state,) = _as_they_are(client, [stored.read(client, run)])
    slaves = stored.slaves(client, run, state.config.slave_ids)
    told = {s: {n: _fact(n, fact) for n, fact in facts.items()} for s, facts in slaves.items()}
    return RunRecord(state, stored.history(client, run), told, inflight.open_rounds(client, run))


def _as_they_are(client: Redis, states: Iterable[RunState]) -> list[RunState]:
    """Say of runs that are said to be running, but have no master, that they are interrupted."""
    states = list(states)
    running = [state.run for state in states if state.status == "running"]
    alone = inflight.interrupted(client, running) if running else set()
    return [replace(s, status="interrupted") if s.run in alone else s for s in states]


def _fact(name: str, told: str) -> int | float | str:
    """Read a number that a worker has told; the text, if it is none."""
    try:
        return int(told) if name in COUNTS else float(told) if name in FIGURES else told
    except ValueError:
        return told


def _count(fact: object) -> int:
    return fact if isinstance(fact, int) else 0  # a slave may say anything


def _of_rounds(record: RunRecord, name: str) -> dict[str, Any]:
    return {str(label): entry[name] for label, entry in record.history.items() if entry.get(name)}
