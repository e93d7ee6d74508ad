import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedredis.arrays import Field, Schema, blob
from fedredis.arrays.schema import DTYPES
from fedredis.errors import BlobError

ARRAYS = [np.arange(6.0).reshape(3, 2), np.arange(4), np.float32([[1.5]])]
SCHEMA = Schema(
    (Field("weights", "<f8", (3, 2)), Field("counts", "<i8", (4,)), Field("odd", "<f4", (1, 1)))
)
PARTS = list(blob.pack(SCHEMA, ARRAYS, {"round": 3}))


@pytest.mark.parametrize("part", [1 << 22, 8, 24])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 0, 3)])
def test_round_trip(monkeypatch, part, dtype, shape):
    monkeypatch.setattr(blob, "PART_BYTES", part)
    array = np.asarray(np.random.default_rng(0).normal(0, 100, shape)).astype(dtype)
    special = np.array([np.nan, np.inf, -np.inf, -0.0])
    schema = Schema.of({"array": array, "special": special})
    parts = list(blob.pack(schema, [array, special], {"worker": "ü"}))
    assert max(map(len, parts[1:])) <= max(part, 1 << 3)
    about, back = blob.unpack(schema, parts)
    assert about == {"worker": "ü"}
    assert [a.tobytes() for a in back] == [array.tobytes(), special.tobytes()]
    assert [(a.dtype, a.shape) for a in back] == [(array.dtype, shape), (special.dtype, (4,))]


def test_no_arrays_and_small_ones_as_they_are():
    assert blob.unpack(Schema(()), blob.pack(Schema(()), [])) == ({}, [])
    assert len(PARTS) == 2
    assert PARTS[1] == b"".join(array.tobytes() for array in ARRAYS)
    weights = blob.unpack(SCHEMA, PARTS)[1][0]
    assert not weights.flags.writeable
    assert not weights.flags.owndata


def test_every_flipped_bit_of_the_arrays_is_noticed():
    for at in range(len(PARTS[1])):
        for bit in range(8):
            damaged = bytearray(PARTS[1])
            damaged[at] ^= 1 << bit
            with pytest.raises(BlobError):
                blob.unpack(SCHEMA, [PARTS[0], bytes(damaged)])


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ([], "not a fedredis blob"),
        ([b"[1]", PARTS[1]], "not a fedredis blob"),
        ([b"[" * 100_000, PARTS[1]], "not a fedredis blob"),
        ([b"{}", PARTS[1]], "the checksum does not match"),
        (PARTS[:1], "0 bytes where 84 are expected"),
        ([PARTS[0], PARTS[1][:-1]], "83 bytes where 84 are expected"),
        ([*PARTS, b"1"], "more than the 84 bytes that are expected"),
        ([PARTS[0], PARTS[1] + b"1"], "more than the 84 bytes that are expected"),
        ([PARTS[0], b"", b"", b"", PARTS[1]], "it has empty parts"),
    ],
)
def test_what_is_no_blob(parts, problem):
    with pytest.raises(BlobError, match=problem):
        blob.unpack(SCHEMA, parts)


def test_one_empty_part_changes_nothing():
    assert blob.unpack(SCHEMA, [*PARTS, b""])[0] == {"round": 3}


def test_empty_parts_without_end_are_not_read():
    def endless():
        yield PARTS[0]
        while True:
            yield b""

    with pytest.raises(BlobError, match="empty parts"):
        blob.unpack(SCHEMA, endless())


@settings(max_examples=5000, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=90),
            st.sampled_from(PARTS),
            st.recursive(
                st.none() | st.integers() | st.text(), lambda x: st.dictionaries(st.text(), x)
            ).map(lambda value: json.dumps(value).encode()),
        ),
        max_size=4,
    )
)
def test_whatever_bytes_end_in_arrays_or_an_error(parts):
    try:
        about, arrays = blob.unpack(SCHEMA, parts)
    except BlobError:
        return
    assert [a.tobytes() for a in arrays] == [array.tobytes() for array in ARRAYS]
    assert about == {"round": 3}
