"""Updates as bytes: what is counted, what is refused, and that no bytes do harm."""

from __future__ import annotations

import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedredis import codec
from fedredis.codec import HEADER_BYTES, MAGIC, Field, Schema
from fedredis.errors import BlobError, UpdateRefusedError
from fedredis.update import (
    BODY,
    MOST_SAMPLES,
    SAMPLES_BYTES,
    Bound,
    Update,
    pack,
    pack_parts,
    sound,
    unpack,
    unpack_parts,
)
from fedredis.update import (
    unpack_one as check,
)

SCHEMA = Schema((Field("weights", "<f8", (2, 3)), Field("rows", "<i8", (1,))))
ARRAYS = [np.arange(6.0).reshape(2, 3) * 10, np.array([7])]
GOOD = pack(SCHEMA, Update(10, ARRAYS))
#: The arrays of `GOOD` are sums over 10 rows: it is as far away as can be.
BOUND = Bound([np.zeros((2, 3)), np.zeros(1)], float(np.sqrt((np.arange(6) ** 2).sum() + 0.49)))
#: Any arrays that bytes of this length could stand for would be far too large to be made.
GIANT = Schema((Field("weights", "<f8", (10**7, 10**6)), Field("rows", "<i4", (10**9,))))

#: For each kind of update that can't be counted: its bytes and why.
REFUSED = {
    **{
        name: (pack(SCHEMA, Update(10, [np.full((2, 3), value), np.array([7])])), why)
        for name, value, why in (
            ("nan", np.nan, "array 'weights' is not finite"),
            ("infinity", np.inf, "array 'weights' is not finite"),
            ("minus infinity", -np.inf, "array 'weights' is not finite"),
            ("1e300", 1e300, "it is inf away from the global model, more than"),
            ("far away", 1e4, "it is 2.45e+03 away from the global model, more than"),
        )
    },
    "wrong shape": (
        pack(Schema.of(weights=np.ones((2, 2))), Update(10, [np.ones((2, 2))])),
        "32 bytes where 56 are expected",
    ),
    "wrong dtype": (
        pack(Schema.of(weights=np.ones(6, "<f4")), Update(10, [np.ones(6, "<f4")])),
        "24 bytes where 56 are expected",
    ),
    "same bytes of another dtype": (
        pack(Schema.of(weights=np.full(7, -1)), Update(10, [np.full(7, -1)])),
        "array 'weights' is not finite",
    ),
    "truncated": (GOOD[:-8], "48 bytes where 56 are expected"),
    "truncated by one": (GOOD[:-1], "55 bytes where 56 are expected"),
    "trailing bytes": (GOOD + b"\0" * 8, "64 bytes where 56 are expected"),
    "damaged": (GOOD[:-1] + b"!", "the checksum does not match"),
    "damaged checksum": (GOOD[: BODY - 1] + b"!" + GOOD[BODY:], "the checksum does not match"),
    "empty": (b"", "not a fedredis blob"),
    "no blob": (GOOD[:SAMPLES_BYTES], "not a fedredis blob"),
    "no samples": (GOOD[SAMPLES_BYTES:], "not a fedredis blob"),
    "header only": (GOOD[:BODY], "0 bytes where 56 are expected"),
    "another version": (GOOD.replace(b"FR1", b"FR2"), "not a fedredis blob"),
    "pickle": (b"\x80\x04K\x01.", "not a fedredis blob"),
    "npy": (GOOD[:8] + b"\x93NUMPY\x01\x00" + GOOD[16:], "not a fedredis blob"),
    "oversize": (GOOD + bytes(1_000_000), "1000056 bytes where 56 are expected"),
    "no rows": (pack(SCHEMA, Update(0, ARRAYS)), "0 is not a number of rows"),
    "negative rows": (pack(SCHEMA, Update(-1, ARRAYS)), "-1 is not a number of rows"),
    "too many rows": (
        pack(SCHEMA, Update(MOST_SAMPLES + 1, ARRAYS)),
        "1099511627777 is not a number of rows",
    ),
    "most rows of all": (
        pack(SCHEMA, Update(2**63 - 1, ARRAYS)),
        "9223372036854775807 is not a number of rows",
    ),
    "fewest rows of all": (
        pack(SCHEMA, Update(-(2**63), ARRAYS)),
        "-9223372036854775808 is not a number of rows",
    ),
}
each_refused = pytest.mark.parametrize(("packed", "why"), REFUSED.values(), ids=REFUSED)


