import numpy as np
import pytest

import fedredis
from fedredis.api.nodes import series_of
from fedredis.errors import RunNotFoundError
from fedredis.store.nodes import Sample


def test_a_run_has_a_series_of_every_process(trained, server):
    found = fedredis.nodes(trained.run, redis_url=server.url)
    master, worker = found.series.values()
    assert (master.called, worker.called) == ("master", f"…{worker.node[-8:]}")
    assert (np.diff(worker.time) >= 0).all()
    assert 0 < worker.cpu_seconds < 60
    assert (worker.memory > 20).all()
    times, cores = found.together(20)
    assert times.shape == cores.shape == (20,)
    both = master.cpu_seconds + worker.cpu_seconds
    assert cores.sum() * (times[1] - times[0]) == pytest.approx(both, rel=1e-6)
    assert list(found.frame) == ["node", "time", "seconds", "cpu", "memory"]
    assert set(found.frame["node"]) == {"master", worker.node}


def test_there_is_no_such_run(server):
    with pytest.raises(RunNotFoundError):
        fedredis.nodes("0123abcd", redis_url=server.url)


def test_a_run_that_has_not_begun_has_no_series(make_training, server):
    found = fedredis.nodes(make_training().run_id, redis_url=server.url)
    assert found.series == {}
    assert [len(one) for one in found.together()] == [0, 0]
    assert list(found.frame) == ["node", "time", "seconds", "cpu", "memory"]


def test_nodes_are_in_order_and_what_lies_between_stays_is_not_counted():
    def at(node, ms, cpu, seconds=1.0):
        return Sample(node, 1000 + ms, seconds, cpu, 50.0)

    names = [
        f"fedredis-pets-{end}" for end in ("slave-10-0123abcd", "slave-9-0123abcd", "0a0b0c0d")
    ]
    samples = [at(name, 1000, 0.5) for name in names] + [at(names[0], 5000, 1.0, 2.0)]
    series = series_of([*samples, at("master", 4000, 0.25, 4.0)], 1000)
    assert [one.called for one in series.values()] == [
        "master",
        "…0a0b0c0d",
        "slave 9",
        "slave 10",
    ]
    one = series[names[0]]
    assert one.cpu_seconds == 2.5
    used = one.used_until(np.array([-1.0, 0, 0.5, 1, 2, 3, 4, 5, 9]))
    np.testing.assert_allclose(used, [0, 0, 0.25, 0.5, 0.5, 0.5, 1.5, 2.5, 2.5])
    times, cores = fedredis.Nodes("r1", series).together(5)
    np.testing.assert_allclose(times, [0.5, 1.5, 2.5, 3.5, 4.5])
    np.testing.assert_allclose(cores, [1.75, 0.25, 0.25, 1.25, 1.0])
