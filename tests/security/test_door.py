"""Whatever stands in Redis: each command that reads it ends in a value or in one line."""

from __future__ import annotations

import json
import random
import signal
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ResponseError

from fedredis.connection import connect
from fedredis.data.cut import write_partitions
from fedredis.jobs.naming import queue_name
from fedredis.keys import RoundName, RunKeys
from fedredis.rounds.master import create_run
from fedredis.store import runs, workers
from fedredis.store.master import MasterStore
from fedredis.store.slave import Ask, SlaveStore
from fedredis.store.turns import Opening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from redis import Redis

SEED = 9
#: What stands where something else should.
ODD: tuple[Any, ...] = (
    *(
        b"",
        b"x",
        b"0",
        b"-1",
        b"1e400",
        b"nan",
        b"NaN",
        b"9" * 400,
        b"9223372036854775807",
        b"1.5",
    ),
    *(b"\xff\xfe", b"\x1b[31m[bold]x", b"null", b"true", b"[]", b"{}", b'""', b'"\\ud800"'),
    *(b"[" * 100_000, b'{"a":' * 5000, b"[1e999]", b"../x", b"train:1", b"*", b"k" * 10_000),
)
#: What stands for something in JSON.
ODD_JSON: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 10**30, 1e300, float("nan"), float("inf"), "", "x", "\ud800"),
    *("\x1b[31m", [], {}, [[]], [None], {"": None}, 10**9, -(2**63), "9" * 5000),
)
VALUES = "size=90,age=3"


@pytest.fixture(scope="module")
def state(
    embedded, tmp_path_factory: pytest.TempPathFactory, pets
) -> tuple[str, str, dict[bytes, bytes]]:
    """Make a run that is finished and one that is on its way; return both, and all keys."""
    import fedredis

    folder = tmp_path_factory.mktemp("pets") / "parts"
    manifest = write_partitions(pets, folder, 3, seed=1, test_fraction=0.2)
    with connect(embedded.url) as client:
        client.flushall()
        done = fedredis.run(
            folder, rounds=2, strategy="fedadam", workers=1, redis_url=embedded.url, patience=2
        ).run
        config = runs.read(client, done).config
        going = replace(config, lease_ms=100, round_timeout_ms=100, attempts=1)
        begun = create_run(client, going)
        keys, train = RunKeys(begun), RoundName("statistics", 1)
        master = MasterStore(client, keys, token="me", lease_ms=100)
        master.acquire()
        asked = {"expected": 3, "quorum": 3, "timeout_ms": 100, "attempts": 2}
        reads = {"known": "preprocessing:0"}
        master.turn([], [Opening(train, "statistics", None, **asked, reads=reads)])
        slave = SlaveStore(client, keys, worker="w-1", lease_ms=10**9, alone="1")
        slave.attach("statistics")
        (claim,) = slave.visit([], [Ask(train, "statistics", ("1",), take_any=False)]).claims
        assert claim
        slave.fail(claim, "1", traceback="ValueError: no")
        master.warn("a warning")
        card = workers.WorkerCard(
            "w-1",
            "host",
            1,
            queue_name(manifest.dataset, None),
            manifest.dataset,
            manifest.to_json(),
            None,
        )
        workers.join(client, card)
        # As long as this test goes on.
        client.persist(workers.keys.worker("w-1"))
        client.persist(workers.keys.WORKERS)
        client.zadd(workers.keys.WORKERS, {"w-1": 2**52})
        client.persist(keys.attached("statistics"))
        client.delete(keys.lease)
        return done, begun, {key: client.dump(key) for key in client.scan_iter("fedredis:*")}


def mutated(rng: random.Random, value: bytes) -> bytes:
    """Change something in a value, a number or a leaf of its JSON, or all of it."""
    how = rng.random()
    if how < 0.2 or not value:
        return bytes(rng.choice(ODD))
    if how < 0.4:
        place = rng.randrange(len(value))
        return value[:place] + rng.choice([b"", bytes([rng.randrange(256)])]) + value[place + 1 :]
    try:
        found = json.loads(value)
    except ValueError:
        return value[: rng.randrange(len(value))] + bytes(rng.choice(ODD))
    return json.dumps(leaf(rng, found)).encode("utf-8", "surrogatepass")


def leaf(rng: random.Random, value: Any) -> Any:
    """Replace, remove or add something somewhere in a JSON value."""
    if isinstance(value, dict | list) and value and rng.random() < 0.85:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        place = rng.choice(list(keys))
        changed = value.copy()
        if rng.random() < 0.15:
            del changed[place]
        else:
            changed[place] = leaf(rng, value[place])
        return changed
    return rng.choice(ODD_JSON)


