"""A run as a test sees it: where it stands, what has happened, and when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults_server import entries_after, until

from fedredis.arrays import Schema
from fedredis.keys import RoundName, RunKeys
from fedredis.store import runs

if TYPE_CHECKING:
    from redis import Redis

    from fedredis.config import RunConfig
    from fedredis.keys import RoundKeys

SCHEMA = Path(__file__).parents[2] / "docs/schema.md"


@dataclass
class Run:
    """A run on the server of the test."""

    client: Redis
    run_id: str
    config: RunConfig

    @property
    def keys(self) -> RunKeys:
        return RunKeys(self.run_id)

    @property
    def state(self) -> runs.RunState:
        return runs.read(self.client, self.run_id)

    @property
    def history(self) -> dict[str, dict[str, Any]]:
        history = runs.history(self.client, self.run_id)
        return {str(name): entry for name, entry in history.items()}

    @property
    def sha256(self) -> str:
        model = runs.artifact(self.client, self.run_id, self.state.model)
        assert model
        return Schema.of(model).sha256(list(model.values()))

    @property
    def events(self) -> list[tuple[str, dict[str, str]]]:
        """All that has happened: ids and fields."""
        entries: Any = self.client.xrange(self.keys.events)
        return [
            (id_.decode(), {k.decode(): v.decode() for k, v in entry.items()})
            for id_, entry in entries
        ]

    def happened(self, **fields: str) -> list[dict[str, str]]:
        """List the events with these fields."""
        return [event for _, event in self.events if fields.items() <= event.items()]

    def wait_for(self, **fields: str) -> dict[str, str]:
        """Wait until an event with these fields has happened."""
        cursor = b"0-0"
        while not (found := self.happened(**fields)):
            entries = entries_after(self.client, self.keys.events, cursor)
            assert entries, f"no event {fields}"
            cursor = entries[-1][0]
        return found[0]

    def wait_for_lease_to_end(self) -> None:
        until(lambda: not self.client.exists(self.keys.lease))

    def wait_for_history(self, rounds: int) -> None:
        """Wait until so many rounds are committed."""
        until(lambda: self.client.hlen(self.keys.history) >= rounds)

    def wait_for_training(self, *, after: bytes) -> bytes:
        """Wait until a round of training is committed after a moment; return that moment.

        Moments are ids of events: times of the server, whatever the run.
        """
        while True:
            entries = entries_after(self.client, self.keys.events, after)
            assert entries, "this run does not get ahead"
            for after, event in entries:
                if event[b"type"] == b"committed" and event[b"round"].startswith(b"train"):
                    return after

    def left_behind(self) -> list[str]:
        """List the keys that are there for good, and that docs/schema.md does not let stay."""
        rows = SCHEMA.read_text().partition("<!-- table: keys -->")[2].partition("\n\n")[0]
        stays = [row.split("|")[1].strip(" `") for row in rows.splitlines() if "| stays |" in row]
        names = re.compile("|".join(re.sub(r"<\w+>", r"[\\w.-]+", re.escape(n)) for n in stays))
        found = map(bytes.decode, self.client.scan_iter(f"{self.keys.run}*"))
        return [k for k in found if self.client.pttl(k) == -1 and not names.fullmatch(k)]

    def round(self, name: str) -> RoundKeys:
        return self.keys.round(RoundName.parse(name))

    def is_in(self, name: str, slave: str) -> bool:
        """Say whether a slave's update is in."""
        return bool(self.client.hexists(self.round(name).inside, slave))

    def let_deadline_pass(self, name: str, *, arrived: int) -> None:
        """Wait until so many updates of a round are in, and let its deadline be over."""
        self.wait_for(type="opened", round=name)
        until(lambda: self.client.hlen(self.round(name).inside) == arrived)
        self.client.hset(self.round(name).round, "deadline", 0)

    def assert_nothing_of(self, name: str) -> None:
        """See that a round has left no trace in what is committed."""
        number = RoundName.parse(name).number
        assert name not in self.history
        assert self.state.round == number - 1
        assert self.state.model == f"model:{number - 1}"
        assert not self.client.exists(self.keys.artifact(f"model:{number}"))
