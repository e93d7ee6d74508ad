import numpy as np

from fedredis.arrays import Field, Schema
from fedredis.strategies.state import arrays_of, filled, named, stepped


class Two:
    """A model of two arrays, one of them of single precision."""

    def schema(self):
        return Schema((Field("kernel", "<f4", (2, 3)), Field("bias", "<f8", (3,))))


def test_there_is_an_array_of_doubles_for_each_of_the_parameters():
    state = filled("momentum", Two(), 0.25)
    assert list(state) == ["momentum.kernel", "momentum.bias"]
    for array, shape in zip(state.values(), [(2, 3), (3,)], strict=True):
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array, np.full(shape, 0.25))


def test_kinds_live_side_by_side():
    arrays = [np.ones((2, 3)), np.arange(3.0)]
    state = filled("v", Two(), 0.0) | named("m", Two(), arrays)
    for found, array in zip(arrays_of("m", Two(), state), arrays, strict=True):
        assert found is array
    assert not any(array.any() for array in arrays_of("v", Two(), state))
    Schema.of(state).views(list(state.values()))  # raises if they can not be stored


def test_a_step_leaves_the_precision_as_it_is():
    parameters = [np.ones((2, 3), "<f4"), np.ones(3)]
    moved = stepped(parameters, [np.full((2, 3), 0.5), np.full(3, 0.5)])
    assert [array.dtype for array in moved] == ["<f4", "<f8"]
    assert all((array == 1.5).all() for array in moved)
    assert all((array == 1).all() for array in parameters)
