"""Runs as a whole: create one, list them, read what is known of one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from fedredis import keys as names
from fedredis.arrays import Schema, blob
from fedredis.arrays.figures import MOST_FIGURE
from fedredis.config import RunConfig
from fedredis.errors import BlobError, FedredisError, RunNotFoundError, UsageError
from fedredis.keys import RoundName, RunKeys
from fedredis.store import artifact as artifacts_
from fedredis.store.replies import (
    damaged,
    explain,
    fields,
    moment,
    real,
    record,
    records,
    texts,
    whole,
)
from fedredis.store.scripts import Batch, ask, call

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis import Redis

    from fedredis.arrays import Named

#: How a run stands.
STATUSES = ("waiting", "running", "stopped", "failed", "finished")
#: What is in every entry of a history.
ALWAYS = ("slaves", "samples", "ms", "missing", "refused")
#: The kind of rounds that test a model.
TEST = "evaluate"
#: The artifact that a run begins with.
NOTHING_KNOWN = "preprocessing:0"
#: Its version; a master's versions are ``<token>.<n>``.
FIRST = "0"


@dataclass(frozen=True)
class RunState:
    """Where a run stands."""

    run: str
    #: One of `STATUSES`; who knows that no master holds its lease says ``interrupted``.
    status: str
    config: RunConfig
    #: The last committed round of training, 0 before the first.
    round: int
    #: Names of the newest artifacts; before the statistics are gathered there is no model.
    model: str
    preprocessing: str
    #: Milliseconds since 1970.
    started: int
    error: str
    #: The primary figure of the newest test, such as accuracy; None before the first.
    score: float | None
    #: The round whose model did best in its test, 0 before the first test.
    best: int = 0
    #: Whether training ended before its last round, since the strategy had converged.
    converged: bool = False
    #: Name of the trees that grow, if some do.
    growing: str = ""

    @property
    def going_on(self) -> bool:
        """Whether a master is at work, or about to be."""
        return self.status in ("waiting", "running")

    @property
    def resumable(self) -> bool:
        """Whether it has ended before its time, and can be gone on with."""
        return self.status in ("interrupted", "stopped", "failed")

    @property
    def chosen(self) -> int:
        """The round whose model the run stands for: with patience the best one, else the last."""
        return self.best if self.config.patience and self.best else self.round


def create(client: Redis, run_id: str, config: RunConfig, holder: str = "") -> None:
    """Write a new run, in which nothing is known yet, with the list of its slaves.

    `holder` is the token of the master that is to drive it, if one is there: it has the lease.

    Raises
    ------
    UsageError
        If there is a run of that id.
    """
    keys, schema = RunKeys(run_id), Schema.of({})
    head, *_ = blob.pack(schema, [], schema.about)
    made = call(
        client,
        f"run {run_id}",
        "create",
        [
            *(keys.run, names.RUNS, keys.everyone),
            *(keys.artifact(NOTHING_KNOWN), keys.parts(NOTHING_KNOWN), keys.lease),
        ],
        [
            *(run_id, config.to_json(), NOTHING_KNOWN, schema.to_json(), FIRST, head),
            *(holder or secrets.token_hex(8), config.lease_ms if holder else 0),
            *config.slave_ids,
        ],
    )
    if not made:
        raise UsageError(f"there is a run {run_id} already: choose another name", field="id")


def read(client: Redis, run_id: str) -> RunState:
    """Look up a run.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    FedredisError
        If it is damaged.
    """
    return _state(run_id, ask(client, f"run {run_id}", "HGETALL", RunKeys(run_id).run))


def _state(run_id: str, stored: Any) -> RunState:
    where = f"run {run_id}"
    if isinstance(stored, ResponseError):
        raise explain(where, stored)
    if not stored:
        raise RunNotFoundError(f"there is no run {run_id}: `fedredis runs` lists them")
    state = fields(stored)
    for name in ("status", "config", "round", "model", "preprocessing", "started"):
        if name not in state:
            raise damaged(where, f"it has no {name}")
    if state["status"] not in STATUSES:
        raise damaged(where, f"its status is {state['status'][:60]!r}")
    try:
        config = RunConfig.from_json(state["config"])
    except FedredisError as error:
        raise damaged(where, str(error)) from error
    return RunState(
        run=run_id,
        status=state["status"],
        config=config,
        round=whole(state["round"], where, "round"),
        model=state["model"],
        preprocessing=state["preprocessing"],
        started=moment(state["started"], where, "started"),
        error=state.get("error", ""),
        score=real(state["score"], where, "score") if "score" in state else None,
        best=whole(state.get("best", 0), where, "best"),
        converged=state.get("converged") == "1",
        growing=state.get("growing", ""),
    )


def change_quorum(client: Redis, run_id: str, quorum: int) -> None:
    """Change how many updates make a round valid; nothing else of a config ever changes."""
    config = replace(read(client, run_id).config, quorum=quorum)
    ask(client, f"run {run_id}", "HSET", RunKeys(run_id).run, "config", config.to_json())


def count(client: Redis) -> int:
    """Count the runs."""
    return int(ask(client, names.RUNS, "ZCARD", names.RUNS))


def newest_first(
    client: Redis, tell: Callable[[str], None], first: int = 0, last: int = -1
) -> list[RunState]:
    """List the runs, newest first, all or from a place to another.

    `tell` is given a line for each that can't be read.
    """
    ids = texts(ask(client, names.RUNS, "ZREVRANGE", names.RUNS, first, last))
    batch, found = Batch(client, names.RUNS), list[RunState]()
    for run_id in ids:
        batch.add("HGETALL", RunKeys(run_id).run)
    for run_id, reply in zip(ids, batch.run(errors=True), strict=True):
        try:
            found.append(_state(run_id, reply))
        except FedredisError as error:
            tell(str(error))
    return found


def history(client: Redis, run_id: str) -> dict[RoundName, dict[str, Any]]:
    """Read what each committed round came to, by kind and number."""
    where = f"run {run_id}"
    stored = fields(ask(client, where, "HGETALL", RunKeys(run_id).history))
    entries = {}
    for name, entry in stored.items():
        try:
            entries[RoundName.parse(name)] = found = record(entry, where, f"history of {name}")
        except BlobError as error:
            raise damaged(where, f"its history: {error}") from error
        if not all(_told(field, found.get(field)) for field in (*found, *ALWAYS)):
            raise damaged(where, f"its history of {name} is not what a round comes to")
    return dict(sorted(entries.items()))


def _told(field: str, value: Any) -> bool:
    """Say whether a field of a round's entry can be what it came to."""
    if field in ("slaves", "samples"):
        return type(value) is int and value >= 0
    if field in ("ms", "learning_rate"):
        return _figure(value) and value is not None
    if field in ("missing", "refused"):
        if not isinstance(value, list if field == "missing" else dict):
            return False
        words = value.values() if isinstance(value, dict) else value
        return all(isinstance(word, str) for word in words)
    if isinstance(value, list):
        rows = [row for row in value if isinstance(row, list) and len(row) == len(value)]
        cells = [cell for row in rows for cell in row]
        return len(rows) == len(value) and all(map(_whole, cells))
    return field == "pass" or _figure(value)


