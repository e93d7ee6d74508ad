from fedredis.keys import RoundName, RunKeys
from fedredis.store.inflight import Awaited, interrupted, open_rounds

KEYS = RunKeys("r1")


def test_whom_an_open_round_waits_for(client):
    seconds, micros = client.time()
    now = seconds * 1000 + micros // 1000
    name = RoundName("train", 7)
    names = KEYS.round(name)
    client.zadd(KEYS.open, {str(name): now - 9000, "evaluate:6": now - 9500})
    state = {"state": "open", "opened": now - 9000, "deadline": now + 60_000, "expected": 5}
    client.hset(names.round, mapping={**state, "quorum": "x", "attempts": 3})
    client.zadd(names.ids, {"0": 0})
    client.hset(names.claims, mapping={"1": "w 1", "2": "w2"})
    client.zadd(KEYS.attached("grow"), {"w 1": now + 5000})
    client.hset(names.inside, "3", "update:3")
    client.hset(names.attempts, mapping={"4": 3, "0": 1})
    # The other has been closed in the meantime.
    (found,) = open_rounds(client, "r1", ["grow"])
    assert (found.name, found.expected, found.arrived, found.quorum) == (name, 5, 1, 0)
    late = found.open_ms - 9000
    assert 0 <= late < 5000
    assert found.left_ms == 60_000 - late
    assert found.awaited == {
        "0": Awaited("unclaimed", "", found.open_ms),
        "1": Awaited("claimed", "w 1", found.open_ms),
        "2": Awaited("lost", "w2", found.open_ms),
        "4": Awaited("given up", "", found.open_ms),
    }


def test_nothing_is_open(fake):
    assert open_rounds(fake, "r1", []) == ()


def test_runs_without_a_master(fake):
    fake.set(KEYS.lease, "token")
    assert interrupted(fake, ["r1", "r2"]) == {"r2"}