def spoil(rng: random.Random, client: Redis, key: bytes) -> str:
    """Mutate what a key holds; say how."""
    kind, how = client.type(key).decode(), rng.random()
    if how < 0.05:
        client.delete(key)
        return "gone"
    if how < 0.12:
        client.delete(key)
        client.rpush(key, b"x") if kind != "list" else client.set(key, b"x")
        return "of another kind"
    if kind == "hash":
        field, value = rng.choice(sorted(client.hgetall(key).items()))
        if how < 0.2:
            client.hdel(key, field)
            return f"without {field!r}"
        field = bytes(rng.choice(ODD))[:200] if how < 0.25 else field
        new = mutated(rng, value)
        client.hset(key, field, new)
        return f"{field!r}: {new[:300]!r}"
    if kind == "list":
        place = rng.randrange(client.llen(key))
        new = mutated(rng, client.lindex(key, place) or b"")
        client.lset(key, place, new)
        if how < 0.2:
            client.rpush(key, *[b""] * 1000)
        return f"[{place}]: {new[:300]!r}"
    if kind == "zset":
        new, score = bytes(rng.choice(ODD))[:200], rng.choice([-1.0, 1e300, float("inf"), 0.5])
        client.zadd(key, {new: score})
        return f"{new!r} at {score}"
    if kind == "stream":
        id_ = rng.choice(["*", "18446744073709551615-18446744073709551615"])
        client.xadd(key, {bytes(rng.choice(ODD))[:200]: rng.choice(ODD)}, id=id_)
        return f"an entry {id_}"
    client.set(key, rng.choice(ODD))
    return "a string"


@pytest.fixture
def ask(call, embedded, tmp_path: Path) -> Iterator[Callable[[int, str, str, str], None]]:
    """Return a function that calls a command and sees that it ends in a value or in a line."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, stop)

    def ask(number: int, done: str, begun: str, how: str) -> None:
        run = (done, begun)[number % 2]
        ways = (
            *(("runs",), ("runs", "--json"), ("show", run), ("show", run, "--json")),
            *(("errors", run), ("errors", run, "--json"), ("doctor",)),
            ("predict", "--run", done, "--values", VALUES),
            ("export", done, "--out", tmp_path / "m.npz", "--force"),
            ("resume", run, "--workers", 0, "--wait-timeout", 0),
        )
        command = ways[number // 2 % len(ways)]
        # A run of which a mutation has made one that waits for long is stopped.
        signal.setitimer(signal.ITIMER_REAL, 3 if command[0] == "resume" else 60)
        answer = call(*command, "--redis-url", embedded.url)
        signal.setitimer(signal.ITIMER_REAL, 0)
        told = f"{' '.join(map(str, command))} after {how}: {answer.err[-500:]}"
        assert answer.code in (0, 1, 2, 130), told
        for word in ("Traceback", "internal error", "Redis failed: ", "\x1b"):
            assert word not in answer.err, told
        assert answer.code in (0, 130) or answer.err.splitlines()[-1].startswith("fedredis: "), (
            told
        )

    yield ask
    signal.signal(signal.SIGALRM, previous)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("times", [300, pytest.param(100_000, marks=pytest.mark.soak)])
def test_a_value_or_a_line(state, ask, embedded, times: int) -> None:
    """All but `resume` change nothing; what `resume` changes is put back."""
    done, begun, dumped = state
    with ExitStack() as stack:
        client = stack.enter_context(connect(embedded.url))
        client.flushall()
        rng, keys, dirty = random.Random(SEED), sorted(dumped), True
        for number in range(times):
            if dirty:
                client.flushall()
                for key, value in dumped.items():
                    client.restore(key, 0, value)
            key = rng.choice(keys)
            try:
                how = spoil(rng, client, key)
            except ResponseError as refused:  # such as an id that is too small
                how = str(refused)
            ask(number, done, begun, f"{key!r} {how}, {number}")
            if dirty := number // 2 % 10 == 9:
                continue
            client.restore(key, 0, dumped[key], replace=True)


def test_every_value_of_a_key_that_is_read(state) -> None:
    """There is something of all kinds of keys for the mutations."""
    *_, dumped = state
    last = {key.rpartition(b"}")[2].split(b":")[1] for key in dumped if b"}:" in key}
    expected = "events work open history everyone slaves warnings model preprocessing strategy"
    assert {*expected.split(), "round", "slave"} <= {name.decode() for name in last}
    assert {b"fedredis:runs", b"fedredis:workers", b"fedredis:joined"} <= dumped.keys()
