"""Whom a run waits for, told when nothing has been committed for a while."""

import pytest

from fedredis.api.standstill import SILENT, Standstill
from fedredis.errors import FedredisError
from fedredis.keys import RoundName
from fedredis.store import inflight
from fedredis.store.inflight import Awaited, OpenRound

STATES = ("unclaimed", "claimed", "lost", "given up", "claimed", "claimed", "claimed")


@pytest.fixture
def said():
    return []


@pytest.fixture
def at(monkeypatch, said):
    """Return a function that has a time (seconds) come, and a look taken."""
    awaited = {f"s{i}": Awaited(state, "", 0) for i, state in enumerate(STATES)}
    found = OpenRound(RoundName("train", 7), 16_400, 0, 9, 2, 9, awaited)
    monkeypatch.setattr(inflight, "open_rounds", lambda *_: (found,))
    now = [100.0]
    standstill = Standstill(None, "r1", said.append, lambda: now[0])  # type: ignore[arg-type]

    def at(seconds, *, moved=False):
        now[0] = 100.0 + seconds
        if moved:
            standstill.moved()
        standstill.look()

    return at


def test_it_is_silent_for_a_while_and_then_says_who_is_missing(at, said):
    at(SILENT - 0.1)
    assert said == []
    at(SILENT)
    assert said == [
        "train:7 has been open for 16 s: 2 of 9 slaves are in, it waits for s0 (no worker), "
        "s1 (at work), s2 (its worker is gone), s3 (given up), s4 (at work) and 2 more"
    ]


def test_it_is_said_again_after_twice_the_time_and_anew_behind_a_commit(at, said):
    for share in (1, 1.5, 1.9, 2, 3.9, 4, 7.9):
        at(share * SILENT)
    assert len(said) == 3
    at(8 * SILENT, moved=True)
    at(9 * SILENT - 0.1)
    assert len(said) == 3
    at(9 * SILENT)
    assert len(said) == 4


def test_a_round_that_can_not_be_read_stops_nobody(at, said, monkeypatch):
    def damaged(*_):
        raise FedredisError("damaged")

    monkeypatch.setattr(inflight, "open_rounds", damaged)
    at(SILENT)
    assert said == []
