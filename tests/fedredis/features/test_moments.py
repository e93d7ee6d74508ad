import numpy as np
import pytest

from fedredis import features
from fedredis.arrays import Scope, Sum, count
from fedredis.errors import BoundError, DataError
from fedredis.features import Column, cells
from fedredis.features.moments import Moments, pairs

RNG = np.random.default_rng(0)
HARD = {
    "plain": RNG.normal(5, 3, 700),
    "one hour": 1.7e9 + RNG.uniform(0, 3600, 700),
    "nanoseconds": 1.7e18 + np.rint(RNG.uniform(0, 3600e9, 700)),
    "offset": 1e11 + RNG.normal(size=700),
    "one sentinel": np.r_[RNG.normal(size=699), 999999999],
    "large": RNG.normal(0, 1e150, 700),
    "small": RNG.normal(0, 1e-120, 700),
    "rare": np.r_[np.zeros(699), 1],
    "negative": -RNG.lognormal(0, 9, 700),
}


def learned(gather, x, cuts=(100, 100, 350)):
    features_ = features.make("plain", (Column("x"),))
    return gather(features_, np.split(np.asarray(x, float)[:, np.newaxis], cuts))


@pytest.mark.parametrize("name", HARD)
def test_mean_and_standard_deviation_to_the_last_digits(name, gather):
    x = HARD[name]
    known, exact = learned(gather, x), x.astype(np.longdouble)
    mean, scale = exact.mean(), exact.std()
    # The mean can't be nearer than a float, nor need it be than that of the deviations.
    assert abs(known["mean"][0] - mean) <= 1e-15 * abs(mean) + 1e-14 * scale
    assert known["scale"][0] == pytest.approx(float(scale), rel=1e-12)
    assert not known["constant"][0]
    away = np.abs(x - known["mean"][0]).max()
    assert away * (1 - 1e-15) <= known["bound"][0] <= 2.01 * away
    assert known.keys() == {"rows", "mean", "scale", "bound", "constant"}


@pytest.mark.parametrize("value", [0.0, 0.1, -1e6, 1.7e9, 1e12, 1e-30, 1 / 3e100])
def test_constant_column_has_scale_1(value, gather):
    known = learned(gather, np.full(1001, value))
    assert known["mean"][0] == pytest.approx(value, rel=1e-15)
    assert (known["scale"][0], known["constant"][0]) == (1, 1)
    assert known["bound"][0] <= 1e-11 * abs(value) + 1e-150


@pytest.mark.parametrize("value", [1e155, -1e200, np.inf])
def test_values_that_are_too_large(value, gather):
    told = r"column 'x': it holds numbers beyond 1e\+154: divide"
    with pytest.raises(BoundError, match=told):
        learned(gather, [1.0, value, 2.0, 3.0], (1, 2))
    moments = Moments(("x",))
    with pytest.raises(DataError, match=told):  # of masked sums no single one is seen
        moments.learn("magnitudes", {}, [cells.magnitudes(np.array([value]))[np.newaxis]])


@pytest.mark.parametrize("grain", [0.0, 2.0**-28])
@pytest.mark.parametrize(
    ("there", "first", "second", "fine"),
    [
        (4, 2.0, 1.0, True),  # four times 0.5
        (4, 2.1, 1.0, False),
        (4, -2.0, 1.0, True),
        (4, -2.0, 0.9, False),
        (4, 0.0, 4.0, True),  # 1 and -1, each twice
        (4, 0.0, 4.1, False),
        (4, 0.0, -0.1, False),
        (0, 0.0, 0.0, True),
        (0, 0.1, 0.1, False),
        (2, 1e-9, 5e-19, True),
    ],
)
def test_sums_that_no_numbers_have_are_refused(there, first, second, fine, grain):
    """Else all could seem to be near their mean, and whoever is far from it can't go on."""
    rule = Sum((count("there", (1,)), pairs("moments", 1, "there", grain)), Scope(3, 20))
    rows = np.array([5])
    encoded = rule.encode([np.array([[there]]), np.array([[[first], [second]]])], rows)
    must = "as many numbers as are said to be there can't have such sums"
    expected = None if fine else f"array 'moments': {must}"
    assert rule.reasons(np.array([1]), rows, encoded) == [expected]


@pytest.mark.parametrize("name", ["means", "squares"])
def test_sums_that_would_lead_below_the_least_are_refused(name, gather):
    moments = Moments(("x",), least=0.0)
    known = {"pivot": np.array([2.0]), "low": np.array([0.0]), "high": np.array([4.0])}
    known |= {"centre": np.array([2.0])} if name == "squares" else {}
    rule = Sum(moments.quantities(name, known), Scope(3, 20))
    rows = np.array([5])
    for value, why in ((0.0, None), (-0.1, "can't have such sums")):
        sums = moments.sums(name, known, np.full((5, 1), value))
        (found,) = rule.reasons(
            np.array([1]), rows, rule.encode([a[np.newaxis] for a in sums], rows)
        )
        assert (why in found) if why else found is None


def test_numbers_that_differ_by_rounding_alone_have_inputs_near_0(gather):
    x = 1.7e18 + RNG.integers(-40, 40, 700) * 256.0
    known = learned(gather, x)
    assert known["constant"][0] == 1
    assert np.abs((x - known["mean"][0]) / known["scale"][0]).max() <= 1
