import numpy as np

from fedredis.models import TrainingSettings
from fedredis.strategies import FedAvg
from fedredis.strategies.scaffold import Scaffold

#: Steps that the slaves of `federation` take.
STEPS = (2, 8, 10, 4)


def test_it_goes_as_the_paper_says_whoever_takes_part(federation, sgd):
    strategy, rate = Scaffold(server_learning_rate=0.8), federation.settings.learning_rate
    current = federation.first(strategy)
    (x,), c = current.parameters, np.zeros((3, 3))
    own = {slave: np.zeros((3, 3)) for slave in range(4)}
    for number, sample in enumerate([(0, 2), (1, 2, 3), (0, 1, 2, 3), (3,)], start=1):
        current = federation.round(strategy, current, number, sample)
        n = sum(len(federation.slaves[slave][1]) for slave in sample)
        dx, dc = np.zeros((3, 3)), np.zeros((3, 3))
        for slave in sample:
            share = len(federation.slaves[slave][1]) / n
            correct = lambda w, shift=c - own[slave]: shift  # noqa: E731
            y = sgd(x, federation.slaves[slave], federation.rng(number, slave), correct)
            new = own[slave] - c + (x - y) / (STEPS[slave] * rate)
            dx, dc = dx + share * (y - x), dc + share * (new - own[slave])
            own[slave] = new
        x, c = x + 0.8 * dx, c + len(sample) / 4 * dc
        np.testing.assert_allclose(current.parameters[0], x, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(current.state["control.weights"], c, rtol=1e-9, atol=1e-12)


def test_while_all_take_part_the_servers_control_variate_is_the_mean_of_theirs(federation):
    strategy = Scaffold()
    current = federation.first(strategy)
    for number in range(1, 6):
        current = federation.round(strategy, current, number)
        pairs = zip(federation.slaves, federation.memories.values(), strict=True)
        mean = sum(len(y) * memory[0] for (_, y), memory in pairs) / federation.rows
        assert np.abs(mean).max() > 0.01
        np.testing.assert_allclose(current.state["control.weights"], mean, atol=1e-11)


def test_a_slave_alone_is_not_corrected(federation):
    federation.slaves = federation.slaves[1:2]
    (ours,) = federation.train(Scaffold(), 4).parameters
    (plain,) = federation.train(FedAvg(), 4).parameters
    np.testing.assert_allclose(ours, plain, rtol=1e-9, atol=1e-12)


def test_slaves_do_not_drift_apart(federation, gradient):
    """With many whole-batch steps a round FedAvg ends off the best model; SCAFFOLD does not."""
    federation.settings = TrainingSettings(10, 1_000, 0.5, 0.01)
    X = np.concatenate([X for X, _ in federation.slaves])
    y = np.concatenate([y for _, y in federation.slaves])
    best = np.zeros((3, 3))
    for _ in range(5_000):
        best -= 0.5 * gradient(best, X, y, 0.01)
    assert np.abs(gradient(best, X, y, 0.01)).max() < 1e-10

    def away(strategy):
        off = federation.train(strategy, 200).parameters[0] - best
        # What all classes have in common makes no difference to the probabilities.
        return float(np.linalg.norm(off - off.mean(axis=1, keepdims=True)))

    assert away(FedAvg()) > 0.1
    assert away(Scaffold()) < 1e-4