def test_it_is_samples_and_then_a_blob() -> None:
    assert (10).to_bytes(8, "little") + SCHEMA.encode(ARRAYS) == GOOD
    assert pack(SCHEMA, Update(-2, ARRAYS))[:8] == b"\xfe" + b"\xff" * 7
    assert BODY == 8 + HEADER_BYTES
    assert len(GOOD) == BODY + SCHEMA.nbytes


def test_arrays_that_do_not_fit_are_not_packed() -> None:
    with pytest.raises(BlobError, match=r"array 'weights': shape \(3, 2\)"):
        pack(SCHEMA, Update(10, [ARRAYS[0].T, ARRAYS[1]]))


def test_what_was_packed_is_unpacked_as_stacks() -> None:
    other = [ARRAYS[0] + 0.5, ARRAYS[1] * 3]
    updates = unpack(SCHEMA, [GOOD, pack(SCHEMA, Update(0, other)), GOOD])
    assert updates.samples.tolist() == [10, 0, 10]
    for stack, one, two in zip(updates.stacks, ARRAYS, other, strict=True):
        assert stack.shape == (3, *one.shape)
        np.testing.assert_array_equal(stack, [one, two, one])


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0, 3), (3, 2)])
@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<i4", "<i8"])
def test_arrays_of_every_shape_and_dtype(shape: tuple[int, ...], dtype: str) -> None:
    array = np.full(shape, 3, dtype)
    schema = Schema.of(first=array, second=np.array(1.5))
    packed = pack(schema, Update(4, [array, np.array(1.5)]))
    check(schema, packed)
    assert sound(schema, [packed, packed])
    first, second = unpack(schema, [packed, packed]).stacks
    assert (first.shape, first.dtype) == ((2, *shape), np.dtype(dtype))
    assert second.tolist() == [1.5, 1.5]
    bound = Bound([np.zeros(shape), np.array(0.0)], 10.0)
    check(schema, packed, bound)
    assert sound(schema, [packed], bound)


@pytest.mark.parametrize("bound", [None, BOUND])
def test_what_can_be_counted(bound: Bound | None) -> None:
    check(SCHEMA, GOOD, bound)
    assert sound(SCHEMA, [GOOD] * 5, bound)
    most = pack(SCHEMA, Update(MOST_SAMPLES, ARRAYS))
    check(SCHEMA, most, bound)
    assert sound(SCHEMA, [most], bound)


def test_without_a_bound_sums_over_no_rows_are_sums() -> None:
    """A slave may have no rows held out."""
    nothing = pack(SCHEMA, Update(0, SCHEMA.zeros()))
    check(SCHEMA, nothing)
    assert sound(SCHEMA, [nothing, GOOD])
    assert not sound(SCHEMA, [nothing, GOOD], BOUND)


@each_refused
def test_what_can_not_be_counted_and_why(packed: bytes, why: str) -> None:
    with pytest.raises(UpdateRefusedError, match=r"^.") as refusal:
        check(SCHEMA, packed, BOUND)
    assert why in str(refusal.value)


@each_refused
def test_one_among_many_is_noticed(packed: bytes, why: str) -> None:
    for at in (0, 3, 6):
        batch = [GOOD] * 6
        batch.insert(at, packed)
        assert not sound(SCHEMA, batch, BOUND)


def test_lengths_that_only_add_up_are_noticed() -> None:
    """Two updates that are as long together as two good ones."""
    assert not sound(SCHEMA, [GOOD + GOOD[:8], GOOD[8:]], BOUND)
    assert not sound(SCHEMA, [b"", GOOD + GOOD])


