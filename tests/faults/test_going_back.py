"""A server that comes back, again and again, with less than it had: same bits, same history."""

import random

import pytest


def went_back(site, run, rng):
    """Kill the server, cut its append-only file anywhere behind the run's first round, restart."""
    site.server.kill()
    written = site.server.file.read_bytes()
    # Before that nobody has heard of the run; it would be gone.
    first = written.index(f"{run.keys.run}:round:statistics:1\r\n".encode())
    site.server.file.write_bytes(written[: rng.randrange(first, len(written))])
    site.server.start()


@pytest.mark.parametrize(
    "seeds",
    [range(3), pytest.param(range(3, 203), marks=[pytest.mark.soak, pytest.mark.timeout(9000)])],
)
def test_a_live_master_goes_on_from_any_point(site, assert_as_undisturbed, seeds):
    """Its workers live on too; what they hold of the time that is lost counts for nothing."""
    site.pool(2)
    strategies = ("fedavg", "scaffold", "fedadam")
    for seed in seeds:
        rng = random.Random(seed)
        run = site.create(strategy=strategies[seed % 3], rounds=12, sample=rng.choice((0, 2)))
        master = site.master(run)
        for _ in range(2):
            run.wait_for(type="opened", round=f"train:{rng.randint(1, 9)}")
            went_back(site, run, rng)
        master.ends(0)
        # A cut between a part that was put aside and its time to live leaves the part: no harm.
        for key in run.client.scan_iter(f"{run.keys.run}:*staged:*"):
            run.client.unlink(key)
        assert_as_undisturbed(run)
