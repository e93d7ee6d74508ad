"""A run at a glance: the lines that `fedredis watch` shows, as many as a terminal has."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from fedredis.cli.run_tables import how_far
from fedredis.errors import reason
from fedredis.exchanges import finished
from fedredis.metrics import FIGURES
from fedredis.printable import fit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from fedredis.api.events import RunEvent
    from fedredis.api.following import Moment
    from fedredis.api.inspection import RunRecord
    from fedredis.api.workers import Worker
    from fedredis.store.inflight import OpenRound

#: Letters of a curve, low to high, and those of a terminal that has no others.
BARS, PLAIN_BARS = "▁▂▃▄▅▆▇█", "_.-=+*#@"
#: States of a slave in the open round: letter, the same where there are no others, style, words.
STATES = {
    "failed": ("✖", "x", "bold red", "failed"),
    "lost": ("✖", "x", "bold red", "lost"),
    "working": ("◐", ">", "yellow", "at work"),
    "in": ("●", "*", "green", "in"),
    "waiting": ("○", ".", "dim", "to come"),
}
#: Lines of failures, and of what has happened, that are shown at most, and of the latter at least.
FAILURES, EVENTS, LEAST_EVENTS = 6, 12, 2
#: The name of a worker, whose end tells it from others.
WORKER = re.compile(r"fedredis-\S+-([0-9a-f]{8})\b")
STATUS = {
    "finished": "green",
    "failed": "bold red",
    "interrupted": "bold red",
    "stopped": "yellow",
}


def curve(values: Sequence[float], width: int, bars: str = BARS) -> str:
    """Draw numbers as bars of one line, from the least of them to the greatest.

    More than there is room for are thinned out, and the last one is always there.
    """
    count = min(len(values), width)
    some = [values[-1 - i * len(values) // count] for i in range(count)][::-1]
    low, high = min(some, default=0), max(some, default=0)
    top = len(bars) - 1
    return "".join(bars[round(top * (v - low) / (high - low)) if high > low else 0] for v in some)


@dataclass(frozen=True)
class Glance:
    """Lines for a moment of a run, with what has happened so far."""

    moment: Moment
    happened: Sequence[str]
    unicode: bool = True

    def lines(self, width: int, height: int) -> list[Text]:
        """Write at most `height` lines of at most `width` letters, what matters most first."""
        head = [*self._head(width), *self._failures(width)[: FAILURES + 1]]
        workers = self._workers(width)
        room = height - len(head) - len(workers) - LEAST_EVENTS - 1
        slaves = self._slaves(width, max(room, 2))
        lines = [*head, *slaves, *workers]
        left = min(height - len(lines), EVENTS + 1)
        if self.happened and left > 1:
            lines += [Text("events", "bold"), *map(self._text, self.happened[-(left - 1) :])]
        for line in lines:
            line.truncate(width, overflow="ellipsis" if self.unicode else "crop")
        return lines[:height]

    def _text(self, words: object, style: str = "") -> Text:
        return Text(fit(str(words), "utf-8" if self.unicode else "ascii"), style)

    def _head(self, width: int) -> list[Text]:
        record = self.moment.record
        state, config = record.state, record.state.config
        what = str(config.analysis.get("kind", "")) or f"{config.strategy}, {config.model}"
        first = Text.assemble(
            ("run ", "dim"),
            self._text(state.run, "bold"),
            "  ",
            (state.status, STATUS.get(state.status, "cyan")),
            self._text(f"  {what}, {config.slaves} slaves of {config.dataset}", "dim"),
        )
        return [first, *([] if config.analysis else self._figures(width))]

    def _figures(self, width: int) -> list[Text]:
        record, measure = self.moment.record, self.moment.record.measure
        rounds = record.state.config.rounds
        bar = max(8, min(40, width - 36))
        done = round(bar * min(1.0, record.state.round / rounds))
        full, empty = ("━", "─") if self.unicode else ("=", "-")
        times = [e["ms"] for name, e in record.history.items() if finished(name, e) is not None]
        pace = f"  {sorted(times)[len(times) // 2]:.0f} ms each" if times else ""
        lines = [
            Text.assemble(
                (full * done, "green"),
                (empty * (bar - done), "dim"),
                f" round {how_far(record.state)}",
                *([f" of {rounds}"] if record.state.round == rounds else []),
                (pace, "dim"),
            )
        ]
        for name in (measure.primary, measure.loss):
            tests = record.tests.values()
            told = [entry[name] for entry in tests if isinstance(entry.get(name), int | float)]
            if told:
                bars = curve(told, bar, BARS if self.unicode else PLAIN_BARS)
                style = "cyan" if name == measure.primary else "magenta"
                figure = f" {FIGURES[name].titled(told[-1])}"
                lines.append(Text.assemble((bars.ljust(bar), style), figure))
        return lines

    def _failures(self, width: int) -> list[Text]:
        told = [wrap(f"{what}: {why}", width) for what, why in failures(self.moment.record)]
        lines = [self._text(line, "red") for some in told for line in some[:2]]
        rest = len(lines) - FAILURES
        if rest > 0:
            lines[FAILURES:] = [Text("and more: `fedredis errors` has all", "dim")]
        return [Text("failures", "bold red"), *lines] if lines else []

    def _slaves(self, width: int, room: int) -> list[Text]:
        """Draw a cell a slave, with as much in it as there is room for."""
        states = states_of(self.moment.record)
        label = max(map(cell_len, states), default=1)
        cells = self._cells(states)
        for columns in (4, 3, 2, 1):
            some = {
                slave: [slave.rjust(label), *told[: columns - 1]] for slave, told in cells.items()
            }
            wide = max((sum(map(cell_len, c)) + len(c) - 1 for c in some.values()), default=0) + 2
            across = max(1, (width + 2) // (wide + 2))
            if -(-len(some) // across) <= room - 1:
                break
        # Where not all are shown, those that have failed are.
        order = list(states)
        if -(-len(order) // across) > room - 1:
            order.sort(key=lambda slave: list(STATES).index(states[slave]))
        shown = order[: across * (room - 1)]
        hidden = f", {len(order) - len(shown)} not shown" if len(shown) < len(order) else ""
        counts, mark = Counter(states.values()), 0 if self.unicode else 1
        title = Text(f"{len(states)} slaves{hidden}", "bold")
        for name, (*marks, style, words) in STATES.items():
            if counts[name]:
                title.append(f"  {marks[mark]} {counts[name]} {words}", style)
        lines = [title]
        for first in range(0, len(shown), across):
            line = Text()
            for slave in shown[first : first + across]:
                *marks, style, _ = STATES[states[slave]]
                line.append(f"{marks[mark]} ", style)
                failed = "red" if self.moment.record.slaves[slave].get("failures") else ""
                line.append_text(self._text(" ".join(some[slave]), failed))
                line.pad_right(wide - cell_len(" ".join(some[slave])))
            line.rstrip()
            lines.append(line)
        return lines

    def _cells(self, states: Mapping[str, str]) -> dict[str, list[str]]:
        """Write rows of each slave, and CPU and last sign of life of a worker of its own."""
        facts, own = self.moment.record.slaves, self._own_workers()
        cells = {}
        for slave in states:
            rows = facts.get(slave, {}).get("rows", "-")
            cells[slave] = [str(rows).rjust(6)]
            if own:
                worker = own.get(slave)
                cells[slave] += [self._cpu(worker), f"{worker.seen:2.0f}s" if worker else "gone"]
        return cells

    def _own_workers(self) -> dict[str, Worker]:
        """Return the workers that act for one slave alone, by slave."""
        latest = sorted(self.moment.workers, key=lambda worker: -worker.seen)
        return {w.slaves[0]: w for w in latest if w.slaves and len(w.slaves) == 1}

    def _cpu(self, worker: Worker | None) -> str:
        series = self.moment.nodes.get(worker.name) if worker else None
        cpu = float(series.cpu[-1]) if series and len(series.cpu) else None
        return f"{cpu:4.0%}" if cpu is not None else "   -"

    def _memory(self, worker: Worker) -> str:
        series = self.moment.nodes.get(worker.name)
        told = float(series.memory[-1]) if series and len(series.memory) else worker.memory_mb
        return f"{'-' if told is None else f'{told:.0f}':>5} MiB"

    def _workers(self, width: int) -> list[Text]:
        """Draw those that act for several slaves, as many as fit into a line or two."""
        dataset = self.moment.record.state.config.dataset
        there = [w for w in self.moment.workers if w.dataset == dataset]
        shared = [worker for worker in there if worker.slaves is None or len(worker.slaves) != 1]
        if not shared:
            return []
        cells = [f"…{w.name[-8:]} {self._cpu(w)} {self._memory(w)} {w.seen:2.0f}s" for w in shared]
        across = max(1, (width + 3) // (max(map(cell_len, cells)) + 3))
        lines = [Text(f"{len(shared)} worker{'s' * (len(shared) > 1)}", "bold")]
        firsts = range(0, min(len(cells), 2 * across), across)
        return [*lines, *(self._text("   ".join(cells[i : i + across])) for i in firsts)]


def states_of(record: RunRecord) -> dict[str, str]:
    """Tell what each slave is at, in the round that is open; a name of `STATES`."""
    rounds = sorted(record.open, key=lambda found: found.name.kind == "evaluate")
    found: OpenRound | None = rounds[0] if rounds else None
    status = record.state.status
    states = dict.fromkeys(record.slaves, "in" if found or status == "finished" else "waiting")
    words = {"unclaimed": "waiting", "claimed": "working", "lost": "lost", "given up": "failed"}
    for slave, awaited in found.awaited.items() if found else ():
        states[slave] = words[awaited.state]
    last = [entry["missing"] for name, entry in record.history.items() if finished(name, entry)]
    if status == "finished" and last:
        states |= dict.fromkeys(last[-1], "failed")
    if status == "failed":
        states |= {s: "failed" for s, facts in record.slaves.items() if "error" in facts}
    return states


def failures(record: RunRecord) -> Iterable[tuple[str, str]]:
    """List what went wrong, the run itself first: what or who, and why in a line."""
    if record.state.error:
        yield "run", record.state.error
    for found in record.open:
        lost = [s for s, awaited in found.awaited.items() if awaited.state in ("lost", "given up")]
        if lost:
            yield str(found.name), f"waits for {', '.join(lost)}, whose worker is gone or gave up"
    for slave, facts in record.slaves.items():
        if facts.get("error"):
            times = f" ({facts['failures']} times)" if facts.get("failures", 0) > 1 else ""
            yield f"slave {slave}{times}", WORKER.sub(r"…\1", reason(facts["error"]))
    without: dict[str, list[str]] = {}
    for name, entry in reversed(record.history.items()):
        if entry["missing"]:
            without.setdefault(", ".join(entry["missing"]), []).append(str(name))
    for missing, rounds in without.items():
        yield f"{len(rounds)} rounds went on without {missing}", f"the last was {rounds[0]}"
    for name, entry in reversed(record.history.items()):
        for slave, why in entry["refused"].items():
            yield f"{name}: slave {slave} refused", why


def happening(event: RunEvent, history: Mapping[str, Mapping[str, Any]], primary: str) -> str:
    """Say in a line what has happened; nothing of what is of no interest."""
    told = event.fields
    kind, name = told.get("type", ""), told.get("round", "")
    if kind == "committed" and name in history:
        entry = history[name]
        figure = entry.get(primary)
        more = f", {FIGURES[primary].titled(figure)}" if figure else ""
        what = f"{name}: {entry['slaves']} slaves in {entry['ms']:.0f} ms{more}"
    elif kind == "failed" and "slave" in told:
        what = f"{name}: slave {told['slave']} failed, attempt {told.get('attempt', '?')}"
    elif kind in ("finished", "stopped", "failed"):
        what = f"{kind}{': ' * bool(told.get('error'))}{told.get('error', '')}"
    else:
        return ""
    at = int(event.id.partition("-")[0]) / 1000
    return f"{time.strftime('%H:%M:%S', time.localtime(at))}  {what}"
