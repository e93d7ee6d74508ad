"""What a worker does for slaves that it has claimed, and what it hands in."""

from __future__ import annotations

import logging
import sys
import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from redis.exceptions import RedisError

from fedredis.errors import (
    ArtifactGoneError,
    BlobError,
    BoundError,
    DataError,
    JournalError,
    RuleError,
)
from fedredis.jobs.desk import Desk
from fedredis.secure.naming import plain_name
from fedredis.store.replies import reads_of
from fedredis.store.slave import Handed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedredis.arrays import Updates
    from fedredis.exchanges import Exchange
    from fedredis.jobs.context import WorkerContext
    from fedredis.jobs.idle import Idle
    from fedredis.jobs.view import RunView
    from fedredis.store.slave import Claim

logger = logging.getLogger("fedredis.worker")

#: Kinds of rounds in which a slave trains for the first time.
FIRST = ("train", "grow")
#: Errors of which a line says all: nothing is wrong with the program.
SAID = (RuleError, DataError, BoundError, JournalError, BlobError)
#: The rules whose refusal says something of rows.
OF_ROWS = ("least_cell",)


@dataclass(frozen=True, eq=False)
class Done:
    """What was computed for slaves that were claimed, and is to be handed in."""

    claim: Claim
    exchange: Exchange
    updates: Updates

    def handed(self) -> list[Handed]:
        """Add the slaves up as far as may be."""
        rule = self.exchange.rule
        memories = dict(zip(self.updates.slaves, self.updates.memories, strict=False))
        return [
            Handed(
                self.claim,
                bundle,
                rule.schema.stacked(len(bundle.slaves)) if rule.apart else rule.schema,
                [memories[slave] for slave in bundle.slaves] if memories else (),
                self.exchange.remembers,
            )
            for bundle in rule.bundles(self.updates)
        ]

    def timed(self, ms: float) -> Done:
        """Have each slave tell how long it took: the average of those worked for at once."""
        told = {"ms": np.full(len(self.updates.slaves), round(ms, 3))}
        return replace(self, updates=replace(self.updates, facts={**self.updates.facts, **told}))

    def without(self, slaves: set[str]) -> Done | None:
        """Return what is left without some slaves, if anything is."""
        places = [i for i, slave in enumerate(self.updates.slaves) if slave not in slaves]
        return replace(self, updates=self.updates.take(places)) if places else None


@dataclass(frozen=True)
class Labour:
    """A worker's work for the slaves of a run."""

    context: WorkerContext
    run: RunView
    #: What is put off until the worker waits.
    idle: Idle

    def contribute(
        self, claim: Claim, exchange: Exchange, task: Mapping[str, str], slaves: Sequence[str]
    ) -> list[Done]:
        """Do the slaves' work; those that fail are reported, the others' is returned."""
        gate = self.context.gate
        try:
            if plain_name(claim.name).kind in FIRST and claim.name.number == 1:
                for slave in slaves:
                    self._warn(slave, exchange)
            desk = self._desk(exchange, task, slaves)
            gate.check(exchange, desk)
            updates = exchange.local(desk)
            gate.check_counts(exchange, updates)
        except (ArtifactGoneError, RedisError):
            raise
        except (Exception, SystemExit) as error:
            # A model of the user's own may call for an exit; so does RQ, of a worker that stops.
            if isinstance(error, SystemExit) and self.context.stopping():
                raise
            if len(slaves) > 1:
                # One by one, so that a slave that fails takes no other with it.
                each = [self.contribute(claim, exchange, task, [slave]) for slave in slaves]
                return [one for some in each for one in some]
            nothing = exchange.abstain(slaves) if isinstance(error, RuleError) else None
            if nothing is not None:
                return [Done(claim, exchange, nothing)]
            self.fail(claim, slaves[0])
            return []
        return [Done(claim, exchange, updates)]

    def fail(self, claim: Claim, slave: str) -> None:
        """Report the exception at hand as a slave's failed attempt."""
        name, error = claim.name, sys.exc_info()[1]
        told = {"run": self.run.run_id, "round": str(name), "slave": slave}
        line, known = str(error), isinstance(error, SAID)
        if not known:
            logger.exception("slave %s failed in round %s", slave, name, extra=told)
            line = traceback.format_exc()
        # Whatever else masks and owners refuse says nothing of rows.
        of_rows = isinstance(error, RuleError) and error.rule in OF_ROWS
        if of_rows or not isinstance(error, RuleError | JournalError):
            try:
                self.context.gate.note_failure(self.run.run_id, name, slave, line)
            except JournalError as unwritten:
                line, known = str(unwritten), True
        if known:
            logger.warning("slave %s in round %s: %s", slave, name, line, extra=told)
        self.run.store.fail(claim, slave, traceback=line)

    def _warn(self, slave: str, exchange: Exchange) -> None:
        """Say what is likely to be a mistake in a slave's rows, before it first trains."""
        known = getattr(exchange, "known", None)
        # A masked sum has it inside; where it is unmasked, all is said.
        if known is None:
            return
        for line in self.context.inputs.alone(slave, self.run.setup, known):
            told = {"run": self.run.run_id, "slave": slave}
            logger.warning("slave %s: %s", slave, line, extra=told)

    def _desk(self, exchange: Exchange, task: Mapping[str, str], slaves: Sequence[str]) -> Desk:
        memories = {}
        if exchange.remembers is not None:
            before, schema = exchange.name.number, exchange.remembers
            found = self.run.store.memories(slaves, before, schema)
            memories = dict(zip(slaves, found, strict=True))
        _, version = reads_of(task).get("known", ("", ""))
        owner = self.context.gate.owner
        return Desk(slaves, self.run, self.context.inputs, version, self.idle, memories, owner)
