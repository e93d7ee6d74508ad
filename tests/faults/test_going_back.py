"""A server that comes back, again and again, with less than it had: same bits, same history."""

import random

import pytest
from faults_processes import PATIENCE

from fedredis.exchanges.setup import BINS, BOOSTING
from fedredis.models import TREES
from fedredis.strategies import STRATEGIES

#: The first ones hold most that can be lost.
FIRST = ("scaffold", "newton", TREES)
#: All there is to train with.
WAYS = {
    name: {"strategy": name, "rounds": 9} for name in (*FIRST, *sorted({*STRATEGIES} - {*FIRST}))
} | {TREES: {"strategy": BOOSTING, "features": BINS, "model": TREES, "rounds": 3}}
#: As many as those rules need that leave some out.
SLAVES = 7
#: Bytes at the end of the file that are lost in half of the cases; else it is anything.
NEWEST = 3000


def went_back(site, run, rng):
    """Kill the server, cut its append-only file anywhere behind the run's first round, restart."""
    site.server.kill()
    written = site.server.file.read_bytes()
    # Before that nobody has heard of the run; it would be gone.
    first = written.index(f"{run.keys.run}:round:statistics:1\r\n".encode())
    first = max(first, rng.choice((0, len(written) - NEWEST)))
    site.server.file.write_bytes(written[: rng.randrange(first, len(written))])
    site.server.start()


@pytest.mark.parametrize(
    "seeds",
    [range(3), pytest.param(range(200), marks=[pytest.mark.soak, pytest.mark.timeout(9000)])],
)
def test_a_live_master_goes_on_from_any_point(
    site, partitions, undisturbed, assert_as_undisturbed, seeds
):
    """Its workers live on too; what they hold of the time that is lost counts for nothing."""
    folder = partitions(SLAVES)
    site.pool(2, folder=folder)
    for seed in seeds:
        rng, way = random.Random(seed), [*WAYS][seed % len(WAYS)]
        # Newton's steps and trees take all slaves' sums of the same rows.
        sample = 0 if way in FIRST[1:] else rng.choice((0, 5))
        asked = {**WAYS[way], "patience": rng.choice((0, 0, 3)), "sample": sample}
        run = site.create(partitions=folder, **asked)
        rounds = len(undisturbed(run.config).history)
        master = site.master(run)
        for _ in range(2):
            run.wait_for_history(rng.randrange(1, rounds))
            went_back(site, run, rng)
        code = master.popen.wait(PATIENCE)
        if run.state.status == "running":
            # It had ended before the server was killed; its end was lost, too.
            assert "Traceback" not in master.said
            site.master(run).ends(0)
        else:
            assert code == 0, master.said
        assert_as_undisturbed(run)
        print(f"seed {seed}: {asked}", flush=True)
