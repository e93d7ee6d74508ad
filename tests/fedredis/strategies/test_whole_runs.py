"""Every strategy in whole runs on the real server: no order and no interruption changes a bit."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from fedredis.keys import Label, RunKeys
from fedredis.strategies import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from redis import Redis

    Make = Callable[..., Any]


class KilledError(BaseException):
    """Ends a master on the spot, as a kill does: nothing of its own is run any more."""


def remembered(client: Redis, run_id: str) -> list[bytes]:
    """List the keys of the updates that are kept for slaves."""
    return [key for key in client.keys("*:last:*") if run_id.encode() in key]


@pytest.mark.parametrize("sample", [0, 4])
@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_order_and_interruptions_change_no_bit(
    client: Redis, make_training: Make, name: str, sample: int
) -> None:
    def make(**farm: Any) -> Any:
        return make_training(farm, slaves=6, rounds=4, strategy=name, sample=sample)

    in_order = make()
    in_order.drive()
    assert in_order.state.status == "finished"

    shuffled = make(rng=random.Random(5))
    shuffled.drive()
    assert shuffled.digest == in_order.digest

    killed, recalls = make(), STRATEGIES[name].recalls

    def kill_between_rounds(label: Label, entry: Mapping[str, Any]) -> None:
        if str(label) == "train:1":
            counted = entry["slaves"] if recalls else 0
            assert len(remembered(client, killed.run_id)) == counted
            raise KilledError

    def kill_in_a_round(label: Label, slave: str) -> None:
        # Two slaves are counted before the third, whichever they are.
        if str(label) == "train:2" and client.get(keys.round(label).arrived) == b"2":
            raise KilledError

    keys = RunKeys(killed.run_id)
    with pytest.raises(KilledError):
        killed.drive(kill_between_rounds)
    killed.let_lease_end()
    killed.farm.before = kill_in_a_round
    with pytest.raises(KilledError):
        killed.drive()
    killed.let_lease_end()
    # The worker that held the slaves has died with the master.
    claims = keys.round(Label.parse("train:2")).claims
    for slave in client.hkeys(claims):
        client.hset(claims, slave, "farm-1 1")
    killed.farm.before = lambda label, slave: None
    killed.drive()
    assert killed.state.status == "finished"
    assert killed.digest == in_order.digest

    for training in (in_order, shuffled, killed):
        assert remembered(client, training.run_id) == []
