"""What strangers and users hand in: jobs that would run code, data and options that can't be."""

import numpy as np
import pytest
from rq import Callback, Queue
from rq.serializers import DefaultSerializer, JSONSerializer

from fedredis.data.manifest import read_manifest


def test_row_18_jobs_that_would_run_code(site, gates, assert_as_undisturbed):
    """None of them runs, each has failed, and the run goes on beside them."""
    run, stolen = site.create(), site.folder / "stolen"
    worker = site.worker()
    name = f"fedredis-{run.config.dataset}"
    queue = Queue(name, connection=site.client, serializer=JSONSerializer)
    pickled = Queue(name, connection=site.client, serializer=DefaultSerializer)
    touch = f"touch {stolen}"
    jobs = [
        queue.enqueue("os.system", touch),
        queue.enqueue("subprocess.getoutput", touch),
        queue.enqueue("fedredis.jobs.serve", run.run_id),
        queue.enqueue(
            "fedredis.jobs.train",
            kwargs={"run": run.run_id, "round": "train:1"},
            on_success=Callback("os.remove"),
        ),
        pickled.enqueue("os.system", touch),
        pickled.enqueue("os.system", touch, meta={"x": np.float64(1)}),
    ]
    gates.close("commit train:2")
    master = site.master(run)
    gates.wait("commit train:2")
    gates.open("commit train:2")
    master.ends(0)
    assert worker.popen.poll() is None, worker.said
    assert not stolen.exists()
    for job in jobs:
        assert site.client.hget(job.key, "status") == b"failed", job
    assert_as_undisturbed(run)


def test_row_20_a_slave_with_rows_of_one_class(site, partitions, tmp_path):
    """It trains with the labels of all."""
    folder = tmp_path / "one-class"
    folder.mkdir()
    whole = partitions()
    manifest = read_manifest(whole)
    (folder / "manifest.json").write_text(manifest.to_json())
    for slave in range(3):
        rows = np.load(whole / f"slave-{slave}.npy")
        np.save(folder / f"slave-{slave}.npy", rows[rows[:, -2] == slave])
    run = site.create(partitions=folder)
    site.worker(folder=folder)
    outcome = site.master(run).ends(0)
    assert [bool(sum(row)) for row in outcome["confusion"]] == [True] * 3
    assert run.history["train:1"]["slaves"] == 3


@pytest.mark.parametrize(
    "args",
    [
        ("--rounds", "0"),
        ("--slaves", "3", "--quorum", "4"),
        ("--data", "missing.csv"),
    ],
)
def test_row_21_a_call_that_can_not_be_carried_out(site, args):
    """Exit code 2, one line, and nothing is written."""
    before = sorted(site.folder.iterdir())
    done = site.fedredis("run", "--redis-url", site.server.url, *args, code=2)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("fedredis: ")
    assert sorted(site.folder.iterdir()) == before
    assert site.client.dbsize() == 0


def test_row_21_names_that_lead_elsewhere(site):
    """They are no names, whatever would be there."""
    for command in ("resume", "show", "errors"):
        done = site.fedredis(command, "../fedredis", "--redis-url", site.server.url, code=2)
        assert "is not a name" in done.stderr
    assert site.client.dbsize() == 0
