import numpy as np
import pytest

from fedredis.trees.histograms import EXACT, GRADIENT_BITS, HESSIAN_BITS, Scales
from fedredis.trees.layout import Layout

LAYOUT = Layout((5, 3), (False, True))


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("n", [1, 700, EXACT + 10])
def test_sums_are_those_of_whole_numbers(n, *, flat):
    rng = np.random.default_rng(n)
    scales = Scales.of((1.0, 0.25), 3 * n, flat=flat)
    g, h = rng.choice([-1.0, 1.0], (2, n)), rng.uniform(0, 0.25, (2, n))
    g[0] = 1.0  # the sum is as large as it can be
    codes = [rng.integers(0, c, n).astype(np.uint8) for c in LAYOUT.codes]
    items = np.sort(rng.choice(2 * n, max(1, n), replace=False))
    slots = rng.integers(0, 3, len(items))
    derivatives = scales.integers(g, scales.gradient), scales.packed(h)
    sums = scales.sums(LAYOUT, codes, items, slots, derivatives, 3)
    expected = [np.zeros((3, 8), object) for _ in range(3)]
    parts = [scales.integers(x, s) for x, s in ((g, scales.gradient), (h, scales.hessian))]
    for item, slot in zip(items.tolist(), slots.tolist(), strict=True):
        tree, row = divmod(item, n)
        for start, line in zip(LAYOUT.starts, codes, strict=True):
            place = slot, start + line[row]
            expected[0][place] += int(parts[0][tree, row])
            expected[1][place] += 1
            expected[2][place] += int(parts[1][tree, row])
    for found, wanted in zip(sums, expected, strict=False):
        assert found.dtype == np.int64
        assert (found == wanted).all()
    samples = np.array([len(items)])
    for quantity, array in zip(scales.quantities(3, 8), sums, strict=True):
        encoded = quantity.encode(array[np.newaxis], samples, 1, 3 * n)
        assert quantity.reasons(encoded, np.array([1]), samples, 1, 3 * n) == [None]
    gradient, hessian, rows = scales.real(sums)
    assert gradient[:, :5].sum() == g.ravel()[items].sum()
    exact = len(items) if flat else h.ravel()[items].sum()
    assert hessian[:, :5].sum() == pytest.approx(exact, abs=len(items) * 2.0**-HESSIAN_BITS)
    assert rows[:, :5].sum() == len(items)


@pytest.mark.parametrize("rows", [1, 1000, 1 << 24, 1 << 35])
@pytest.mark.parametrize("bound", [1e-30, 0.25, 1.0, 3e9])
def test_a_sum_over_all_rows_has_room(rows, bound):
    scales = Scales.of((bound, bound), rows, flat=False)
    for scale, bits in ((scales.gradient, GRADIENT_BITS), (scales.hessian, HESSIAN_BITS)):
        largest = int(scales.integers(np.array([bound]), scale)[0])
        assert largest <= 2**bits
        assert largest * rows < 2**62
