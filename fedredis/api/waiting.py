"""Whom the open rounds of a run wait for, and since when, in words: a line each, or one of all."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fedredis.store.inflight import Awaited, OpenRound

#: How many slaves of a round are listed at most, and how many a line names.
LISTED, NAMED = 10, 5

#: What a line says of a slave, by the state that it is in.
STATES = {
    "unclaimed": "no worker",
    "claimed": "at work",
    "lost": "its worker is gone",
    "given up": "given up",
}


def lines(rounds: Sequence[OpenRound]) -> Iterator[str]:
    """Say of each open round how it stands, and of each slave that is missing what it is at."""
    for found in rounds:
        yield (
            f"{found.name} is open for {_span(found.open_ms)}: {found.arrived} of "
            f"{found.expected} slaves are in; {_deadline(found)}"
        )
        for slave, awaited in islice(found.awaited.items(), LISTED):
            yield f"  slave {slave}: {_state(awaited)}"
        if (rest := len(found.awaited) - LISTED) > 0:
            yield f"  and {rest} more slaves"


def line(found: OpenRound) -> str:
    """Say of an open round how it stands, and whom it waits for."""
    named = ", ".join(
        f"{slave} ({STATES[awaited.state]})"
        for slave, awaited in islice(found.awaited.items(), NAMED)
    )
    more = f" and {len(found.awaited) - NAMED} more" if len(found.awaited) > NAMED else ""
    return (
        f"{found.name} has been open for {_span(found.open_ms)}: {found.arrived} of "
        f"{found.expected} slaves are in, it waits for {named or 'nobody'}{more}"
    )


def _deadline(found: OpenRound) -> str:
    if found.left_ms >= 0:
        return f"its deadline is in {_span(found.left_ms)}"
    return f"its deadline was {_span(-found.left_ms)} ago"


def _state(awaited: Awaited) -> str:
    # As in the table of the slaves: names differ in their ends.
    since, worker = _span(awaited.since_ms), f"…{awaited.worker[-8:]}"
    return {
        "unclaimed": f"no worker has taken it up for {since}",
        "claimed": f"worker {worker} is at it",
        "lost": f"its worker {worker} is gone, and no other has taken it up",
        "given up": "given up after its last attempt",
    }[awaited.state]


def _span(ms: int) -> str:
    """Write a time in the unit that suits it."""
    seconds = max(ms, 0) / 1000
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
