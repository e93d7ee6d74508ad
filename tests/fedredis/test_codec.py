import hashlib
import itertools
import json
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedredis import codec
from fedredis.codec import DTYPES, HEADER_BYTES, MAGIC, Field, Schema
from fedredis.errors import BlobError

SCHEMA = Schema((Field("weights", "<f8", (3, 2)), Field("counts", "<i8", (4,))))
ARRAYS = [np.arange(6.0).reshape(3, 2), np.arange(4)]
BLOB = SCHEMA.encode(ARRAYS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 0, 3), (2, 3, 4)])
def test_round_trip(dtype, shape):
    array = np.random.default_rng(0).normal(0, 100, shape)
    array = np.asarray(array).astype(dtype)
    schema = Schema.of(array=array)
    (back,) = schema.decode(schema.encode([array]))
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype
    assert schema.nbytes == array.nbytes


def test_round_trip_of_several():
    for back, array in zip(SCHEMA.decode(BLOB), ARRAYS, strict=True):
        np.testing.assert_array_equal(back, array)
    assert len(BLOB) == HEADER_BYTES + SCHEMA.nbytes == HEADER_BYTES + 80


def test_no_arrays():
    assert Schema(()).decode(Schema(()).encode([])) == []


def test_nan_and_infinity_travel():
    array = np.array([np.nan, np.inf, -np.inf, -0.0])
    schema = Schema.of(array=array)
    assert schema.decode(schema.encode([array]))[0].tobytes() == array.tobytes()


def test_the_bytes_are_those_of_the_elements_in_row_order():
    by_columns = np.asfortranarray(ARRAYS[0])
    assert SCHEMA.encode([by_columns, ARRAYS[1]]) == BLOB
    assert SCHEMA.encode([np.repeat(ARRAYS[0], 2, axis=0)[::2], ARRAYS[1]]) == BLOB
    assert BLOB[:4] == b"FR1\n"
    assert BLOB[HEADER_BYTES:] == ARRAYS[0].tobytes() + ARRAYS[1].tobytes()


def test_big_endian_arrays_are_refused():
    with pytest.raises(BlobError, match="array 'weights': dtype >f8, expected <f8"):
        SCHEMA.encode([ARRAYS[0].astype(">f8"), ARRAYS[1]])


def test_what_is_decoded_is_a_view_that_cannot_be_written():
    weights, _ = SCHEMA.decode(BLOB)
    assert not weights.flags.writeable
    assert not weights.flags.owndata


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        (ARRAYS[:1], "1 arrays where 2 are expected"),
        ([ARRAYS[0].T, ARRAYS[1]], r"array 'weights': shape \(2, 3\), expected \(3, 2\)"),
        ([ARRAYS[0], ARRAYS[1][:3]], r"array 'counts': shape \(3,\), expected \(4,\)"),
        ([ARRAYS[0], ARRAYS[1] * 1.0], "array 'counts': dtype float64, expected <i8"),
        ([ARRAYS[0].astype("<f4"), ARRAYS[1]], "array 'weights': dtype float32, expected <f8"),
    ],
)
def test_arrays_that_do_not_fit(arrays, problem):
    with pytest.raises(BlobError, match=problem):
        SCHEMA.encode(arrays)


@pytest.mark.parametrize("length", [0, 3, 4, HEADER_BYTES - 1, HEADER_BYTES, len(BLOB) - 1])
def test_truncated(length):
    with pytest.raises(BlobError):
        SCHEMA.decode(BLOB[:length])


def test_trailing_bytes():
    with pytest.raises(BlobError, match="81 bytes where 80 are expected"):
        SCHEMA.decode(BLOB + b"\0")


def test_another_schema():
    with pytest.raises(BlobError, match="80 bytes where 48 are expected"):
        Schema(SCHEMA.fields[:1]).decode(BLOB)


