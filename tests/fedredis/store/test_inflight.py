from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.keys import Kind, Label, RunKeys
from fedredis.store.inflight import Awaited, interrupted, open_rounds

if TYPE_CHECKING:
    from redis import Redis

KEYS = RunKeys("r1")


def test_whom_an_open_round_waits_for(fake: Redis) -> None:
    seconds, micros = fake.time()
    now = seconds * 1000 + micros // 1000
    names, label = KEYS.round(Label(Kind.TRAIN, 7)), "train:7"
    fake.zadd(KEYS.open, {label: now - 9000, "evaluate:6": now - 9500})
    state = {"state": "open", "opened": now - 9000, "deadline": now + 60_000, "expected": 6}
    fake.hset(names.round, mapping={**state, "quorum": "x", "given_up": 1, "given_up:4": 1})
    fake.zadd(names.ids, {"0": 0, "1": 1})
    fake.hset(names.claims, mapping={"2": f"w 2 {now + 3000}", "3": f"w3 {now - 4000}"})
    fake.set(names.arrived, 1)
    event = {"type": "reclaimed", "round": label, "slave": "1", "worker": "w1"}
    fake.xadd(KEYS.events, event, id=f"{now - 5000}-0")
    # The other has been closed in the meantime.
    (found,) = open_rounds(fake, "r1")
    assert (found.label, found.expected, found.arrived, found.quorum) == (
        Label(Kind.TRAIN, 7),
        6,
        1,
        0,
    )
    late = found.open_ms - 9000
    assert 0 <= late < 2000
    assert found.left_ms == 60_000 - late
    assert found.awaited == {
        "0": Awaited("unclaimed", "", 9000 + late),
        "1": Awaited("lost", "w1", 5000 + late),
        "2": Awaited("claimed", "w 2", 9000 + late),
        "3": Awaited("lost", "w3", 4000 + late),
        "4": Awaited("given up", "", 9000 + late),
    }


def test_nothing_is_open(fake: Redis) -> None:
    assert open_rounds(fake, "r1") == ()


def test_runs_without_a_master(fake: Redis) -> None:
    fake.set(KEYS.lease, "token")
    assert interrupted(fake, ["r1", "r2"]) == {"r2"}
