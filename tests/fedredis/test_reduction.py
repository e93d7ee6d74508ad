"""The sum of a round's updates: the same bits however they come, and nothing unsound in it."""

from __future__ import annotations

import itertools
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis import codec, reduction
from fedredis.codec import Field, Schema
from fedredis.keys import Kind, Label, RunKeys
from fedredis.reduction import Reduction
from fedredis.store.master import MasterStore
from fedredis.store.slave import Packed
from fedredis.update import BODY, MOST_SAMPLES, Bound, Update, pack, pack_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis import Redis

TRAIN = Label(Kind.TRAIN, 1)
SCHEMA = Schema((Field("weights", "<f8", (2, 3)), Field("rows", "<i8", (1,))))
SLAVES = ("0", "1", "2", "3", "10")
#: As many as make several chunks of three, the last one short.
MANY = tuple(str(slave) for slave in range(40))


class Recording(MasterStore):
    """A master's store that notes whose updates were fetched together."""

    def updates(self, label: Label, slaves: Any) -> Any:
        self.fetched = [*getattr(self, "fetched", []), list(slaves)]
        return super().updates(label, slaves)


@pytest.fixture
def store(fake: Redis) -> Recording:
    return Recording(fake, RunKeys("r1"), token="me", lease_ms=1000)


@pytest.fixture(params=[1, 3, 1000])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Let so many updates be fetched at once."""
    monkeypatch.setattr(reduction, "FETCH_COUNT", request.param)
    return request.param


def arrays(slave: str) -> list[Any]:
    # Of very different sizes, so that another order gives other bits.
    rng = np.random.default_rng(int(slave))
    return [rng.normal(0, 10.0 ** int(slave[-1]) * 7, (2, 3)), np.array([int(slave)])]


def packed(slave: str, samples: int = 10, weights: float | None = None) -> bytes:
    of_slave = arrays(slave)
    if weights is not None:
        of_slave[0][1, 2] = weights
    return pack(SCHEMA, Update(samples, of_slave))


def put(fake: Redis, *slaves: str, update: bytes | None = None) -> None:
    for slave in slaves:
        key = f"fedredis:{{r1}}:round:train:1:update:{slave}"
        fake.set(key, packed(slave) if update is None else update)


def in_order(slaves: Sequence[str]) -> bytes:
    total = SCHEMA.zeros()
    for slave in slaves:
        for whole, part in zip(total, arrays(slave), strict=True):
            whole += part
    return SCHEMA.encode(total)


def test_a_new_one_has_counted_nobody() -> None:
    summing = Reduction(TRAIN, SCHEMA, SLAVES)
    assert (summing.label, summing.slaves, summing.complete) == (TRAIN, SLAVES, False)
    assert (summing.counted, summing.samples, summing.missing, summing.refused) == (0, 0, [], {})


def test_the_sum_is_the_same_bits_whatever_the_order_of_arrival(
    fake: Redis, store: Recording, chunk: int
) -> None:
    assert in_order(SLAVES) != in_order(SLAVES[::-1])
    for order in itertools.permutations(SLAVES):
        fake.flushall()
        summing = Reduction(TRAIN, SCHEMA, SLAVES)
        for slave in order:
            summing.advance(store, closed=False)
            assert not summing.complete
            put(fake, slave)
        summing.advance(store, closed=False)
        assert summing.complete
        assert SCHEMA.encode(summing.total) == in_order(SLAVES)
        assert (summing.counted, summing.samples) == (5, 50)
        assert (summing.missing, summing.refused) == ([], {})


def test_the_sum_of_many_is_the_same_bits_in_chunks(
    fake: Redis, store: Recording, chunk: int
) -> None:
    put(fake, *MANY)
    summing = Reduction(TRAIN, SCHEMA, MANY)
    summing.advance(store, closed=True)
    assert SCHEMA.encode(summing.total) == in_order(MANY)
    assert (summing.counted, summing.samples) == (40, 400)
    assert [len(part) for part in store.fetched] == {1: [1] * 40, 3: [3] * 13 + [1], 1000: [40]}[
        chunk
    ]


@pytest.mark.parametrize("nbytes", [1, 3, 1000])
def test_the_sum_of_many_is_the_same_bits_whatever_the_bytes_fetched(
    fake: Redis, store: Recording, monkeypatch: pytest.MonkeyPatch, nbytes: int
) -> None:
    monkeypatch.setattr(reduction, "FETCH_BYTES", nbytes)
    put(fake, *MANY)
    summing = Reduction(TRAIN, SCHEMA, MANY)
    summing.advance(store, closed=False)
    assert SCHEMA.encode(summing.total) == in_order(MANY)
    assert len(store.fetched[0]) == max(1, nbytes // 56)


@pytest.mark.parametrize("k", [1, 2, 3, 7, 8, 9, 127, 128, 129, 1000])
@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<i4", "<i8"])
def test_a_stack_of_any_height_is_summed_one_after_the_other(k: int, dtype: str) -> None:
    """NumPy's own sum adds in pairs, from eight terms on, in another order."""
    rng = np.random.default_rng(k)
    for shape in ((), (1,), (5,), (3, 4)):
        sizes = 10 ** rng.uniform(-4, 4, (k, *shape))
        stack = (rng.normal(0, 100, (k, *shape)) * sizes).astype(dtype)
        total = np.asarray(rng.normal(0, 1e3, shape)).astype(dtype)
        expected = np.array(total)
        for term in stack:
            expected = (expected + term).astype(dtype)
        summed = reduction._sum(total, stack)
        assert (summed.dtype, summed.shape) == (np.dtype(dtype), shape)
        assert summed.tobytes() == expected.tobytes()


