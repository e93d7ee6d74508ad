"""The owner's gate: what a round asks is held against the policy, and what leaves is recorded.

Most workers have neither, and don't import what that takes.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedredis.arrays import Sum
from fedredis.exchanges import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fedredis.arrays import Rule, Updates
    from fedredis.config import RunConfig
    from fedredis.exchanges import Exchange
    from fedredis.jobs.desk import Desk
    from fedredis.keys import RoundName
    from fedredis.secure.owner import Owner
    from fedredis.secure.policy import Policy, Request
    from fedredis.store.slave import Handed


@dataclass(frozen=True)
class Gate:
    """A worker's way out; without an owner's policy, or limits, it stands open."""

    owner: Owner | None = None
    #: What is allowed, where more than the owner's file says so.
    limits: Policy | None = None

    @property
    def policy(self) -> Policy | None:
        """What is allowed, if anything is said of it."""
        return self.limits or (self.owner.policy if self.owner else None)

    def check(self, exchange: Exchange, desk: Desk) -> None:
        """See that the slaves' owner allows a round.

        Raises
        ------
        RuleError
            If a rule forbids it.
        """
        policy, record = self.policy, self.owner.record if self.owner else None
        if policy is None:
            return
        from fedredis.exchanges.masked import Masked
        from fedredis.exchanges.unmask import Unmask
        from fedredis.secure.naming import plain_name

        hidden = isinstance(exchange, Masked | Unmask)
        parts = exchange.hiding.parts if isinstance(exchange, Masked | Unmask) else (exchange,)
        sum_ = str(plain_name(exchange.name))
        # Keys and shares say nothing of rows.
        asked = [
            _request(part, desk.run.config, masked=hidden)
            for part in parts
            if part.name.kind in KINDS
        ]
        for slave in desk.slaves if asked else ():
            train, test = desk.counts(slave)
            rows = {"evaluate": test, "inference": train + test}
            # What is masked in one sum is one round.
            today = record.today(slave, desk.run.run_id, sum_) if record else 0
            for one in asked:
                policy.check(one, rows.get(one.kind, train), today)

    def check_counts(self, exchange: Exchange, updates: Updates) -> None:
        """See that no cell of counts that leaves without a mask is of too few rows.

        Raises
        ------
        RuleError
            If one is.
        """
        policy = self.policy
        if policy is not None and isinstance(exchange.rule, Sum):
            pairs = zip(exchange.rule.quantities, updates.stacks, strict=True)
            policy.check_counts([a for q, a in pairs if q.cells])

    def note(self, run: str, handed: Iterable[tuple[RoundName, Sequence[Handed]]]) -> None:
        """Record what is about to leave.

        Raises
        ------
        JournalError
            If it can't be recorded: then it may not leave.
        """
        if self.owner is None or self.owner.record is None:
            return
        from fedredis.secure.record import MEMORY, Left

        record, left = self.owner.record, []
        for name, bundles in handed:
            for one in bundles:
                bundle, schema = one.bundle, one.schema
                shapes = {field.name: field.shape for field in schema.fields}
                digest = schema.sha256(bundle.arrays)
                left += [
                    Left(record.now(), slave, run, str(name), shapes, schema.nbytes, digest)
                    for slave in bundle.slaves
                ]
                if remembers := one.remembers:
                    # The server keeps for each slave what it is given back.
                    shapes = {f"{MEMORY}{field.name}": field.shape for field in remembers.fields}
                    left += [
                        Left(
                            *(record.now(), slave, run, str(name), shapes, remembers.nbytes),
                            sha256=remembers.sha256(arrays),
                        )
                        for slave, arrays in zip(bundle.slaves, one.memories, strict=False)
                    ]
        if left:
            record.write(left)

    def note_failure(self, run: str, name: RoundName, slave: str, line: str) -> None:
        """Record why an attempt failed, which is about to be told, if it may say aught of rows.

        Raises
        ------
        JournalError
            If it can't be recorded: then it may not be told.
        """
        if self.owner is None or self.owner.record is None:
            return
        from fedredis.secure.record import ERROR, Left

        record, text = self.owner.record, line.encode()
        digest = hashlib.sha256(text).hexdigest()
        told = {ERROR: (len(text),)}
        record.write([Left(record.now(), slave, run, str(name), told, len(text), digest)])


def _request(part: Exchange, config: RunConfig, *, masked: bool) -> Request:
    """Say what a round asks of a slave, as its owner sees it."""
    from fedredis.secure.policy import Request

    # Scores are those of a test; a question is to all rows.
    kind = "evaluate" if part.name.kind == "scores" else part.name.kind
    columns = tuple(column.name for column in config.columns)
    if kind == "inference":
        # The label is a column like others.
        columns += (config.reading.label,) if config.reading.label else ()
    # Under masks a slave's memory stays with it.
    memory = None if masked else part.remembers
    kept = sum(field.size for field in memory.fields) if memory else 0
    return Request(
        str(part.name),
        kind,
        columns,
        slaves=len(part.slaves),
        numbers=_numbers(part.rule) + kept,
        masked=masked,
    )


def _numbers(rule: Rule) -> int:
    """Count the numbers of an update that are no counts of rows."""
    if isinstance(rule, Sum):
        numbers = (q for q in rule.quantities if not (q.whole and q.nonnegative))
        return sum(math.prod(quantity.shape) for quantity in numbers)
    return sum(field.size for field in rule.schema.fields)
