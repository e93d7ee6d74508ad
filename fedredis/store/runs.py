"""Runs as a whole: create one, list them, read one. What `runs`, `show` and `predict` look at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedredis import keys as names
from fedredis import metrics
from fedredis.config import RunConfig
from fedredis.errors import RunNotFoundError
from fedredis.keys import Kind, Label, RunKeys
from fedredis.store import artifact as artifacts_
from fedredis.store.replies import fields, parsed, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redis import Redis

    from fedredis.store.artifact import Artifact


@dataclass(frozen=True)
class RunState:
    """Where a run stands."""

    run: str
    #: waiting, running, stopped, failed or finished
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

    @property
    def chosen(self) -> int:
        """The round whose model the run stands for: with patience the best one, else the last."""
        return self.best if self.config.patience and self.best else self.round


def create(
    client: Redis, run_id: str, config: RunConfig, artifacts: Mapping[str, Artifact]
) -> None:
    """Write a new run with the model and the preprocessing that it starts from."""
    keys = RunKeys(run_id)
    seconds, micros = client.time()
    started = seconds * 1000 + micros // 1000
    for name, artifact in artifacts.items():
        artifacts_.create(client, keys, name, artifact)
    with client.pipeline(transaction=True) as pipeline:
        state: dict[Any, Any] = {
            "status": "waiting",
            "config": config.to_json(),
            "started": started,
            "epoch": 0,
            "round": 0,
            "model": "",
            "preprocessing": "preprocessing:0",
        }
        pipeline.hset(keys.run, mapping=state)
        pipeline.zadd(names.RUNS, {run_id: started})
        pipeline.execute()


def read(client: Redis, run_id: str) -> RunState:
    """Look up a run.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    """
    stored = client.hgetall(RunKeys(run_id).run)
    if b"config" not in stored:
        raise RunNotFoundError(f"there is no run {run_id}: `fedredis runs` lists them")
    state = fields(stored)
    return RunState(
        run=run_id,
        status=state["status"],
        config=RunConfig.from_json(state["config"]),
        round=int(state["round"]),
        model=state["model"],
        preprocessing=state["preprocessing"],
        started=int(state["started"]),
        error=state.get("error", ""),
        score=_figure(state.get("score")),
        best=int(state.get("best", 0)),
        converged=state.get("converged") == "1",
    )


def newest_first(client: Redis) -> list[RunState]:
    """List the runs, newest first."""
    return [read(client, run_id) for run_id in texts(client.zrevrange(names.RUNS, 0, -1))]


def history(client: Redis, run_id: str) -> dict[Label, dict[str, Any]]:
    """Read what each committed round came to, by kind and number."""
    stored = fields(client.hgetall(RunKeys(run_id).history))
    entries = {Label.parse(label): parsed(entry) for label, entry in stored.items()}
    return dict(sorted(entries.items()))


def evaluations(client: Redis, run_id: str) -> dict[int, dict[str, Any]]:
    """Read the metrics of each evaluated round, in order."""
    entries = history(client, run_id)
    return {k.number: entry for k, entry in entries.items() if k.kind is Kind.EVALUATE}


def scores(client: Redis, state: RunState) -> dict[int, float]:
    """Read how good each tested model is, by round."""
    primary = metrics.measure(len(state.config.classes)).primary
    tests = evaluations(client, state.run)
    return {number: entry[primary] for number, entry in tests.items()}


def _figure(told: str | None) -> float | None:
    """Read a figure; None if there is none, as of a test without rows."""
    try:
        figure = float(told or "nan")
    except ValueError:
        return None
    return figure if math.isfinite(figure) else None


def artifact(client: Redis, run_id: str, name: str) -> Artifact | None:
    """Fetch a model or a preprocessing by name; None if it is not kept."""
    return artifacts_.fetch(client, RunKeys(run_id), name)


def slaves(client: Redis, run_id: str, ids: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Read what is known of each slave."""
    keys = RunKeys(run_id)
    pipeline = client.pipeline(transaction=False)
    for slave in ids:
        pipeline.hgetall(keys.slave(slave))
    return {slave: fields(reply) for slave, reply in zip(ids, pipeline.execute(), strict=True)}
