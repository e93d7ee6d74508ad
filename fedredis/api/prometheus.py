"""Figures of runs and workers for Prometheus, read from Redis when they are asked for.

Needs the extra ``metrics``; nothing else imports this module before it is used.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from fedredis.api.inspection import read_runs
from fedredis.exchanges import Setup
from fedredis.store import counts, workers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric
    from redis import Redis

    from fedredis.store.runs import RunState

#: Runs that are told of, the newest: each is a series of every metric.
RUNS = 50
#: What becomes of updates, by the names of counts.
OUTCOMES = ("accepted", "late", "duplicate", "stale", "refused")
MIB = 1 << 20


class RunCollector(Collector):
    """Reads all figures at each scrape; holds none."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def collect(self) -> Iterator[Metric]:
        """Read what runs and workers come to.

        Raises
        ------
        RedisError
            If Redis does not answer: no figures are better than old ones.
        """
        states = read_runs(self._client, 0, RUNS - 1)
        by_status = GaugeMetricFamily(
            "fedredis_runs", f"The newest {RUNS} runs, by status.", labels=["status"]
        )
        for status, number in sorted(Counter(state.status for state in states).items()):
            by_status.add_metric([status], number)
        yield by_status
        yield from self._of_runs(states)
        yield from self._of_workers()

    def _of_runs(self, states: list[RunState]) -> Iterator[Metric]:
        info = InfoMetricFamily("fedredis_run", "What a run is.", labels=["run"])
        rounds = GaugeMetricFamily(
            "fedredis_run_rounds", "Rounds of training that a run is to have.", labels=["run"]
        )
        done = GaugeMetricFamily(
            "fedredis_run_round", "The last committed round of training.", labels=["run"]
        )
        slaves = GaugeMetricFamily("fedredis_run_slaves", "Slaves of a run.", labels=["run"])
        score = GaugeMetricFamily(
            "fedredis_run_score",
            "Of the newest model that was tested: its held-out accuracy, or R2.",
            labels=["run", "figure"],
        )
        for state in states:
            config, run = state.config, [state.run]
            told = {"dataset": config.dataset, "status": state.status, "model": config.model}
            info.add_metric(run, {**told, "strategy": config.strategy})
            slaves.add_metric(run, config.slaves)
            if not config.analysis:
                rounds.add_metric(run, config.rounds)
                done.add_metric(run, state.round)
            if state.score is not None:
                score.add_metric([state.run, Setup(config).measure.primary], state.score)
        yield from (info, rounds, done, slaves, score)
        yield from self._counted([state.run for state in states])

    def _counted(self, runs: list[str]) -> Iterator[Metric]:
        updates = CounterMetricFamily(
            "fedredis_updates",
            "Slaves' updates, by what became of them.",
            labels=["run", "outcome"],
        )
        waits = SummaryMetricFamily(
            "fedredis_barrier_wait_seconds",
            "Rounds that were committed, and how long they were open.",
            labels=["run", "kind"],
        )
        of_run = {
            name: CounterMetricFamily(f"fedredis_{called}", told, labels=["run"])
            for name, called, told in (
                ("bytes", "update_bytes", "Bytes of the arrays of bundles that came in."),
                ("failed", "slave_failures", "Attempts in which a slave's work failed."),
                (
                    "reclaimed",
                    "leases_reclaimed",
                    "Slaves taken back from workers that were gone.",
                ),
                ("masters", "masters", "Masters that have taken up a run."),
            )
        }
        for run, told in zip(runs, counts.counts(self._client, runs), strict=True):
            for outcome in OUTCOMES:
                # What was refused was accepted first.
                number = told.get(outcome, 0) - told.get("refused", 0) * (outcome == "accepted")
                updates.add_metric([run, outcome], max(0, number))
            for name in sorted(told):
                what, _, kind = name.partition(":")
                if what == "rounds" and kind:
                    seconds = told.get(f"ms:{kind}", 0) / 1000
                    waits.add_metric([run, kind], told[name], seconds)
            for name, family in of_run.items():
                family.add_metric([run], told.get(name, 0))
        yield from (updates, waits, *of_run.values())

    def _of_workers(self) -> Iterator[Metric]:
        there = GaugeMetricFamily("fedredis_workers", "Workers there.", labels=["dataset"])
        cores = GaugeMetricFamily(
            "fedredis_workers_cpu_cores", "Cores that workers use, together.", labels=["dataset"]
        )
        memory = GaugeMetricFamily(
            "fedredis_workers_memory_bytes", "Memory of workers, together.", labels=["dataset"]
        )
        by_dataset: dict[str, list[workers.Seen]] = {}
        for seen in workers.seen(self._client):
            by_dataset.setdefault(seen.card.dataset, []).append(seen)
        for dataset, some in sorted(by_dataset.items()):
            there.add_metric([dataset], len(some))
            cores.add_metric([dataset], sum(one.cpu or 0 for one in some))
            memory.add_metric([dataset], sum(one.memory_mb or 0 for one in some) * MIB)
        yield from (there, cores, memory)


def registry(client: Redis) -> CollectorRegistry:
    """Make a registry of one collector; ``prometheus_client.generate_latest`` writes it out."""
    made = CollectorRegistry(auto_describe=False)
    # It is not asked what there is until somebody scrapes it.
    made.register(RunCollector(client))
    return made
