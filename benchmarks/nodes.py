"""What the processes of a run use, at several numbers of slaves, each with a process of its own.

``python -m benchmarks.nodes PICTURE.png --slaves 10 70`` trains with 10 and with 70 slave
processes, samples them often (a short lease), prints what each run took, and draws CPU of each
process over the run. Needs the extra ``bench``.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import fedredis
from benchmarks.harness import SOURCE, partitions
from fedredis.embedded import EmbeddedServer
from fedredis.jobs.pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Samples are taken three times a lease.
LEASE_MS = 1500


@contextmanager
def federation(root: Path, slaves: int) -> Iterator[tuple[EmbeddedServer, str]]:
    """Start a server, and a process for each slave, which holds the rows of that one alone."""
    parts, config = partitions(root, slaves)
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedServer.open(root / f"home-{slaves}"))
        for slave in range(slaves):
            own = root / f"of-{slaves}" / str(slave)
            own.mkdir(parents=True)
            for name in ("manifest.json", f"slave-{slave}.npy"):
                shutil.copy(parts / name, own)
            stack.enter_context(WorkerPool(server.url, own, 1))
        yield server, config.dataset


def measure(root: Path, slaves: int, rounds: int) -> tuple[fedredis.Outcome, fedredis.Nodes]:
    """Train in such a federation; return what it came to, and what its processes used."""
    with federation(root, slaves) as (server, dataset):
        at = {"dataset": dataset, "redis_url": server.url}
        outcome = fedredis.run(workers=0, rounds=rounds, lease_ms=LEASE_MS, **at)
        return outcome, fedredis.nodes(outcome.run, redis_url=server.url)


def main() -> None:
    """Measure, print a line for each number of slaves, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--slaves", type=int, nargs="+", default=[10, 70])
    parser.add_argument("--rounds", type=int, default=200)
    asked = parser.parse_args()
    from fedredis.api.study import canvas, node_picture

    used = []
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for slaves in asked.slaves:
            outcome, found = measure(root, slaves, asked.rounds)
            used.append(found)
            workers = [one for name, one in found.series.items() if name != "master"]
            master = found.series["master"].cpu_seconds
            each = sum(one.cpu_seconds for one in workers) / len(workers)
            memory = sum(float(one.memory.max()) for one in workers) / len(workers)
            print(
                f"{slaves} slave processes, {SOURCE}: {outcome.rounds} rounds in "
                f"{outcome.seconds:.1f} s, {outcome.round_ms['p50']:.0f} ms each (median); "
                f"CPU {each:.2f} s a slave, {master:.2f} s the master; "
                f"memory {memory:.0f} MiB a slave; accuracy {outcome.accuracy:.2%}"
            )
    canvas.save(node_picture.figure_of(used), asked.picture)
    print(f"drawn in {asked.picture}")


if __name__ == "__main__":
    main()
