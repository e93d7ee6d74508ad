import numpy as np
import pytest

from fedredis.models import triangle
from fedredis.models.design import ROWS, products


@pytest.mark.parametrize("p", [1, 2, 7])
def test_a_matrix_goes_there_and_back(p):
    matrix = np.arange(p * p, dtype=float).reshape(p, p)
    packed = triangle.pack(matrix)
    assert packed.tolist() == matrix[np.triu_indices(p)].tolist()
    assert len(packed) == triangle.size(p)
    np.testing.assert_array_equal(triangle.unpack(packed, p), np.triu(matrix))
    vector = np.arange(1.0, p + 1)
    np.testing.assert_array_equal(triangle.outer(vector), triangle.pack(np.outer(vector, vector)))


@pytest.mark.parametrize("n", [0, 1, ROWS, ROWS + 1, 3 * ROWS - 1])
def test_products_of_any_number_of_rows(n):
    rng = np.random.default_rng(n)
    design, weights = rng.normal(size=(n, 3)), rng.normal(size=n)
    expected = np.einsum("i,ij,ik->jk", weights, design, design)
    np.testing.assert_allclose(products(design, weights), expected, atol=1e-12)