def test_every_flipped_bit_is_noticed_or_is_of_the_samples() -> None:
    for at in range(SAMPLES_BYTES, len(GOOD)):
        for bit in range(8):
            damaged = bytearray(GOOD)
            damaged[at] ^= 1 << bit
            assert not sound(SCHEMA, [bytes(damaged)])
            with pytest.raises(UpdateRefusedError):
                check(SCHEMA, bytes(damaged))


@pytest.mark.parametrize(
    ("samples", "factor", "fits"),
    [(10, 1, True), (10, 1 + 1e-9, False), (1, 0.1, True), (1, 1, False), (20, 2, True)],
)
def test_the_bound_is_on_the_mean_over_the_rows(samples: int, factor: float, fits: bool) -> None:
    schema = Schema.of(weights=ARRAYS[0])
    bound = Bound([np.zeros((2, 3))], float(np.linalg.norm(np.arange(6.0))))
    packed = pack(schema, Update(samples, [ARRAYS[0] * factor]))
    assert sound(schema, [packed], bound) is fits
    if fits:
        check(schema, packed, bound)
        return
    with pytest.raises(UpdateRefusedError, match=r"away from the global model, more than 7\.42"):
        check(schema, packed, bound)


def test_the_bound_is_around_the_global_model() -> None:
    schema = Schema.of(weights=ARRAYS[0])
    there = Bound([np.full((2, 3), 1000.0)], 1e-6)
    at_it = pack(schema, Update(10, [np.full((2, 3), 10_000.0)]))
    check(schema, at_it, there)
    assert sound(schema, [at_it, at_it], there)
    with pytest.raises(UpdateRefusedError, match=r"it is 2.44e\+03 away"):
        check(schema, pack(schema, Update(10, [ARRAYS[0]])), there)


def test_a_model_of_huge_parameters_overflows_without_a_warning() -> None:
    schema = Schema.of(weights=np.zeros(2))
    bound = Bound([np.full(2, 1.7e308)], 1e6)
    packed = pack(schema, Update(1, [np.full(2, -1.7e308)]))
    assert not sound(schema, [packed], bound)
    with pytest.raises(UpdateRefusedError, match="it is inf away"):
        check(schema, packed, bound)


# Any bytes at all.

tried = settings(deadline=None, max_examples=150, derandomize=True, database=None)
#: Bytes, and bytes that have something of an update about them.
any_bytes = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=120).map(lambda rest: b"\x0a" + bytes(7) + MAGIC + rest),
    st.binary(min_size=SCHEMA.nbytes, max_size=SCHEMA.nbytes).map(
        lambda body: b"\x0a" + bytes(7) + MAGIC + zlib.crc32(body).to_bytes(4, "little") + body
    ),
    st.tuples(st.integers(0, len(GOOD)), st.binary(max_size=3)).map(
        lambda cut: GOOD[: cut[0]] + cut[1] + GOOD[cut[0] + len(cut[1]) :]
    ),
)
any_schema = st.sampled_from((SCHEMA, Schema(()), Schema(SCHEMA.fields[:1]), GIANT))


@tried
@given(any_schema, any_bytes, st.booleans())
def test_any_bytes_are_counted_or_refused(schema: Schema, packed: bytes, bounded: bool) -> None:
    sizes = [(2, 3), (1,)][: len(schema.fields)]
    bound = Bound([np.zeros(size) for size in sizes], 1e3) if bounded else None
    try:
        check(schema, packed, bound)
        fits = True
    except UpdateRefusedError:
        fits = False
    # Both ways of looking come to the same, alone and in company.
    assert sound(schema, [packed], bound) is fits
    assert sound(schema, [packed, packed], bound) is fits
    if fits:
        for stack in unpack(schema, [packed]).stacks:
            assert np.isfinite(stack).all()


