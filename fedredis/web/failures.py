"""What went wrong in a run, the worst first: who, in which round, how, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from fedredis.errors import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedredis.api.inspection import RunRecord

#: Failures of a kind that are listed, the newest.
LISTED = 20

#: What to do, by what has happened.
ADVICE = {
    "failed": "The run keeps all committed rounds. Mend what the line names, then resume it.",
    "interrupted": "The master is gone without a word, killed perhaps. Resuming goes on from the "
    "last committed round, to the same bits.",
    "stopped": "It was stopped, and nothing is lost: resuming goes on to the same bits.",
    "slave": "The line says what to mend at the slave, and a traceback is of its own machine. It "
    "is asked again until its attempts are used up, and after a resume.",
    "refused": "The update made no sense, and was not counted; the slave was asked again. A slave "
    "whose training leads too far wants a smaller learning rate, or a larger max-norm.",
    "missing": "The round closed without them at its deadline. Start their workers, or see "
    "whether the round timeout gives them time enough.",
    "lost": "A worker has gone while it held the slave: another takes over when its lease ends.",
}


@dataclass(frozen=True)
class Failure:
    """Something that went wrong."""

    #: One of those of `ADVICE`.
    kind: str
    what: str
    #: The reason in a line, where there is one beside it.
    why: str = ""
    #: All of it, such as a traceback; empty if the lines say all.
    detail: str = ""

    @property
    def advice(self) -> str:
        """What to do about it."""
        return ADVICE[self.kind]


def failures_of(record: RunRecord) -> list[Failure]:
    """List what went wrong in a run: the run itself, then slaves, then single rounds."""
    return [*_of_run(record), *_of_slaves(record), *_of_rounds(record)]


def _of_run(record: RunRecord) -> Iterator[Failure]:
    state = record.state
    if state.status == "failed":
        yield Failure("failed", f"Run {state.run} has failed", state.error)
    elif state.status == "interrupted":
        yield Failure("interrupted", f"Run {state.run} has lost its master")
    elif state.status == "stopped":
        yield Failure("stopped", f"Run {state.run} is stopped", state.error)
    for found in record.open:
        lost = [slave for slave, awaited in found.awaited.items() if awaited.state == "lost"]
        if lost:
            yield Failure("lost", f"Round {found.name}: {named('slave', lost)} without a worker")


def _of_slaves(record: RunRecord) -> Iterator[Failure]:
    failed = ((slave, facts) for slave, facts in record.slaves.items() if "error" in facts)
    for slave, facts in islice(failed, LISTED):
        error = str(facts["error"]).strip()
        times, round_ = facts.get("failures", 1), facts.get("round")
        where = f", last in round {round_}" if round_ else ""
        often = "once" if times == 1 else f"{times} times"
        detail = error if "\n" in error else ""
        yield Failure("slave", f"Slave {slave} failed {often}{where}", reason(error), detail)


def _of_rounds(record: RunRecord) -> Iterator[Failure]:
    newest = reversed(record.history.items())
    for name, entry in islice(((n, e) for n, e in newest if e["refused"]), LISTED):
        told = "\n".join(f"slave {slave}: {why}" for slave, why in entry["refused"].items())
        whose = named("slave", list(entry["refused"]))
        yield Failure("refused", f"Round {name}: updates of {whose} were refused", detail=told)
    newest = reversed(record.history.items())
    for name, entry in islice(((n, e) for n, e in newest if e["missing"]), LISTED):
        yield Failure("missing", f"Round {name} went without {named('slave', entry['missing'])}")


def named(what: str, names: list[str], most: int = 10) -> str:
    """Write ``slave 3`` or ``slaves 3, 4, …``."""
    some = ", ".join(names[:most]) + (", …" if len(names) > most else "")
    return f"{what}{'' if len(names) == 1 else 's'} {some}"
