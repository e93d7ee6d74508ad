import pytest

from fedredis.schedules import SCHEDULES


@pytest.mark.parametrize(
    ("name", "factors"),
    [
        ("constant", [1, 1, 1, 1]),
        ("linear", [1, 0.75, 0.5, 0.25]),
        ("cosine", [1, 0.8535533905932737, 0.5, 0.1464466094067262]),
        ("inverse-sqrt", [1, 2**-0.5, 3**-0.5, 0.5]),
        ("step", [1, 1, 0.1, 0.01]),
    ],
)
def test_factors_of_four_rounds(name, factors):
    schedule = SCHEDULES[name]
    assert [schedule(number, 4) for number in (1, 2, 3, 4)] == pytest.approx(factors, rel=1e-15)
    assert schedule(1, 1) == 1


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_rate_is_never_zero_nor_grows(name):
    factors = [SCHEDULES[name](number, 37) for number in range(1, 38)]
    assert factors == sorted(factors, reverse=True)
    assert factors[-1] > 0
