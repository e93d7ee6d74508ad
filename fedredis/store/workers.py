"""Which workers are there, and for which slaves each can act."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from fedredis import keys
from fedredis.store.replies import explain, fields, texts
from fedredis.store.scripts import Batch, ask
from fedredis.store.streams import last_id, read, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from redis import Redis

#: Milliseconds for which a worker counts as present after its last sign of life.
PRESENCE_MS = 15_000


@dataclass(frozen=True)
class WorkerCard:
    """What a worker says of itself; names and numbers, never rows."""

    name: str
    host: str
    pid: int
    #: The RQ queue that it serves.
    queue: str
    #: The data set's id and its manifest (JSON): names of columns and classes, counts.
    dataset: str
    manifest: str
    #: The slaves whose data it holds; None for all of the data set's.
    slaves: tuple[str, ...] | None
    #: Of which fedredis it is; empty of one that does not say.
    version: str = ""


@dataclass(frozen=True)
class Seen:
    """A worker that is there, and what its last sign of life has told."""

    card: WorkerCard
    age_ms: int
    #: Share of one core, and MiB of memory; None if it has not told.
    cpu: float | None
    memory_mb: float | None


def announce(client: Redis, card: WorkerCard, vitals: Mapping[str, str]) -> None:
    """Say, or say again, that a worker is there; `vitals` are further fields of its hash."""
    key, batch = keys.worker(card.name), Batch(client, keys.WORKERS)
    slaves = "all" if card.slaves is None else json.dumps(card.slaves)
    told = {**asdict(card), "slaves": slaves, **vitals}
    batch.add("HSET", key, *(word for entry in told.items() for word in entry))
    batch.add("PEXPIRE", key, PRESENCE_MS)
    batch.script("presence", [keys.WORKERS], [card.name, PRESENCE_MS])
    batch.run()


def join(client: Redis, card: WorkerCard) -> None:
    """Announce a new worker, and wake the masters that wait for one."""
    announce(client, card, {})
    tell(client, keys.JOINED, {"worker": card.name}, 100)


def leave(client: Redis, name: str) -> None:
    """Say that a worker is gone."""
    ask(client, keys.WORKERS, "ZREM", keys.WORKERS, name)
    ask(client, keys.WORKERS, "DEL", keys.worker(name))


def present(client: Redis, among: Callable[[str], bool] = lambda name: True) -> list[WorkerCard]:
    """List the workers that are there, by name, and only those whose names are `among` some."""
    names, asked = sorted(filter(among, _present(client))), Batch(client, keys.WORKERS)
    for name in names:
        asked.add("HGETALL", keys.worker(name))
    cards = map(_card, asked.run(errors=True))
    # A card under another's name would speak for whom its writer may not speak for.
    return [c for name, c in zip(names, cards, strict=True) if c and c.name == name]


def seen(client: Redis) -> list[Seen]:
    """List the workers that are there, by name, with what they use."""
    names, asked = sorted(_present(client)), Batch(client, keys.WORKERS)
    for name in names:
        asked.add("HGETALL", keys.worker(name))
        asked.add("PTTL", keys.worker(name))
    replies, found = asked.run(errors=True), list[Seen]()
    for name, hash_, left in zip(names, replies[::2], replies[1::2], strict=True):
        card = _card(hash_)
        if card and card.name == name:
            cpu, memory = (_figure(hash_, of) for of in (b"cpu", b"memory_mb"))
            found.append(Seen(card, max(0, PRESENCE_MS - left), cpu, memory))
    return found


def _present(client: Redis) -> list[str]:
    """Name those whose last sign of life is not too long ago."""
    seconds, micros = ask(client, keys.WORKERS, "TIME")
    now = int(seconds) * 1000 + int(micros) // 1000
    # No script, so that those may ask who only look.
    asked = Batch(client, keys.WORKERS)
    asked.add("ZRANGEBYSCORE", keys.WORKERS, f"({now}", "+inf")
    (there,) = asked.run(errors=True)
    if isinstance(there, ResponseError):
        if (error := explain(keys.WORKERS, there)) is there:
            raise error
        # Who is there says so again in a while, and makes a list of it.
        return []
    return texts(there)


def last_join(client: Redis) -> bytes:
    """Return where to read on for workers that join."""
    return last_id(client, keys.JOINED)


def wait_for_join(client: Redis, after: bytes, seconds: float) -> bytes:
    """Block until a worker joins, at most for some seconds; return where to read on."""
    entries = read(client, keys.JOINED, after, seconds=seconds, count=100)
    return entries[-1][0] if entries else after


def _figure(told: Mapping[bytes, bytes], name: bytes) -> float | None:
    """Read a number that a worker has told, if it is one."""
    try:
        number = float(told.get(name, b""))
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _card(reply: Any) -> WorkerCard | None:
    """Read a card; None if it is gone, or is not as fedredis' own workers write it."""
    try:
        told = fields(reply)
        named: dict[str, Any] = {f.name: told[f.name] for f in dataclass_fields(WorkerCard)[:-1]}
        named["version"] = told.get("version", "")
        named["pid"] = int(named["pid"])
        if named["slaves"] == "all":
            return WorkerCard(**{**named, "slaves": None})
        slaves = json.loads(named["slaves"])
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return None
    if not isinstance(slaves, list) or not all(isinstance(slave, str) for slave in slaves):
        return None
    return WorkerCard(**{**named, "slaves": tuple(slaves)})