def test_every_flipped_bit_is_noticed():
    for at in range(len(BLOB)):
        for bit in range(8):
            damaged = bytearray(BLOB)
            damaged[at] ^= 1 << bit
            with pytest.raises(BlobError):
                SCHEMA.decode(bytes(damaged))


def test_zeros_can_be_added_to():
    zeros = SCHEMA.zeros()
    SCHEMA.encode(zeros)
    zeros[0] += ARRAYS[0]
    assert zeros[0].sum() == 15


def test_schema_of_arrays():
    assert Schema.of(weights=ARRAYS[0], counts=ARRAYS[1]) == SCHEMA
    assert SCHEMA.names == ("weights", "counts")


def test_schema_as_json():
    assert SCHEMA.to_json() == '[["weights", "<f8", [3, 2]], ["counts", "<i8", [4]]]'
    assert Schema.from_json(SCHEMA.to_json()) == SCHEMA
    assert Schema.from_json(SCHEMA.to_json().encode()) == SCHEMA


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "1",
        "null",
        '[["weights", "<f8"]]',
        '[["weights", "<f8", 3]]',
        '[["weights", "<f8", ["many"]]]',
        '[["weights", "<f8", [-1]]]',
        '[["weights", "<f8", [1e999]]]',
        '[["weights", "|O", [1]]]',
        '[["weights", ">f8", [1]]]',
        b"\xff\xfe\x00",
        "[" * 100_000,
    ],
)
def test_damaged_schema(text):
    with pytest.raises(BlobError):
        Schema.from_json(text)


@pytest.mark.parametrize("dtype", ["|O", ">f8", "<f2", "<c16", "<u8", "float64", ""])
def test_only_the_listed_dtypes(dtype):
    with pytest.raises(BlobError, match="is not one of"):
        Field("weights", dtype, (1,))


def test_no_negative_sides():
    with pytest.raises(BlobError, match="negative side"):
        Field("weights", "<f8", (2, -1))


def test_a_blob_may_stand_behind_a_prefix():
    behind = SCHEMA.encode(ARRAYS, prefix=b"12345")
    assert behind == b"12345" + BLOB
    for back, array in zip(SCHEMA.decode(behind, start=5), ARRAYS, strict=True):
        np.testing.assert_array_equal(back, array)
        assert not back.flags.owndata
    for start in (0, 4, 6, 500):
        with pytest.raises(BlobError, match="not a fedredis blob"):
            SCHEMA.decode(behind, start=start)
    with pytest.raises(BlobError, match="79 bytes where 80 are expected"):
        SCHEMA.decode(behind[:-1], start=5)


# Any bytes, any text.

tried = settings(deadline=None, max_examples=60, derandomize=True, database=None)
any_blob = st.binary(max_size=200) | st.binary(max_size=100).map(
    lambda body: MAGIC + zlib.crc32(body).to_bytes(4, "little") + body
)
scalar = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
any_json = st.recursive(scalar, lambda inner: st.lists(inner, max_size=4), max_leaves=6)
any_json |= st.dictionaries(st.text(max_size=3), scalar, max_size=3)
#: Lists that have something of a schema about them.
nearly_a_schema = st.lists(
    st.tuples(
        scalar,
        st.sampled_from(DTYPES) | scalar,
        st.lists(st.integers(-1, 4) | scalar, max_size=4) | scalar,
    ),
    max_size=2,
)


@tried
@given(any_blob, st.integers(0, 20))
def test_any_bytes_are_arrays_or_no_blob(blob, start):
    for schema in (SCHEMA, Schema(()), Schema((Field("giant", "<f8", (10**7, 10**7)),))):
        try:
            arrays = schema.decode(blob, start=start)
        except BlobError:
            continue
        assert [array.shape for array in arrays] == [field.shape for field in schema.fields]
        assert sum(array.nbytes for array in arrays) == len(blob) - start - HEADER_BYTES


