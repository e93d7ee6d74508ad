from __future__ import annotations

from dataclasses import dataclass

import pytest

from fedredis.errors import UsageError
from fedredis.strategies import STRATEGIES, FedAvg
from fedredis.strategies.options import build, options, require


@dataclass(frozen=True)
class Tuned(FedAvg):
    """A strategy with an option of each kind."""

    share: float = 0.5
    steps: int = 3
    nesterov: bool = False

    def __post_init__(self) -> None:
        require(0 <= self.share < 1, "share", self.share, "from 0 to below 1")


KNOWN = {"fedavg": FedAvg, "tuned": Tuned}


def test_options_are_the_fields():
    assert list(options(Tuned).items()) == [("share", 0.5), ("steps", 3), ("nesterov", False)]
    assert options(FedAvg) == {}


def test_values_are_read_as_what_the_default_is():
    given = {"share": "0.25", "steps": "7", "nesterov": "yes"}
    assert build(KNOWN, "tuned", given) == Tuned(0.25, 7, True)
    assert build(KNOWN, "tuned", {"share": "0"}) == Tuned(0.0)
    assert build(KNOWN, "tuned", {}) == Tuned()


@pytest.mark.parametrize(
    ("name", "given", "problem"),
    [
        ("avg", {}, r"^`strategy` must be one of fedavg, tuned, not 'avg'$"),
        ("fedavg", {"mu": "1"}, r"^`strategy` fedavg has no option 'mu'; it has: none$"),
        ("tuned", {"mu": "1"}, r"it has: share, steps, nesterov"),
        ("tuned", {"share": "much"}, r"^`strategy` tuned: share must be a number, not 'much'$"),
        ("tuned", {"share": "nan"}, r"share must be a number, not 'nan'"),
        ("tuned", {"share": "inf"}, r"share must be a number, not 'inf'"),
        ("tuned", {"steps": "1.5"}, r"steps must be a whole number, not '1.5'"),
        ("tuned", {"nesterov": "1"}, r"nesterov must be yes or no, not '1'"),
        ("tuned", {"share": "1"}, r"^`strategy` tuned: share must be from 0 to below 1, not 1.0"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(name, given, problem):
    with pytest.raises(UsageError, match=problem):
        build(KNOWN, name, given)


@pytest.mark.parametrize(
    ("name", "option", "value", "range_"),
    [
        ("fedadagrad", "server_learning_rate", "0", "above 0, not 0"),
        ("fedadagrad", "tau", "0", "above 0, not 0"),
        ("fedadam", "beta1", "1", "at least 0 and below 1, not 1"),
        ("fedadam", "beta1", "-0.1", "at least 0 and below 1, not -0.1"),
        ("fedadam", "beta2", "-0.1", "at least 0 and below 1, not -0.1"),
        ("fedavgm", "momentum", "1", "at least 0 and below 1, not 1"),
        ("fedavgm", "momentum", "-0.1", "at least 0 and below 1, not -0.1"),
        ("fedavgm", "server_learning_rate", "0", "above 0, not 0"),
        ("fedprox", "mu", "-1", "0 or more, not -1"),
        ("fedyogi", "beta2", "1", "at least 0 and below 1, not 1"),
        ("qfedavg", "q", "-1", "0 or more, not -1"),
        ("scaffold", "server_learning_rate", "0", "above 0, not 0"),
    ],
)
def test_an_option_out_of_its_range_is_named(name, option, value, range_):
    with pytest.raises(UsageError, match=f"{name}: {option} must be {range_}"):
        build(STRATEGIES, name, {option: value})
