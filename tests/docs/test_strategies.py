"""The page on strategies, beside their code."""

from __future__ import annotations

import json
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


def test_every_strategy_stands_there_with_its_options(page):
    described = {}
    for names, given, paper in page.table(page.section("## Options")):
        assert re.search(r"\d{4}$", paper), names
        pairs = dict(re.findall(r"`(\w+)=([\d.e-]+)`", given))
        for name in re.findall(r"`([a-z-]+)`", names):
            described[name] = {option: float(value) for option, value in pairs.items()}
    assert described == {name: options(strategy) for name, strategy in STRATEGIES.items()}


def test_what_they_ask_of_a_model(page):
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


def test_a_fit_that_is_exact(page, make_console):
    console = make_console()
    console.play(page, "newton")
    (outcome,) = json.loads(console.run("fedredis runs --json"))
    assert outcome["status"] == "finished"
    # It ends by itself, long before the last round.
    assert outcome["rounds"] <= 10


def test_what_strategies_come_to(page, songs, make_console):
    console, (section, *_) = make_console(), [page.section("# Strategies")]
    told = re.findall(r"`([a-z]+)`(?: comes)? to ([\d.]+) %(?:\s+in\s+(\d+))?", section)
    assert [name for name, *_ in told] == ["fedavg", "scaffold", "newton"]
    for name, share, rounds in told:
        how = f"--data {songs} --by dirichlet:0.1 --strategy {name} --json 2>/dev/null"
        outcome = json.loads(console.run(f"fedredis run {how}"))
        assert f"{100 * outcome['accuracy']:.1f}" == share
        assert outcome["rounds"] == int(rounds or 20)


def test_the_strategies_that_are_there(page):
    rows = page.table(page.section("# Strategies"))
    named = [name for row in rows for name in re.findall(r"`([a-z-]+)`", row[0])]
    assert sorted(named) == sorted(STRATEGIES)