@tried
@given(any_json.map(json.dumps) | nearly_a_schema.map(json.dumps) | st.text() | st.binary())
def test_any_text_is_a_schema_or_none(text):
    try:
        schema = Schema.from_json(text)
    except BlobError:
        return
    assert Schema.from_json(schema.to_json()) == schema


@pytest.mark.parametrize(
    ("sides", "side"),
    [(2, 2**31), (2, 2**63), (2, 10**30), (9, 2**31), (64, 1), (65, 0), (999, 1)],
)
def test_a_shape_that_no_array_can_have(sides, side):
    """What is read from JSON may say anything."""
    text = json.dumps([["weights", "<f8", [side] * (sides - 1) + [0]]])
    try:
        arrays = Schema.from_json(text).decode(Schema(()).encode([]))
    except BlobError:
        return
    assert arrays[0].nbytes == 0


@tried
@given(nearly_a_schema.map(json.dumps), any_blob)
def test_any_schema_decodes_any_bytes_or_says_what_is_wrong(text, blob):
    try:
        arrays = Schema.from_json(text).decode(blob)
    except BlobError:
        return
    assert sum(array.nbytes for array in arrays) == len(blob) - HEADER_BYTES


# In parts.


@pytest.fixture(params=[1, 3, 8, 32, 47, 48, 49, 1 << 22])
def part_bytes(request, monkeypatch):
    monkeypatch.setattr(codec, "PART_BYTES", request.param)
    return request.param


HEAD, BODY = BLOB[:HEADER_BYTES], BLOB[HEADER_BYTES:]


