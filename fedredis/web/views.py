"""What a page shows of a run: figures in words, charts, tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING, Any

from fedredis.exchanges import TRAINING
from fedredis.metrics import FIGURES, measure
from fedredis.web.answers import shown, written
from fedredis.web.failures import failures_of
from fedredis.web.pictures import charts_of

if TYPE_CHECKING:
    from fedredis.api.inspection import RunRecord
    from fedredis.api.nodes import Nodes
    from fedredis.metrics import Measure
    from fedredis.store.runs import RunState
    from fedredis.web.answers import Shown
    from fedredis.web.charts import Chart
    from fedredis.web.failures import Failure

#: Slaves in a table.
LISTED = 200
#: Fields of a config that say what is trained, in the order in which they are shown.
SETTINGS = (
    *("dataset", "source", "slaves", "rows", "model", "strategy", "options", "features"),
    *("rounds", "seed", "learning_rate", "schedule", "local_epochs", "batch_size", "l2", "sample"),
    *("quorum", "patience", "threshold", "attempts", "max_norm"),
)


@dataclass(frozen=True)
class Summary:
    """A run in a line of the list."""

    state: RunState

    @property
    def kind(self) -> str:
        """What is trained, or asked."""
        config = self.state.config
        if config.analysis:
            return str(config.analysis["kind"])
        model = config.model.rpartition(":")[2]
        return model if model == "trees" else f"{model} by {config.strategy}"

    @property
    def measure(self) -> Measure:
        """How good its model is."""
        return measure(len(self.state.config.classes))

    @property
    def is_analysis(self) -> bool:
        """Whether it asks something, and trains nothing."""
        return bool(self.state.config.analysis)

    @property
    def can_predict(self) -> bool:
        """Whether there is a model to predict with."""
        return self.state.chosen > 0 and not self.is_analysis

    @property
    def started(self) -> datetime:
        """When it was made."""
        return datetime.fromtimestamp(self.state.started / 1000, UTC)

    @property
    def score(self) -> str:
        """How good its model is, with the figure's name where that is not clear."""
        return FIGURES[self.measure.primary].alone(self.state.score)


@dataclass(frozen=True)
class RunView(Summary):
    """A run on its own page."""

    record: RunRecord
    nodes: Nodes | None = None

    @classmethod
    def of(cls, record: RunRecord, nodes: Nodes | None = None) -> RunView:
        """Look at a record."""
        return cls(record.state, record, nodes)

    @cached_property
    def failures(self) -> list[Failure]:
        """What went wrong, the worst first."""
        return failures_of(self.record)

    @property
    def figures(self) -> tuple[str, str]:
        """Names of the figure that says how good a model is, and of its loss."""
        return self.measure.primary, self.measure.loss

    @cached_property
    def headline(self) -> list[tuple[str, str, str]]:
        """The figures that stand above all others: title, value, and what it means."""
        config, test = self.state.config, self.record.test
        told = [
            (FIGURES[name].title, FIGURES[name].write(test.get(name)), "")
            for name in dict.fromkeys((*self.figures, *self.measure.told))
            if name in test
        ]
        held_out = test.get("rows")
        if told and held_out:
            told[0] = (*told[0][:2], f"on {held_out:,} held-out rows")
        rounds = f"{self.state.round} of {config.rounds}"
        why = ""
        if self.state.status == "finished" and self.state.round < config.rounds:
            why = "converged" if self.state.converged else "out of patience"
        if self.state.chosen != self.state.round:
            why = f"{why}; the best is {self.state.chosen}".removeprefix("; ")
        if not self.is_analysis:
            told.append(("rounds", rounds, why))
        told.append(("slaves", f"{config.slaves:,}", f"{config.rows:,} rows"))
        if times := self.round_times:
            told.append(("a round", f"{median(ms for _, ms in times):,.0f} ms", "median"))
        return told

    @cached_property
    def round_times(self) -> list[tuple[float, float]]:
        """Milliseconds of each round of training."""
        entries = self.record.history.items()
        return [(name.number, e["ms"]) for name, e in entries if name.kind in TRAINING]

    def curve(self, figure: str) -> list[tuple[float, float]]:
        """Return a figure by round, where it was measured."""
        tests = sorted(self.record.tests.items())
        return [(n, e[figure]) for n, e in tests if e.get(figure) is not None]

    @cached_property
    def charts(self) -> list[Chart]:
        """All charts that there is something to see in."""
        return charts_of(self)

    @cached_property
    def answer(self) -> Shown | None:
        """What it came to, if it asks something."""
        return shown(self.record.answer.result) if self.record.answer else None

    @cached_property
    def confusion(self) -> list[tuple[str, list[tuple[int, int, float]]]]:
        """Rows of the confusion matrix: a class, and for each prediction count, shade, share."""
        counts = self.record.test.get("confusion")
        classes = self.state.config.classes
        if not counts or len(counts) != len(classes):
            return []
        return [
            (name, [(int(n), round(10 * n / (sum(row) or 1)), n / (sum(row) or 1)) for n in row])
            for name, row in zip(classes, counts, strict=True)
        ]

    @cached_property
    def slaves(self) -> list[dict[str, str]]:
        """Rows of the table of slaves, those that failed first."""
        primary, loss = self.figures
        ordered = sorted(self.record.slaves.items(), key=lambda one: "error" not in one[1])
        table = []
        for slave, facts in ordered[:LISTED]:
            tested = facts.get("test_rows")
            worker = str(facts.get("worker", ""))
            table.append(
                {
                    "slave": slave,
                    "rows": _count(facts.get("rows")),
                    "held out": _count(tested),
                    **{
                        FIGURES[name].title: FIGURES[name].write(
                            facts.get(name) if tested else None
                        )
                        for name in (primary, loss)
                    },
                    "ms": _count(facts.get("ms")),
                    "failures": str(facts.get("failures", 0)),
                    "worker": f"…{worker[-8:]}" if worker else "-",
                }
            )
        # Of an answer nothing is tested; of masked sums nothing of a slave alone is known.
        known = {name for row in table for name, text in row.items() if text != "-"}
        return [{name: text for name, text in row.items() if name in known} for row in table]

    @cached_property
    def settings(self) -> list[tuple[str, str]]:
        """The config, by the names of its fields; what is empty, or 0 for none, is left out."""
        config = self.state.config
        fields = {name: getattr(config, name) for name in SETTINGS}
        fields["options"] = ", ".join(f"{name}={value}" for name, value in config.options.items())
        if self.is_analysis:
            fields = {n: fields[n] for n in ("dataset", "source", "slaves", "rows", "threshold")}
            asked = {name: value for name, value in config.analysis.items() if name != "texts"}
            fields |= {name: value for name, value in asked.items() if value}
        fields |= config.reading.as_dict
        fields["columns"] = ", ".join(column.name for column in config.columns)
        fields["classes"] = ", ".join(config.classes)
        return [
            (name.replace("_", " "), str(value) if type(value) is float else written(value))
            for name, value in fields.items()
            if value or name == "seed"
        ]

    @cached_property
    def waits_for(self) -> list[tuple[str, int, int, str]]:
        """The open rounds: name, slaves that are in, slaves asked, and who is missing."""
        return [
            (str(found.name), found.arrived, found.expected, ", ".join(list(found.awaited)[:10]))
            for found in self.record.open
        ]


def _count(value: Any) -> str:
    return f"{value:,.0f}" if isinstance(value, int | float) else "-"
