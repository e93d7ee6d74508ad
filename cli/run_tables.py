"""What a finished run came to, as tables; what is asked for first stands last, so it is seen."""

from __future__ import annotations

from itertools import islice
from statistics import median
from typing import TYPE_CHECKING

from rich.console import Group

from fedredis.cli import report
from fedredis.cli.confusion import confusions
from fedredis.cli.tables import Fitting, described
from fedredis.keys import RunKeys
from fedredis.metrics import FIGURES

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedredis.api.inspection import RunRecord
    from fedredis.api.outcome import Outcome
    from fedredis.store.runs import RunState

#: How many slaves the table lists at most.
SLAVES_LISTED = 20


def render(outcome: Outcome, record: RunRecord) -> RenderableType:
    """Draw the outcome of a run as tables."""
    config = record.state.config
    primary = record.measure.primary
    told = {each.title: each.write(getattr(outcome, name)) for name, each in FIGURES.items()}
    facts = {
        "run": outcome.run,
        "rounds": f"{how_far(record.state)}; {outcome.round_ms['p50']:.0f} ms each (median)",
        "seconds": f"{outcome.seconds:.1f}, of which set-up {outcome.setup_seconds:.1f}",
        "model": RunKeys(outcome.run).artifact(f"model:{outcome.chosen}"),
        "sha256": outcome.weights_sha256,
        **{name: text for name, text in reversed(told.items()) if text != "-"},
    }
    facts.pop(FIGURES[primary].title, None)
    if outcome.auc is not None:
        facts["AUC"] = f"{outcome.auc:.4f}"
    return Group(
        slave_table(record),
        *report.tables(record.report),
        *confusions(config.classes, outcome.confusion),
        described(facts, {FIGURES[primary].title: told[FIGURES[primary].title]}),
    )


def how_far(state: RunState) -> str:
    """Say how many rounds there were, and why there were no more; and which one counts."""
    rounds = str(state.round)
    if state.round < state.config.rounds:
        rounds += f" of {state.config.rounds}"
        if state.status == "finished":
            rounds += ", converged" if state.converged else ", out of patience"
    return rounds if state.chosen == state.round else f"{rounds}; the best is {state.chosen}"


def slowest(record: RunRecord) -> dict[str, str]:
    """Name the slave whose last round of training took longest, beside the median."""
    took = {s: f["ms"] for s, f in record.slaves.items() if isinstance(f.get("ms"), float)}
    if len(took) < 2:
        return {}
    slave = max(took, key=lambda name: took[name])
    return {"slowest": f"slave {slave}, {took[slave]:.1f} ms; median {median(took.values()):.1f}"}


def slave_table(record: RunRecord) -> Fitting:
    """Draw what is known of each slave, or of some: those that have failed, then the first."""
    measure = record.measure
    failed_first = sorted(record.slaves.items(), key=lambda told: not told[1].get("failures"))
    rows = [
        {
            "slave": slave,
            "rows": str(facts.get("rows", "-")),
            "held out": str(facts.get("test_rows", "-")),
            # No rows, no figure.
            **{
                FIGURES[n].title: FIGURES[n].write(
                    facts.get(n) if facts.get("test_rows") else None
                )
                for n in (measure.primary, measure.loss)
            },
            "ms": f"{facts['ms']:.1f}" if isinstance(facts.get("ms"), float) else "-",
            "failures": str(facts.get("failures", 0)),
            "worker": f"…{str(facts['worker'])[-8:]}" if "worker" in facts else "-",
        }
        for slave, facts in islice(failed_first, SLAVES_LISTED)
    ]
    return Fitting(
        rows,
        "slaves (rows and figures of each are masked)" if record.state.config.secure else "slaves",
        rest=len(record.slaves) - SLAVES_LISTED,
        words=("worker",),
        shrinks=("slave",),
        gives_way=("worker", "ms", "failures", FIGURES[measure.loss].title, "held out"),
    )
