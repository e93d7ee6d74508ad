"""What Redis knows of runs: all of them, one of them, what went wrong in it."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fedredis.api.answer import read_answer
from fedredis.api.importance import importance
from fedredis.api.report import read_report
from fedredis.api.session import PathLike, session
from fedredis.arguments import checked
from fedredis.arrays import figures
from fedredis.config import check_name
from fedredis.errors import BlobError
from fedredis.exchanges import KINDS, TRAINING, Setup
from fedredis.exchanges.kinds import BEFORE_MASKS
from fedredis.models import TREES
from fedredis.secure.naming import MASK
from fedredis.store import inflight
from fedredis.store import runs as stored
from fedredis.store.replies import damaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from redis import Redis

    from fedredis.api.answer import Answer
    from fedredis.config import RunConfig
    from fedredis.keys import RoundName
    from fedredis.metrics import Measure
    from fedredis.store.inflight import OpenRound
    from fedredis.store.runs import RunState

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunRecord:
    """All that is known of a run."""

    state: RunState
    #: What each committed round came to, by kind and number, in order.
    history: dict[RoundName, dict[str, Any]]
    #: What is known of each slave, by its id: ``rows``, ``test_rows``, figures of its test, the
    #: ``ms`` that its last round of training took where it was computed (those of a claim on
    #: average), ``worker``, ``failures``, and of the last of them ``error`` and ``round``; any of
    #: it may be missing.
    slaves: dict[str, dict[str, Any]]
    #: What may mislead in the run's result, a line each.
    warnings: tuple[str, ...] = ()
    #: The rounds on their way, and whom they wait for.
    open: tuple[OpenRound, ...] = ()
    #: What it came to, if it asks something and is at its end.
    answer: Answer | None = None
    #: What its classifier is worth; see `fedredis.metrics.scores.report`.
    report: dict[str, Any] | None = None
    #: Of trees, once they are grown, what an `Outcome` has of their columns.
    importance: list[dict[str, Any]] | None = None

    @property
    def measure(self) -> Measure:
        """How good its model is."""
        return Setup(self.state.config).measure

    @cached_property
    def tests(self) -> dict[int, dict[str, Any]]:
        """The test of each round that was tested, in order."""
        return {n.number: entry for n, entry in self.history.items() if n.kind == "evaluate"}

    @property
    def tested(self) -> int:
        """The round that the run stands for, or the newest one that was tested; 0 if none was."""
        chosen = self.state.chosen
        return chosen if chosen in self.tests else max(self.tests, default=0)

    @property
    def test(self) -> dict[str, Any]:
        """The test of that round."""
        return self.tests.get(self.tested, {})

    def plain(self) -> dict[str, Any]:
        """Return all of it in one, as the command line prints it as JSON."""
        return {
            **asdict(self.state),
            **({"answer": self.answer.plain()} if self.answer else {}),
            **({"report": self.report} if self.report else {}),
            **({"importance": self.importance} if self.importance else {}),
            "history": {str(name): entry for name, entry in self.history.items()},
            "slaves": self.slaves,
            "warnings": self.warnings,
            "open": {str(o.name): {**asdict(o), "name": str(o.name)} for o in self.open},
        }


#: What a round's numbers of rows are, by its kind; other kinds tell nothing of slaves.
ROWS = {
    **dict.fromkeys((*BEFORE_MASKS, "statistics", "inference", *TRAINING), "rows"),
    "evaluate": "test_rows",
}
#: What has gone wrong in a run that nobody drives any more.
LOST = "the run has lost its master, which was killed perhaps: resume it, to the same bits"


@dataclass(frozen=True)
class Failures:
    """What went wrong in a run."""

    #: For each slave that failed, how often, and of the last time the round and the traceback.
    failures: dict[str, dict[str, Any]]
    #: For each round, such as ``train:7``, the slaves whose updates were refused, and why.
    refused: dict[str, dict[str, str]]
    #: For each round the slaves that were missing from it.
    missing: dict[str, list[str]]
    #: Why the run itself failed, was stopped or is interrupted; empty if it was not.
    error: str
    #: The rounds that are open, and whom they wait for, since when.
    open: tuple[OpenRound, ...] = ()


@checked
def runs(*, redis_url: str | None = None, home: PathLike = ".fedredis") -> list[RunState]:
    """List the runs, newest first; one whose master is gone is ``interrupted``.

    Raises
    ------
    FedredisError
        If Redis can't be reached.
    """
    with session(redis_url, home) as opened:
        return read_runs(opened.client)


@checked
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


@checked
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
            slave: {
                "failures": facts["failures"],
                "round": facts.get("round", ""),
                "traceback": facts["error"],
            }
            for slave, facts in record.slaves.items()
            if "error" in facts
        },
        refused=_of_rounds(record, "refused"),
        missing=_of_rounds(record, "missing"),
        error=LOST if record.state.status == "interrupted" else record.state.error,
        open=record.open,
    )


def read_runs(client: Redis, first: int = 0, last: int = -1) -> list[RunState]:
    """List the runs, newest first, all or from a place to another."""
    return _as_they_are(client, stored.newest_first(client, logger.warning, first, last))


def count_runs(client: Redis) -> int:
    """Count the runs, those that can't be read among them."""
    return stored.count(client)