def test_who_is_ahead_of_its_turn_waits_in_redis(fake: Redis, store: Recording) -> None:
    summing = Reduction(TRAIN, SCHEMA, SLAVES)
    put(fake, "0", "2", "3")
    summing.advance(store, closed=False)
    assert (summing.counted, summing.complete) == (1, False)
    put(fake, "1")
    summing.advance(store, closed=False)
    assert (summing.counted, summing.complete) == (4, False)
    assert SCHEMA.encode(summing.total) == in_order(SLAVES[:4])
    # Nobody is fetched again who has had a turn.
    assert store.fetched == [list(SLAVES), list(SLAVES[1:])]


def test_who_is_missing_at_the_close_is_passed_over(
    fake: Redis, store: Recording, chunk: int
) -> None:
    put(fake, "1", "10")
    summing = Reduction(TRAIN, SCHEMA, SLAVES)
    summing.advance(store, closed=False)
    assert (summing.counted, summing.missing) == (0, [])
    for _ in range(2):
        summing.advance(store, closed=True)
        assert summing.complete
        assert (summing.counted, summing.samples) == (2, 20)
        assert summing.missing == ["0", "2", "3"]
        assert SCHEMA.encode(summing.total) == in_order(("1", "10"))


def test_a_round_that_closed_without_anybody(store: Recording) -> None:
    summing = Reduction(TRAIN, SCHEMA, SLAVES)
    summing.advance(store, closed=True)
    assert (summing.complete, summing.counted, summing.missing) == (True, 0, list(SLAVES))
    assert SCHEMA.encode(summing.total) == SCHEMA.encode(SCHEMA.zeros())


def test_a_round_of_nobody_is_complete(store: Recording) -> None:
    summing = Reduction(TRAIN, SCHEMA, ())
    assert summing.complete
    summing.advance(store, closed=False)
    assert not hasattr(store, "fetched")


def test_updates_are_fetched_a_few_at_a_time(
    fake: Redis, store: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reduction, "FETCH_BYTES", 2 * SCHEMA.nbytes)
    put(fake, *SLAVES)
    Reduction(TRAIN, SCHEMA, SLAVES).advance(store, closed=False)
    assert store.fetched == [["0", "1"], ["2", "3"], ["10"]]
    monkeypatch.setattr(reduction, "FETCH_BYTES", 1)
    store.fetched = []
    Reduction(TRAIN, SCHEMA, SLAVES).advance(store, closed=False)
    assert store.fetched == [[slave] for slave in SLAVES]


def test_a_schema_without_bytes_is_fetched_in_whole_chunks(
    fake: Redis, store: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reduction, "FETCH_COUNT", 2)
    nothing = Schema(())
    put(fake, *SLAVES, update=pack(nothing, Update(3, [])))
    summing = Reduction(TRAIN, nothing, SLAVES)
    summing.advance(store, closed=True)
    assert store.fetched == [["0", "1"], ["2", "3"], ["10"]]
    assert (summing.counted, summing.samples, summing.total) == (5, 15, [])


