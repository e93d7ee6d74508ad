"""Whom a worker asks for, and how many at a time."""

from __future__ import annotations

import pytest

from fedredis.jobs import claims
from fedredis.jobs.claims import Claims


@pytest.mark.parametrize(
    ("seconds", "worth"),
    [(0.0, (256, 256)), (0.5, (4, 20)), (3.0, (1, 3)), (99.0, (1, 1))],
)
def test_how_many_are_worth_a_visit(
    monkeypatch: pytest.MonkeyPatch, seconds: float, worth: tuple[int, int]
) -> None:
    monkeypatch.setattr(claims, "SHORTEST_WORK", 2.0)
    monkeypatch.setattr(claims, "LONGEST_WORK", 10.0)
    asked = Claims("train", None, {})
    assert asked.worth_a_visit("train") == (1, 1)
    asked.took("train", seconds)
    assert asked.worth_a_visit("train") == worth
    assert asked.worth_a_visit("evaluate") == (1, 1)