def _whole(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST_FIGURE


def _figure(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and abs(value) <= MOST_FIGURE)


def scores(client: Redis, run_id: str, primary: str) -> dict[int, float | None]:
    """Read how good each tested model is, by round; `primary` names the figure.

    None of a test that does not compete: slaves were missing in it, or no rows were held out.
    """
    where, found = f"run {run_id}", dict[int, float | None]()
    for name, entry in history(client, run_id).items():
        if name.kind == TEST:
            score = None if entry.get("missing") else entry.get(primary)
            told = None if score is None else real(score, where, f"{primary} of {name}")
            found[name.number] = told
    return found


def artifact(client: Redis, run_id: str, name: str) -> Named | None:
    """Fetch an artifact by name; None if it is not kept."""
    return artifacts_.fetch(client, RunKeys(run_id), name)


def slaves(client: Redis, run_id: str) -> dict[str, list[dict[str, Any]]]:
    """Read what slaves told of themselves last, by kind of round: a list of bundles each."""
    where = f"run {run_id}"
    stored = fields(ask(client, where, "HGETALL", RunKeys(run_id).slaves))
    found = {kind: records(told, where, f"slaves of {kind}") for kind, told in stored.items()}
    for kind, bundles in found.items():
        if not all(isinstance(bundle.get("worker", ""), str) for bundle in bundles):
            raise damaged(where, f"its slaves of {kind} name no worker")
    return found


def failures(client: Redis, run_id: str, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Read how often slaves failed (`failures`), and how and in which round the last time."""
    keys, batch = RunKeys(run_id), Batch(client, f"run {run_id}")
    for slave in ids:
        batch.add("HGETALL", keys.slave(slave))
    return {s: fields(reply) for s, reply in zip(ids, batch.run(), strict=True) if reply}


def warnings(client: Redis, run_id: str) -> list[str]:
    """Read what may mislead in a run's result."""
    stored = ask(client, f"run {run_id}", "LRANGE", RunKeys(run_id).warnings, 0, -1)
    return list(dict.fromkeys(texts(stored)))
