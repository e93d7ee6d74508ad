"""The page on strategies, beside their code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from fedredis.models.protocol import Model, SecondOrderModel, SteeredModel
from fedredis.strategies import STRATEGIES
from fedredis.strategies.options import options

if TYPE_CHECKING:
    Document = Any


@pytest.fixture
def page(pages: dict[str, Document]) -> Document:
    return pages["docs/strategies.md"]


def test_every_strategy_stands_there_with_its_options(page: Document) -> None:
    described: dict[str, dict[str, float]] = {}
    for names, given, paper in page.table(page.section("# Strategies and their options")):
        assert re.search(r"\d{4}$", paper), names
        pairs = dict(re.findall(r"`(\w+)=([\d.e-]+)`", given))
        for name in re.findall(r"`([a-z-]+)`", names):
            described[name] = {option: float(value) for option, value in pairs.items()}
    assert described == {
        name: {option.name: option.default for option in options(strategy)}
        for name, strategy in STRATEGIES.items()
    }


def test_what_they_ask_of_a_model(page: Document) -> None:
    rows = page.table(page.section("## What a strategy asks of a model"))
    steered, second = (set(re.findall(r"`([a-z-]+)`", row[0])) for row in rows[:2])
    asking = {
        kind: {name for name, strategy in STRATEGIES.items() if strategy.requires is kind}
        for kind in (SteeredModel, SecondOrderModel, Model)
    }
    assert asking == {
        SteeredModel: steered,
        SecondOrderModel: second,
        Model: set(STRATEGIES) - steered - second,
    }