def read_record(client: Redis, run: str) -> RunRecord:
    """Read all that is known of a run."""
    (state,) = _as_they_are(client, [stored.read(client, run)])
    config, history = state.config, stored.history(client, run)
    return RunRecord(
        state,
        history,
        _slaves(client, run, config),
        warnings=tuple(stored.warnings(client, run)),
        open=inflight.open_rounds(client, run, KINDS),
        answer=read_answer(client, run) if config.analysis and state.converged else None,
        report=read_report(client, state, history),
        importance=_importance(client, state) if config.model == TREES else None,
    )


def _importance(client: Redis, state: RunState) -> list[dict[str, Any]] | None:
    """Look into the trees of a run that is over: of one that goes on that is asked too often."""
    model = None
    if state.status == "finished":
        model = stored.artifact(client, state.run, f"model:{state.chosen}")
    try:
        return None if model is None else importance(state.config, model)
    except BlobError as error:
        raise damaged(f"run {state.run}", f"its model:{state.chosen}: {error}") from None


def _slaves(client: Redis, run: str, config: RunConfig) -> dict[str, dict[str, Any]]:
    """Put together what slaves have told of themselves, and how they failed."""
    ids = config.slave_ids
    found: dict[str, dict[str, Any]] = {slave: {} for slave in ids}
    for kind, bundles in stored.slaves(client, run).items():
        rows = ROWS.get(kind.removeprefix(MASK), "")
        for bundle in bundles if rows else ():
            # How many rows each has is masked, too.
            hidden = {"samples"} if config.secure else set()
            shown = {name: told for name, told in bundle.items() if name not in hidden}
            for slave, facts in _facts(shown, rows):
                # How long a slave takes is told of its training.
                if kind not in TRAINING:
                    facts.pop("ms", None)
                found.get(slave, {}).update(facts)
    for slave, failed in stored.failures(client, run, ids).items():
        told = failed.get("failures", "")
        found[slave] |= {"failures": int(told) if told.isdecimal() else 0}
        found[slave] |= {name: failed[name] for name in ("error", "round") if name in failed}
    return found


def _facts(bundle: Mapping[str, Any], rows: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Take a bundle's facts apart, slave by slave; its numbers of rows are called `rows`."""
    slaves, samples, worker = (bundle.get(what) for what in ("slaves", "samples", "worker"))
    if not isinstance(slaves, list):
        return
    lists: dict[str, list[Any]] = {}
    if isinstance(samples, list) and len(samples) == len(slaves):
        lists[rows] = samples
    with suppress(BlobError):
        facts = figures.unpack(bundle.get("facts"), len(slaves))
        lists |= {name: values.tolist() for name, values in facts.items()}
    for place, slave in enumerate(slaves):
        told = {name: values[place] for name, values in lists.items()}
        # NaN is no figure, and unlike itself.
        told = {name: value if value == value else None for name, value in told.items()}
        yield str(slave), {**told, **({"worker": worker} if worker else {})}


def _as_they_are(client: Redis, states: Iterable[RunState]) -> list[RunState]:
    """Say of runs that are said to go on, or about to, but have no master: interrupted."""
    states = list(states)
    running = [state.run for state in states if state.going_on]
    alone = inflight.interrupted(client, running) if running else set()
    return [replace(s, status="interrupted") if s.run in alone else s for s in states]


def _of_rounds(record: RunRecord, what: str) -> dict[str, Any]:
    return {str(name): entry[what] for name, entry in record.history.items() if entry.get(what)}