@tried
@given(st.integers(0, 10**6).map(bytes) | any_bytes)
def test_no_bytes_make_more_memory_be_taken_than_they_are(packed: bytes) -> None:
    tracemalloc.start()
    try:
        assert not sound(GIANT, [packed])
        with pytest.raises(UpdateRefusedError):
            check(GIANT, packed)
        with pytest.raises(BlobError):
            GIANT.decode(packed)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000 + len(packed)


# In parts.


def in_parts(packed: bytes, size: int = 20) -> list[bytes]:
    """Cut an update as it is cut when it is large: what stands before the arrays, then these."""
    body = packed[BODY:]
    return [packed[:BODY], *(body[at : at + size] for at in range(0, len(body), size))]


@pytest.mark.parametrize("size", [1, 7, 48, 56, 1 << 20])
def test_parts_are_what_is_packed(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(codec, "PART_BYTES", size)
    for samples in (10, 0, -2):
        update = Update(samples, ARRAYS)
        head, *body = pack_parts(SCHEMA, update)
        assert len(head) == BODY
        assert head + b"".join(body) == pack(SCHEMA, update)
        assert max(map(len, body)) <= size


@pytest.mark.parametrize("bound", [None, BOUND])
def test_what_comes_in_parts_is_what_comes_whole(bound: Bound | None) -> None:
    back = unpack_parts(SCHEMA, pack_parts(SCHEMA, Update(10, ARRAYS)), bound)
    assert back.samples == 10
    assert pack(SCHEMA, back) == GOOD
    most = unpack_parts(SCHEMA, pack_parts(SCHEMA, Update(MOST_SAMPLES, ARRAYS)), bound)
    assert most.samples == MOST_SAMPLES


def test_sums_over_no_rows_may_come_in_parts() -> None:
    nothing = list(pack_parts(SCHEMA, Update(0, SCHEMA.zeros())))
    assert unpack_parts(SCHEMA, nothing).samples == 0
    with pytest.raises(UpdateRefusedError, match="0 is not a number of rows"):
        unpack_parts(SCHEMA, nothing, BOUND)


@each_refused
def test_what_can_not_be_counted_in_parts_and_why(packed: bytes, why: str) -> None:
    with pytest.raises(UpdateRefusedError, match=r"^.") as refusal:
        unpack_parts(SCHEMA, in_parts(packed), BOUND)
    told = str(refusal.value)
    assert ("more than the 56 bytes" if len(packed) > len(GOOD) else why) in told


def test_every_flipped_bit_of_a_part_is_noticed_or_is_of_the_samples() -> None:
    for at in range(SAMPLES_BYTES, len(GOOD)):
        for bit in range(8):
            damaged = bytearray(GOOD)
            damaged[at] ^= 1 << bit
            with pytest.raises(UpdateRefusedError):
                unpack_parts(SCHEMA, in_parts(bytes(damaged)))


@tried
@given(any_bytes, st.integers(1, 60), st.booleans())
def test_any_bytes_in_parts_are_counted_as_they_would_be_whole(
    packed: bytes, size: int, bounded: bool
) -> None:
    bound = Bound([np.zeros((2, 3)), np.zeros(1)], 1e3) if bounded else None
    try:
        back = unpack_parts(SCHEMA, in_parts(packed, size), bound)
    except UpdateRefusedError:
        with pytest.raises(UpdateRefusedError):
            check(SCHEMA, packed, bound)
        return
    check(SCHEMA, packed, bound)
    assert pack(SCHEMA, back) == packed


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_comes_after_the_parameters_is_not_bounded_and_still_finite(value):
    schema = SCHEMA.plus(Field("extra", "<f8", (2,)))
    fine = pack(schema, Update(10, [*ARRAYS, np.array([1e9, -1e9])]))
    check(schema, fine, BOUND)
    assert sound(schema, [fine, fine], BOUND)
    spoilt = pack(schema, Update(10, [*ARRAYS, np.array([1.0, value])]))
    assert not sound(schema, [fine, spoilt], BOUND)
    with pytest.raises(UpdateRefusedError, match="array 'extra' is not finite"):
        check(schema, spoilt, BOUND)
