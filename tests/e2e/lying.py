"""Who lies to slaves: a master that speaks through the store, or somebody who writes to Redis."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fedredis.arrays import Bundle, Schema, blob
from fedredis.errors import RoundFailedError
from fedredis.exchanges import Setup, job_of, make
from fedredis.exchanges.circles import slot_of
from fedredis.exchanges.plan import Progress
from fedredis.exchanges.plans import plan_of
from fedredis.exchanges.unmask import Unmask
from fedredis.jobs.dispatch import Dispatcher
from fedredis.keys import RoundName, RunKeys
from fedredis.rounds.engine import Engine
from fedredis.rounds.master import _progress
from fedredis.secure.naming import masked_name
from fedredis.secure.unmasking import Unmasking
from fedredis.store import runs
from fedredis.store.incoming import Incoming
from fedredis.store.master import MasterStore
from fedredis.store.replies import texts
from fedredis.store.turns import Opening

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis import Redis

    from fedredis.arrays import Named
    from fedredis.config import RunConfig
    from fedredis.exchanges import Exchange


class Until:
    """A plan that ends before a round, and keeps where its run stands then."""

    def __init__(self, setup: Setup, before: str) -> None:
        self.plan, self.before, self.progress = plan_of(setup), before, Progress()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plan, name)

    def due(self, progress: Progress, under_way: Any = ()) -> list[Exchange]:
        """List what comes next, but for that round and all after it."""
        self.progress = progress
        due = self.plan.due(progress, under_way)
        return [] if self.before in {str(exchange.name) for exchange in due} else due


@dataclass(frozen=True)
class Answers:
    """What came back of a round: bundles by slave, and what the others have said."""

    given: Mapping[str, Bundle]
    refused: Mapping[str, str]

    @property
    def rules(self) -> dict[str, str]:
        """Name the rule by which each slave has refused; whatever names none as it is."""
        return {
            slave: line.split("'")[1] if " by the rule '" in line else line
            for slave, line in self.refused.items()
        }


class Watcher:
    """One who sees all that is in Redis of a run, and can write there."""

    def __init__(self, client: Redis, run_id: str, setup: Setup, progress: Progress) -> None:
        self.client, self.keys = client, RunKeys(run_id)
        self.setup, self.plan, self.progress = setup, plan_of(setup), progress
        #: All that it has seen leave slaves: who, in which round, and the digest of it.
        self.left: list[tuple[str, str, str]] = []
        #: Of each round the shares that were given away, by whom, and for which set.
        self.shares: list[tuple[str, str, frozenset[int], Any]] = []

    @classmethod
    def of(cls, client: Redis, run_id: str) -> Self:
        """Look at a run where it stands."""
        setup = Setup(runs.read(client, run_id).config, run=run_id)
        return cls(client, run_id, setup, _progress(client, run_id, plan_of(setup)))

    def put(self, name: str, named: Named) -> tuple[str, str]:
        """Write an artifact down, whatever was there; return its name and version."""
        schema, (key, parts) = Schema.of(named), (self.keys.artifact(name), self.keys.parts(name))
        told = {"schema": schema.to_json(), "version": secrets.token_hex(4)}
        self.client.delete(key, parts)
        self.client.rpush(parts, *blob.pack(schema, list(named.values()), schema.about))
        self.client.hset(key, mapping=told)
        return name, told["version"]

    def show(self, name: str, **other: Named) -> None:
        """Show slaves other arrays in an open round than its master does."""
        task = self.keys.round(RoundName.parse(name)).task
        reads = json.loads(self.client.hget(task, "reads"))
        forged = {role: self.put(f"forged:{role}", named) for role, named in other.items()}
        self.client.hset(task, "reads", json.dumps(reads | forged))

    def given(self, name: str, **other: Named) -> dict[str, Named]:
        """Return what slaves are to be given in a round, some of it as this master likes it."""
        there = self.progress.artifacts
        reads = self.plan.reads(RoundName.parse(name), self.progress)
        return {role: there[a] for role, a in reads.items() if a in there} | other

    def seen(self, text: str, **other: Named) -> Answers:
        """Look at what has come in for a round, in which slaves were shown `other` arrays."""
        name, reads = RoundName.parse(text), self.given(text, **other)
        given: dict[str, Bundle] = {}
        for _, _, parts in Incoming(self.client, self.keys).bundles({name: 0}):
            # Of what slaves refuse, this process makes nothing either.
            exchange = make(self.setup, name, reads)
            rule = exchange.rule
            schema = rule.schema.stacked(1) if rule.apart else rule.schema
            bundle = Bundle.of(schema, parts)
            (slave,) = bundle.slaves
            self.left.append((slave, str(name), schema.sha256(bundle.arrays)))
            given[slave] = bundle
            if isinstance(exchange, Unmask):
                helped = slave, str(name), frozenset(exchange.inside), bundle.arrays[0][0]
                self.shares.append(helped)
        failed = texts(self.client.hkeys(self.keys.round(name).attempts))
        batch = (self.client.hget(self.keys.slave(slave), "error") for slave in failed)
        return Answers(given, {s: e.decode() for s, e in zip(failed, batch, strict=True)})

    def place(self, slave: str) -> int:
        """Return a slave's place."""
        return self.setup.config.slave_ids.index(slave)

    def inside(self, masked: Answers, *slaves: str) -> Named:
        """Say that some slaves are in a sum, with what they vouch for."""
        arrays = [masked.given[slave].arrays[1] for slave in slaves if slave in masked.given]
        places = np.array([self.place(slave) for slave in slaves])
        return {"inside": places, "tags": np.add.reduce(arrays, axis=0)}

    def unmasked(
        self, name: str, masked: Answers, slaves: Sequence[str], **other: Named
    ) -> list[int] | None:
        """Take the masks off the sum of some slaves with all that was ever given away.

        None if that is not enough.
        """
        round_ = RoundName.parse(name)
        exchange: Any = make(self.setup, masked_name(round_), self.given(name, **other))
        hiding, slot = exchange.hiding, slot_of(self.setup, round_)
        vaults = self.progress.artifacts[f"vaults:{slot.batch}"]
        rows, inside = list(hiding.asked.values()), frozenset(map(self.place, slaves))
        unmasking = Unmasking(
            *(hiding.circle, hiding.context, hiding.members, inside),
            *(list(vaults[what][rows, slot.place]) for what in ("seals", "vaults")),
        )
        helped: dict[int, Any] = {}
        for slave, of, told, shares in self.shares:
            # Of a b where the slave is to be in the sum, of a k where not.
            fits = [of == name and (m in inside) == (m in told) for m in hiding.members]
            place, some = self.place(slave), shares * np.array(fits)[:, np.newaxis]
            helped[place] = np.where(some.any(axis=1)[:, np.newaxis], some, helped.get(place, 0))
        sent = np.add.reduce([masked.given[slave].arrays[0] for slave in slaves])
        try:
            found: list[int] = unmasking.total(sent, helped).tolist()
        except RoundFailedError:
            return None
        return found