GOOD = packed("2")
OTHER = Schema.of(weights=np.ones((3, 2)), rows=np.ones(2))
#: Updates of slave 2 that can't be counted, and why.
REFUSED: dict[str, tuple[bytes, str]] = {
    "nan": (packed("2", weights=np.nan), "array 'weights' is not finite"),
    "infinity": (packed("2", weights=np.inf), "array 'weights' is not finite"),
    "minus infinity": (packed("2", weights=-np.inf), "array 'weights' is not finite"),
    "1e300": (packed("2", weights=1e300), "away from the global model, more than 1e+12"),
    "wrong shape": (
        pack(OTHER, Update(10, [np.ones((3, 2)), np.ones(2)])),
        "64 bytes where 56 are expected",
    ),
    "wrong dtype": (
        pack(Schema.of(weights=np.ones(14, "<i4")), Update(10, [np.full(14, -1, "<i4")])),
        "array 'weights' is not finite",
    ),
    "half of the bytes": (GOOD[: len(GOOD) // 2], "are expected"),
    "truncated": (GOOD[:-8], "48 bytes where 56 are expected"),
    "trailing": (GOOD + b"\0" * 8, "64 bytes where 56 are expected"),
    "damaged": (GOOD[:-1] + b"!", "the checksum does not match"),
    "empty": (b"", "not a fedredis blob"),
    "pickle": (b"\x80\x04K\x01.", "not a fedredis blob"),
    "oversize": (GOOD + bytes(2_000_000), "2000056 bytes where 56 are expected"),
    "no rows": (packed("2", 0), "0 is not a number of rows"),
    "negative rows": (packed("2", -1), "-1 is not a number of rows"),
    "too many rows": (packed("2", MOST_SAMPLES + 1), "is not a number of rows"),
    "rows that overflow the sum": (packed("2", 2**63 - 1), "is not a number of rows"),
}
FAR = Bound([np.zeros((2, 3)), np.zeros(1)], 1e12)


@pytest.mark.parametrize(("update", "reason"), REFUSED.values(), ids=REFUSED)
def test_an_update_that_is_refused_is_not_in_the_sum(
    fake: Redis, store: Recording, chunk: int, update: bytes, reason: str
) -> None:
    put(fake, *SLAVES)
    put(fake, "2", update=update)
    summing = Reduction(TRAIN, SCHEMA, SLAVES, FAR)
    summing.advance(store, closed=False)
    assert summing.complete
    assert (summing.counted, summing.samples, summing.missing) == (4, 40, [])
    assert list(summing.refused) == ["2"]
    assert reason in summing.refused["2"]
    assert SCHEMA.encode(summing.total) == in_order(("0", "1", "3", "10"))


def test_all_kinds_of_refused_updates_among_good_ones(
    fake: Redis, store: Recording, chunk: int
) -> None:
    """Two good ones, then one of each kind, over and over; the first and the last are bad."""
    bad = dict(zip(MANY[::3], [*REFUSED.values()][:14], strict=True))
    put(fake, *MANY)
    for slave, (update, _) in bad.items():
        put(fake, slave, update=update)
    fake.delete("fedredis:{r1}:round:train:1:update:5")
    good = [slave for slave in MANY if slave not in bad and slave != "5"]
    summing = Reduction(TRAIN, SCHEMA, MANY, FAR)
    summing.advance(store, closed=True)
    assert list(summing.refused) == list(bad)
    for slave, (_, reason) in bad.items():
        assert reason in summing.refused[slave]
    assert summing.missing == ["5"]
    assert (summing.counted, summing.samples) == (len(good), 10 * len(good))
    assert SCHEMA.encode(summing.total) == in_order(good)


def test_all_are_refused(fake: Redis, store: Recording, chunk: int) -> None:
    put(fake, *SLAVES, update=b"?")
    summing = Reduction(TRAIN, SCHEMA, SLAVES)
    summing.advance(store, closed=False)
    assert summing.refused == dict.fromkeys(SLAVES, "not a fedredis blob")
    assert (summing.complete, summing.counted, summing.samples) == (True, 0, 0)
    assert SCHEMA.encode(summing.total) == SCHEMA.encode(SCHEMA.zeros())


def test_without_a_bound_1e300_is_a_number(fake: Redis, store: Recording) -> None:
    put(fake, *SLAVES)
    put(fake, "2", update=packed("2", weights=1e300))
    summing = Reduction(TRAIN, SCHEMA, SLAVES)
    summing.advance(store, closed=False)
    assert (summing.counted, summing.refused) == (5, {})


def test_finite_updates_whose_sum_is_not(fake: Redis, store: Recording, chunk: int) -> None:
    put(fake, *SLAVES)
    for slave in ("1", "2", "10"):
        put(fake, slave, update=packed(slave, weights=1.5e308))
    summing = Reduction(TRAIN, SCHEMA, SLAVES)
    summing.advance(store, closed=False)
    assert np.isfinite(summing.total[0]).all()
    too_large = "it is too large to be added"
    assert summing.refused == {"2": too_large, "10": too_large}
    assert (summing.counted, summing.samples) == (3, 30)


def test_whose_sum_is_only_not_finite_on_the_way(
    fake: Redis, store: Recording, chunk: int
) -> None:
    """Two too large, then one that would bring them back: that is not to depend on chunks."""
    put(fake, *SLAVES)
    for slave, weights in (("1", 1.5e308), ("2", 1.5e308), ("3", -1.5e308)):
        put(fake, slave, update=packed(slave, weights=weights))
    summing = Reduction(TRAIN, SCHEMA, SLAVES)
    summing.advance(store, closed=False)
    assert summing.refused == {"2": "it is too large to be added"}
    assert (summing.counted, np.isfinite(summing.total[0]).all()) == (4, True)


def test_what_was_returned_is_not_changed_by_what_comes_later(
    fake: Redis, store: Recording
) -> None:
    """A total is handed on, to be encoded or averaged: no view on bytes of Redis, nor reused."""
    put(fake, "0", "1")
    summing = Reduction(TRAIN, SCHEMA, SLAVES)
    summing.advance(store, closed=False)
    early = summing.total
    bits = SCHEMA.encode(early)
    put(fake, "2", "3", "10")
    summing.advance(store, closed=False)
    assert SCHEMA.encode(early) == bits
    for total in summing.total:
        assert total.flags.writeable
        assert total.flags.owndata or total.base is None or total.base.nbytes <= total.nbytes


def test_on_a_real_server(
    client: Redis,
    master: MasterStore,
    make_slave: Callable[[str], Any],
    chunk: int,
) -> None:
    """As the fake one, with what a worker has handed in."""
    master.open_round(TRAIN, SLAVES, quorum=4, timeout_ms=60_000, extra={})
    worker = make_slave("w-1")
    claim = worker.claim(TRAIN, (), attached=Kind.TRAIN, take_any=True, least=5, most=5)
    updates = [Packed(slave, packed(slave), ()) for slave in ("10", "3", "0")]
    updates.append(Packed("2", packed("2", weights=np.nan), ()))
    worker.submit(claim, updates, ())
    summing = Reduction(TRAIN, SCHEMA, SLAVES, FAR)
    summing.advance(master, closed=False)
    assert summing.counted == 1
    summing.advance(master, closed=True)
    assert (summing.missing, list(summing.refused)) == (["1"], ["2"])
    assert SCHEMA.encode(summing.total) == in_order(("0", "3", "10"))


# Large ones.


@pytest.fixture(params=[1, 24, 1 << 20])
def large(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Let updates be large, in parts of so many bytes."""
    monkeypatch.setattr(codec, "LARGE_BYTES", 0)
    monkeypatch.setattr(codec, "PART_BYTES", request.param)
    return request.param


def put_parts(client: Redis, *slaves: str, update: bytes | None = None) -> None:
    """Put updates as lists, cut as large ones are."""
    for slave in slaves:
        whole = packed(slave) if update is None else update
        body = whole[BODY:]
        size = codec.PART_BYTES
        parts = [whole[:BODY], *(body[at : at + size] for at in range(0, len(body), size))]
        key = f"fedredis:{{r1}}:round:train:1:update:{slave}"
        client.delete(key)
        client.rpush(key, *parts)


def test_large_ones_come_to_the_same_bits_as_small_ones(
    fake: Redis, store: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums = []
    for limit, put_all in ((1_000_000, put), (0, put_parts)):
        monkeypatch.setattr(codec, "LARGE_BYTES", limit)
        fake.flushall()
        put_all(fake, *MANY)
        summing = Reduction(TRAIN, SCHEMA, MANY, FAR)
        summing.advance(store, closed=False)
        assert (summing.counted, summing.samples, summing.complete) == (40, 400, True)
        sums.append(SCHEMA.encode(summing.total))
    assert sums == [in_order(MANY)] * 2
    assert [len(part) for part in store.fetched] == [40]


def test_the_sum_of_large_ones_is_the_same_bits_whatever_the_order_of_arrival(
    fake: Redis, store: Recording, large: int
) -> None:
    for order in itertools.permutations(SLAVES):
        fake.flushall()
        summing = Reduction(TRAIN, SCHEMA, SLAVES)
        for slave in order:
            summing.advance(store, closed=False)
            assert not summing.complete
            put_parts(fake, slave)
        summing.advance(store, closed=False)
        assert summing.complete
        assert SCHEMA.encode(summing.total) == in_order(SLAVES)
        assert (summing.counted, summing.samples) == (5, 50)
        assert (summing.missing, summing.refused) == ([], {})


def test_a_large_one_that_is_missing_at_the_close_is_passed_over(
    fake: Redis, store: Recording, large: int
) -> None:
    put_parts(fake, "1", "10")
    summing = Reduction(TRAIN, SCHEMA, SLAVES)
    summing.advance(store, closed=False)
    assert (summing.counted, summing.missing) == (0, [])
    for _ in range(2):
        summing.advance(store, closed=True)
        assert summing.complete
        assert (summing.counted, summing.samples) == (2, 20)
        assert summing.missing == ["0", "2", "3"]
        assert SCHEMA.encode(summing.total) == in_order(("1", "10"))


@pytest.mark.parametrize(("update", "reason"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("slave", ["0", "2", "10"])
def test_a_large_one_that_is_refused_is_not_in_the_sum(
    fake: Redis,
    store: Recording,
    monkeypatch: pytest.MonkeyPatch,
    update: bytes,
    reason: str,
    slave: str,
) -> None:
    monkeypatch.setattr(codec, "LARGE_BYTES", 0)
    put_parts(fake, *SLAVES)
    put_parts(fake, slave, update=update)
    summing = Reduction(TRAIN, SCHEMA, SLAVES, FAR)
    summing.advance(store, closed=False)
    assert (summing.complete, summing.missing) == (True, [])
    assert (summing.counted, summing.samples) == (4, 40)
    assert list(summing.refused) == [slave]
    why = "more than the 56 bytes" if len(update) > len(GOOD) else reason
    assert why in summing.refused[slave]
    assert SCHEMA.encode(summing.total) == in_order([s for s in SLAVES if s != slave])


@pytest.mark.parametrize("update", [GOOD, b"", b"?"], ids=["good", "empty", "any"])
def test_one_that_is_large_and_came_as_a_small_one_is_refused(
    fake: Redis, store: Recording, monkeypatch: pytest.MonkeyPatch, update: bytes
) -> None:
    """One worker's mistake is not to end a run."""
    monkeypatch.setattr(codec, "LARGE_BYTES", 0)
    put_parts(fake, *SLAVES)
    fake.delete("fedredis:{r1}:round:train:1:update:2")
    put(fake, "2", update=update)
    summing = Reduction(TRAIN, SCHEMA, SLAVES)
    summing.advance(store, closed=False)
    assert (summing.complete, summing.counted, list(summing.refused)) == (True, 4, ["2"])
    assert SCHEMA.encode(summing.total) == in_order(("0", "1", "3", "10"))


def test_one_that_is_small_and_came_as_a_large_one_is_refused(
    fake: Redis, store: Recording, chunk: int
) -> None:
    put(fake, *SLAVES)
    put_parts(fake, "2")
    summing = Reduction(TRAIN, SCHEMA, SLAVES)
    summing.advance(store, closed=True)
    assert (summing.complete, summing.counted, summing.missing) == (True, 4, [])
    assert summing.refused == {"2": "not a fedredis blob"}
    assert SCHEMA.encode(summing.total) == in_order(("0", "1", "3", "10"))


def test_large_ones_that_are_finite_and_whose_sum_is_not(
    fake: Redis, store: Recording, large: int
) -> None:
    put_parts(fake, *SLAVES)
    for slave, weights in (("1", 1.5e308), ("2", 1.5e308), ("3", -1.5e308), ("10", 1.5e308)):
        put_parts(fake, slave, update=packed(slave, weights=weights))
    summing = Reduction(TRAIN, SCHEMA, SLAVES)
    summing.advance(store, closed=False)
    assert np.isfinite(summing.total[0]).all()
    assert summing.refused == {"2": "it is too large to be added"}
    assert (summing.counted, summing.samples) == (4, 40)


def test_a_large_one_that_is_gone_while_it_is_read_is_refused(
    fake: Redis, store: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another master may have committed the round; what follows here is fenced."""
    monkeypatch.setattr(codec, "LARGE_BYTES", 0)
    monkeypatch.setattr(codec, "PART_BYTES", 8)
    put_parts(fake, *SLAVES)
    lindex = fake.lindex

    def dropping(key: str, index: int) -> Any:
        if key.endswith(":2") and index == 3:
            fake.delete(key)
        return lindex(key, index)

    monkeypatch.setattr(fake, "lindex", dropping)
    summing = Reduction(TRAIN, SCHEMA, SLAVES)
    summing.advance(store, closed=True)
    assert summing.refused == {"2": "16 bytes where 56 are expected"}
    assert SCHEMA.encode(summing.total) == in_order(("0", "1", "3", "10"))


@pytest.mark.parametrize("bounded", [False, True])
def test_one_large_one_is_in_memory_at_a_time(
    client: Redis, monkeypatch: pytest.MonkeyPatch, bounded: bool
) -> None:
    """The sum, and an update that is added to it; a bad one and those after it are no more."""
    schema = Schema((Field("weights", "<f8", (1_000, 400)), Field("bias", "<f8", (1_000,))))
    monkeypatch.setattr(codec, "PART_BYTES", 1 << 18)
    slaves, bad = SLAVES, "1"
    for slave in slaves:
        update = Update(2, [np.full(field.shape, float(slave)) for field in schema.fields])
        if slave == bad:
            update.arrays[1][-1] = np.nan
        parts = list(pack_parts(schema, update))
        client.rpush(f"fedredis:{{r1}}:round:train:1:update:{slave}", *parts)
    del update, parts
    bound = Bound([np.zeros(field.shape) for field in schema.fields], 1e9) if bounded else None
    store = MasterStore(client, RunKeys("r1"), token="me", lease_ms=1000)
    tracemalloc.start()
    try:
        summing = Reduction(TRAIN, schema, slaves, bound)
        summing.advance(store, closed=False)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert schema.large
    assert (summing.counted, list(summing.refused)) == (4, [bad])
    assert all((total == 0 + 2 + 3 + 10).all() for total in summing.total)
    assert peak < 3.5 * schema.nbytes
    assert held < 1.5 * schema.nbytes


# Where single updates are kept.


@pytest.mark.parametrize("limit", [0, 1_000_000], ids=["large", "small"])
def test_what_is_kept_is_in_order_and_leaves_out_who_was_not_counted(
    fake: Redis, store: Recording, chunk: int, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(codec, "LARGE_BYTES", limit)
    keeping = Reduction(TRAIN, SCHEMA, SLAVES, collects=True)
    for slave in ("10", "3", "0"):
        key = f"fedredis:{{r1}}:round:train:1:update:{slave}"
        samples, weights = 10 + int(slave), np.nan if slave == "3" else None
        if limit:
            fake.set(key, packed(slave, samples, weights))
        else:
            of_slave = arrays(slave)
            of_slave[0][1, 2] = of_slave[0][1, 2] if weights is None else weights
            fake.rpush(key, *pack_parts(SCHEMA, Update(samples, of_slave)))
        keeping.advance(store, closed=False)
    keeping.advance(store, closed=True)
    assert keeping.contributors == ["0", "10"]
    assert (keeping.missing, list(keeping.refused)) == (["1", "2"], ["3"])
    assert (keeping.counted, keeping.samples) == (2, 30)
    each = keeping.each
    assert each is not None
    np.testing.assert_array_equal(each.samples, [10, 20])
    for stack, one, other in zip(each.stacks, arrays("0"), arrays("10"), strict=True):
        np.testing.assert_array_equal(stack, [one, other])
    # Kept, not summed: a sum may overflow where no single update does.
    assert not any(array.any() for array in keeping.total)


def test_nothing_is_kept_where_there_is_nothing(store: Recording) -> None:
    keeping = Reduction(TRAIN, SCHEMA, SLAVES, collects=True)
    keeping.advance(store, closed=True)
    assert keeping.each is not None
    assert [stack.shape for stack in keeping.each.stacks] == [(0, 2, 3), (0, 1)]
    assert Reduction(TRAIN, SCHEMA, SLAVES).each is None
    assert keeping.contributors == []
