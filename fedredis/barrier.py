"""The barrier of a round: who has arrived, and whether it is closed. Never a countdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.keys import Label
    from fedredis.store.master import Event, MasterStore


class Barrier:
    """What a master knows of the arrivals of one round.

    Events are the fast way to know; `look` asks Redis itself, so that a lost event costs time
    and nothing else.
    """

    def __init__(self, label: Label, slaves: Sequence[str]) -> None:
        self.label = label
        self.slaves = tuple(slaves)
        self.arrived: set[str] = set()
        self.closed = False
        self.failed = False

    @property
    def missing(self) -> list[str]:
        """The slaves that have not arrived, in order."""
        return [slave for slave in self.slaves if slave not in self.arrived]

    def see(self, event: Event, store: MasterStore) -> None:
        """Take note of an event of the run, whichever round it is of."""
        if event.round != str(self.label):
            return
        if event.type == "arrived" and event.slave is not None:
            self.arrived.add(event.slave)
        elif event.type == "closed":
            self.look(store)

    def look(self, store: MasterStore) -> None:
        """Ask Redis who has arrived and whether the round is closed."""
        # The state first: once it is closed, nobody else can arrive.
        state = store.state(self.label)
        self.closed, self.failed = state == "closed", state == "failed"
        self.arrived |= store.arrived(self.label, self.missing)