class Liar(Watcher):
    """One who drives a run honestly up to a round, and lies from there on."""

    def __init__(self, client: Redis, config: RunConfig, run_id: str, before: str = "") -> None:
        super().__init__(client, run_id, Setup(config, run=run_id), Progress())
        if not client.exists(self.keys.run):
            # Whatever `check` would say of it.
            runs.create(client, run_id, config)
        self.tell(config)
        plan = Until(self.setup, before)
        if before:
            self._engine(plan).drive(plan.progress)
        self.plan, self.progress = plan.plan, plan.progress

    def tell(self, config: RunConfig) -> None:
        """Ask for something else in the same run from now on."""
        self.config, self.setup = config, Setup(config, run=self.keys.run_id)
        self.client.hset(self.keys.run, "config", config.to_json())
        self.client.delete(self.keys.lease)
        self.store = MasterStore(self.client, self.keys, token="liar", lease_ms=60_000)
        self.store.acquire()
        self.dispatch = Dispatcher(
            *(self.client, self.store, config),
            own_workers=0,
            revive=lambda: None,
            clock=time.monotonic,
        )

    def _engine(self, plan: Any) -> Engine:
        told = {"report": lambda name, entry: None, "clock": time.monotonic}
        return Engine(self.store, plan, dispatch=self.dispatch, **told)

    def ask(self, name: str, *slaves: str, **other: Named) -> Answers:
        """Open a round anew, whatever has become of it before, and wait for all who are asked.

        `other` arrays are shown to the slaves, by what they are for.
        """
        round_, given = RoundName.parse(name), self.given(name, **other)
        for key in self.client.scan_iter(match=f"*:round:{name}*", count=1000):
            self.client.delete(key)
        self.client.hdel(self.keys.history, name)
        cursor = (self.client.xrevrange(self.keys.events, count=1) or [(b"0-0", {})])[0][0]
        self.store.acquire()
        asked = slaves or self.config.slave_ids
        opening = Opening(
            name=round_,
            job=job_of(self.setup, round_),
            slaves=asked,
            expected=len(asked),
            # It is over once each has answered somehow.
            quorum=0,
            timeout_ms=30_000,
            attempts=1,
            reads={role: self.put(f"lie:{role}", named)[0] for role, named in given.items()},
            task={"config": self.config.digest.hex()},
        )
        (opened,) = self.store.turn([], [opening])
        self.dispatch(round_, opening.job, len(asked), opened.attached)
        while b"closed" not in self._heard(name, cursor):
            pass
        answers = self.seen(name, **other)
        assert {*answers.given, *answers.refused} == {*asked}
        return answers

    def _heard(self, name: str, cursor: Any) -> set[bytes]:
        heard: Any = self.client.xread({self.keys.events: cursor}, block=20_000)
        assert heard, f"{name}: nothing happens"
        events = [
            fields for _, fields in self.client.xrange(self.keys.events, f"({cursor.decode()}")
        ]
        return {e[b"type"] for e in events if e.get(b"round") == name.encode()}
