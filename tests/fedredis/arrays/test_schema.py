import numpy as np
import pytest

from fedredis.arrays import Field, Schema
from fedredis.arrays.schema import DTYPES
from fedredis.errors import BlobError

ARRAYS = [np.arange(6.0).reshape(3, 2), np.arange(4)]
SCHEMA = Schema((Field("weights", "<f8", (3, 2)), Field("counts", "<i8", (4,))))


def test_schema_of_arrays_and_as_json():
    assert Schema.of({"weights": ARRAYS[0], "counts": ARRAYS[1]}) == SCHEMA
    assert SCHEMA.named(ARRAYS).keys() == {*SCHEMA.names} == {"weights", "counts"}
    assert SCHEMA.to_json() == '[["weights", "<f8", [3, 2]], ["counts", "<i8", [4]]]'
    assert Schema.from_json(SCHEMA.to_json()) == Schema.from_json(SCHEMA.to_json().encode())
    assert Schema.from_json(SCHEMA.to_json()) == SCHEMA
    assert SCHEMA.nbytes == 80


def test_zeros_can_be_added_to():
    zeros = SCHEMA.zeros()
    zeros[0] += ARRAYS[0]
    assert zeros[0].sum() == 15
    assert len(SCHEMA.views(zeros)[1]) == 32


def test_the_digest_is_that_of_the_elements_in_row_order():
    by_columns = np.asfortranarray(ARRAYS[0])
    assert SCHEMA.sha256([by_columns, ARRAYS[1]]) == SCHEMA.sha256(ARRAYS)
    assert SCHEMA.sha256([ARRAYS[0] + 1, ARRAYS[1]]) != SCHEMA.sha256(ARRAYS)


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        (ARRAYS[:1], "1 arrays where 2 are expected"),
        ([ARRAYS[0].T, ARRAYS[1]], r"'weights': float64 \(2, 3\), expected <f8 \(3, 2\)"),
        ([ARRAYS[0], ARRAYS[1] * 1.0], r"array 'counts': float64 \(4,\), expected <i8 \(4,\)"),
        ([ARRAYS[0].astype(">f8"), ARRAYS[1]], "array 'weights': >f8"),
    ],
)
def test_arrays_that_do_not_fit(arrays, problem):
    with pytest.raises(BlobError, match=problem):
        SCHEMA.views(arrays)


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
        '[["weights", "<f8", [1000000000, 0, 1000000000000]]]',
        f'[["weights", "<f8", {[1] * 33}]]',
        '[["weights", "|O", [1]]]',
        f'[["weights", "<f8", [{"9" * 5000}]]]',
        b"\xff\xfe\x00",
        "[" * 100_000,
    ],
)
def test_damaged_schema(text):
    with pytest.raises(BlobError):
        Schema.from_json(text)


@pytest.mark.parametrize("dtype", ["|O", ">f8", "<f2", "<c16", "<u8", "float64", ""])
def test_only_the_listed_dtypes(dtype):
    assert dtype not in DTYPES
    with pytest.raises(BlobError, match="is not one of"):
        Field("weights", dtype, (1,))
