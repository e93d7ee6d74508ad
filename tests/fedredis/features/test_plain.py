import numpy as np

from fedredis.features import Column, Plain

PLAIN = Plain(tuple(Column(name) for name in "abcd"))


def test_one_pass():
    assert PLAIN.next_pass({}) == "moments"
    assert PLAIN.next_pass({"mean": np.zeros(4), "scale": np.ones(4)}) is None


def test_parts_add_up_to_the_whole(rows):
    schema = PLAIN.schema("moments")
    whole = PLAIN.sums("moments", {}, rows)
    schema.encode(whole)  # raises if they do not fit
    parts = [PLAIN.sums("moments", {}, part) for part in np.array_split(rows, 7)]
    count, of_values, of_squares = (sum(arrays) for arrays in zip(*parts, strict=True))
    assert count == whole[0] == 900
    np.testing.assert_allclose(of_values, whole[1])
    np.testing.assert_allclose(of_squares, whole[2])


def test_transform_standardises(rows, gather):
    known = gather(PLAIN, [rows[:100], rows[100:100], rows[100:]])
    inputs = PLAIN.transform(known, rows)
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(inputs.std(axis=0), 1)


def test_constant_column_becomes_0(gather):
    plain = Plain((Column("a"),))
    known = gather(plain, [np.full((5, 1), 0.3), np.full((6, 1), 0.3)])
    np.testing.assert_allclose(plain.transform(known, np.array([[0.3], [1.3]])), [[0], [1]])