@pytest.mark.parametrize("prefix", [b"", b"12345"])
def test_parts_are_the_blob_cut(part_bytes, prefix):
    head, *body = SCHEMA.encode_parts(ARRAYS, prefix)
    assert head == prefix + HEAD
    assert b"".join(body) == BODY
    assert all(0 < len(part) <= part_bytes for part in body)
    # No part is of two arrays, so none is longer for being shared.
    assert len(body) == -(-48 // part_bytes) + -(-32 // part_bytes)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 0, 3), (2, 3, 4)])
def test_round_trip_in_parts(dtype, shape, part_bytes):
    array = np.random.default_rng(0).normal(0, 100, shape)
    array = np.asarray(array).astype(dtype)
    schema = Schema.of(first=array, odd=np.ones(3, "<f4"), last=array)
    arrays = [array, np.ones(3, "<f4"), array]
    prefix, back = schema.decode_parts(schema.encode_parts(arrays, b"before"), start=6)
    assert prefix == b"before"
    whole = schema.decode(schema.encode(arrays))
    for one, other in zip(back, whole, strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert one.tobytes() == other.tobytes()


def test_no_arrays_in_parts():
    (head,) = Schema(()).encode_parts([])
    assert head == Schema(()).encode([])
    assert Schema(()).decode_parts([head]) == (b"", [])


def test_parts_are_of_elements_in_row_order(part_bytes):
    by_columns = np.asfortranarray(ARRAYS[0])
    assert b"".join(SCHEMA.encode_parts([by_columns, ARRAYS[1]])) == BLOB
    assert b"".join(SCHEMA.encode_parts([ARRAYS[0].repeat(2, axis=0)[::2], ARRAYS[1]])) == BLOB


def test_arrays_that_do_not_fit_are_not_cut():
    with pytest.raises(BlobError, match=r"shape \(2, 3\), expected \(3, 2\)"):
        list(SCHEMA.encode_parts([ARRAYS[0].T, ARRAYS[1]]))
    with pytest.raises(BlobError, match="1 arrays where 2 are expected"):
        SCHEMA.sha256(ARRAYS[:1])


def test_the_digest_is_that_of_the_elements():
    assert SCHEMA.sha256(ARRAYS) == hashlib.sha256(BODY).hexdigest()
    assert SCHEMA.sha256([np.asfortranarray(ARRAYS[0]), ARRAYS[1]]) == SCHEMA.sha256(ARRAYS)
    assert Schema(()).sha256([]) == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(("limit", "large"), [(0, True), (79, True), (80, False), (81, False)])
def test_what_is_large(monkeypatch, limit, large):
    monkeypatch.setattr(codec, "LARGE_BYTES", limit)
    assert SCHEMA.large is large
    assert not Schema(()).large


def cut(body, places):
    """Cut bytes at some places; parts may be empty."""
    places = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[start:end] for start, end in itertools.pairwise(places)]


@tried
@given(st.lists(st.integers(0, 80), max_size=12))
def test_any_cut_gives_what_the_blob_gives(places):
    prefix, back = SCHEMA.decode_parts([HEAD, *cut(BODY, places)])
    assert prefix == b""
    assert SCHEMA.encode(back) == SCHEMA.encode(SCHEMA.decode(BLOB)) == BLOB


GOOD = [HEAD, *cut(BODY, [10, 20, 48, 60])]
DAMAGED = {
    **{f"without part {i}": [*GOOD[:i], *GOOD[i + 1 :]] for i in range(len(GOOD))},
    **{f"part {i} twice": [*GOOD[: i + 1], *GOOD[i:]] for i in range(len(GOOD))},
    **{f"part {i} cut": [*GOOD[:i], GOOD[i][:-1], *GOOD[i + 1 :]] for i in range(len(GOOD))},
    **{f"part {i} too long": [*GOOD[:i], GOOD[i] + b"?", *GOOD[i + 1 :]] for i in range(6)},
    "nothing": [],
    "an empty part": [b""],
    "header alone": [HEAD],
    "header and body in one": [BLOB],
    "header in two": [HEAD[:4], HEAD[4:], BODY],
    "header without its checksum": [MAGIC, BODY],
    "another version": [HEAD.replace(b"FR1", b"FR2"), BODY],
    "parts in another order": [HEAD, *GOOD[:0:-1]],
    "another part of the same length": [HEAD, b"?" * 10, *GOOD[2:]],
    "a part more": [*GOOD, b"?"],
    "a part that is far too long": [*GOOD[:-1], bytes(1_000_000)],
    "one part, far too long": [HEAD, bytes(1_000_000)],
}


@pytest.mark.parametrize("parts", DAMAGED.values(), ids=DAMAGED)
def test_damaged_parts_are_refused_in_no_more_memory_than_the_schema_says(parts):
    tracemalloc.start()
    try:
        with pytest.raises(BlobError):
            SCHEMA.decode_parts(parts)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < SCHEMA.nbytes + 20_000


def test_every_flipped_bit_of_a_part_is_noticed():
    for at, part in enumerate(GOOD):
        for place in range(len(part)):
            for bit in range(8):
                damaged = bytearray(part)
                damaged[place] ^= 1 << bit
                with pytest.raises(BlobError):
                    SCHEMA.decode_parts([*GOOD[:at], bytes(damaged), *GOOD[at + 1 :]])


def test_parts_without_end_are_not_read_to_it():
    with pytest.raises(BlobError, match="more than the 80 bytes that are expected"):
        SCHEMA.decode_parts(itertools.chain(GOOD, itertools.repeat(b"more")))


@pytest.mark.parametrize("head", [b"", HEAD[:-1], HEAD + b"?", b"?" * HEADER_BYTES, BLOB])
def test_no_memory_is_taken_behind_a_header_that_is_none(head):
    schema = Schema((Field("weights", "<f8", (1_000_000,)),))
    tracemalloc.start()
    try:
        with pytest.raises(BlobError, match="not a fedredis blob"):
            schema.decode_parts([head, BODY])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000


@pytest.mark.parametrize("start", [0, 4, 6])
def test_parts_behind_another_prefix(start):
    with pytest.raises(BlobError, match="not a fedredis blob"):
        SCHEMA.decode_parts(SCHEMA.encode_parts(ARRAYS, b"12345"), start=start)
