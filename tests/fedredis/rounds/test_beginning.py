"""A master that waits for slaves: it can be seen, and stopped, and says how it ended."""

import pytest

from fedredis.errors import StopRequestedError, WaitTimeoutError
from fedredis.rounds.beginning import Beginning
from fedredis.store.asking import stop
from fedredis.store.inflight import interrupted


@pytest.fixture
def waiting(make_training):
    """Return a run that was made, and the master that waits for its slaves."""
    run = make_training()
    beginning = Beginning(run.client, run.run_id, "me", 30_000)
    beginning.hold()
    return run, beginning


def test_its_lease_is_held(waiting):
    run, beginning = waiting
    assert interrupted(run.client, [run.run_id]) == set()
    Beginning(run.client, run.run_id, "another", 30_000).hold()
    assert run.client.get(run.keys.lease) == b"me"
    run.client.pexpire(run.keys.lease, 10_000)
    beginning.hold()
    assert run.client.pttl(run.keys.lease) > 20_000
    run.let_lease_end()
    assert interrupted(run.client, [run.run_id]) == {run.run_id}


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt, "stopped", "interrupted"),
        (WaitTimeoutError, "failed", "The slaves that the run needs did not come."),
    ],
)
def test_how_it_ended_is_recorded(waiting, error, status, said):
    run, beginning = waiting
    with pytest.raises(error), beginning.leaving():
        raise error
    assert (run.state.status, run.state.error) == (status, said)
    assert not run.client.exists(run.keys.lease)
    run.drive()
    run.assert_as_undisturbed()


def test_it_is_stopped(waiting):
    run, beginning = waiting
    beginning.heed()
    assert stop(run.client, run.run_id) == "me"
    with pytest.raises(StopRequestedError), beginning.leaving():
        beginning.heed()
    assert (run.state.status, run.state.error) == ("stopped", "asked to stop")


def test_a_run_that_has_begun_keeps_its_end(waiting):
    run, beginning = waiting
    run.let_lease_end()
    run.drive()
    with pytest.raises(WaitTimeoutError), beginning.leaving():
        raise WaitTimeoutError
    assert run.state.status == "finished"
