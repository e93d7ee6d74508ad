"""Whom a worker asks for, and how many at a time."""

from __future__ import annotations

import pytest

from fedredis.jobs import claims
from fedredis.jobs.claims import Claims
from fedredis.keys import RoundName
from fedredis.store.slave import Claim


@pytest.mark.parametrize(
    ("seconds", "worth"),
    [(0.0, (1024, 1024)), (0.5, (4, 20)), (3.0, (1, 3)), (99.0, (1, 1))],
)
def test_how_many_are_worth_a_visit(monkeypatch, seconds, worth):
    monkeypatch.setattr(claims, "SHORTEST_WORK", 2.0)
    monkeypatch.setattr(claims, "LONGEST_WORK", 10.0)
    asked = Claims("train", None, {})
    assert asked.worth_a_visit("train") == (1, 1)
    asked.took("train", seconds)
    assert asked.worth_a_visit("train") == worth
    assert asked.worth_a_visit("evaluate") == (1, 1)


def claimed(asked: Claims, number: int, place: int, count: int) -> int:
    """Ask for some in a round, and be given so many from a place on; return which was asked."""
    ask = asked.ask(RoundName("train", number), with_task=False)
    slaves = tuple(str(place + i) for i in range(count))
    asked.granted(ask, Claim(ask.name, 1, slaves, place=place))
    return ask.place


def test_it_comes_back_to_the_places_that_it_knows():
    asked = Claims("train", None, {})
    assert [claimed(asked, 1, place, 4) for place in (0, 8, 16)] == [0, 0, 0]
    # Another one has taken those from 8 on.
    assert [claimed(asked, 2, place, 4) for place in (0, 12, 16)] == [0, 8, 16]
    # More at a time: what begins in between is no place of its own any more.
    assert [claimed(asked, 3, place, 9) for place in (0, 9, 18)] == [0, 12, 16]
    assert [claimed(asked, 4, place, 9) for place in (0, 9, 18, 0)] == [0, 9, 18, 0]


def test_where_it_claimed_most_it_asks_first():
    asked = Claims("train", None, {"train": {0: 1, 2: 5, 9: 1, 20: 7, 30: 5}})
    assert [claimed(asked, 1, place, 1) for place in (40, 41, 42, 43)] == [20, 2, 30, 0]


@pytest.mark.parametrize(("seconds", "asked"), [(0.4, (5, 25)), (1.0, (9, 9)), (3.0, (1, 3))])
def test_those_claimed_together_stay_together_if_that_is_worth_a_visit(
    monkeypatch, seconds, asked
):
    monkeypatch.setattr(claims, "SHORTEST_WORK", 2.0)
    monkeypatch.setattr(claims, "LONGEST_WORK", 10.0)
    ours = Claims("train", None, {"train": {8: 9}})
    ours.took("evaluate", seconds)
    # What is known of one kind of round is where another begins.
    ask = ours.ask(RoundName("evaluate", 1), with_task=False)
    assert (ask.place, (ask.least, ask.most)) == (8, asked)


def test_what_it_held_before_tells_nothing_of_places():
    known = {"train": {8: 2}}
    asked = Claims("train", None, known)
    assert claimed(asked, 1, -1, 2) == 8
    assert known == {"train": {8: 2}}
    assert claimed(asked, 1, 8, 2) == 8


def test_whose_rows_it_holds_alone_it_asks_for_by_name():
    ask = Claims("train", ("3", "1"), {}).ask(RoundName("train", 1), with_task=True)
    assert (ask.wishes, ask.take_any) == (("3", "1"), False)
