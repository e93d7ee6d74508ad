"""Whose model is tested on whose rows, by labels that say so."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from sklearn.metrics import r2_score

from fedredis.api.study import comparison
from fedredis.api.study.fitting import fit
from fedredis.data.partition import Partition
from fedredis.exchanges import Setup


@pytest.fixture
def parts():
    """Three slaves' rows, of 40, 60 and 25 to learn from, with 12, 5 and no rows held out."""
    rng, made = np.random.default_rng(3), {}
    for slave, (n, out) in enumerate([(40, 12), (60, 5), (25, 0)]):
        X = rng.normal([10, 15], [3, 4], (n + out, 2))
        y = np.digitize(X @ [1.0, -0.5] + rng.normal(slave, 2, n + out), [1.0, 4.0])
        made[str(slave)] = Partition(X[:n], y[:n], X[n:], y[n:])
    return made


def compare(config, parts, federated, known=None, **how):
    """Compare a run whose known statistics matter where labels are numbers alone."""
    return comparison.compare(
        Setup(config), known or {}, parts, federated, **{"run": "r1", "rounds": 3, **how}
    )


def always(label):
    """Predict one class whatever the row."""
    return lambda X: np.tile(np.eye(3)[label], (len(X), 1))


def hits(fitted, *parts):
    """Count the rows that a fit tells the class of."""
    return sum(int((fitted.predict(p.test_X).argmax(axis=1) == p.test_y).sum()) for p in parts)


def test_models_and_rows(make_config, parts):
    config = make_config()
    found = compare(config, parts, always(1))
    each = list(parts.values())
    local = [fit(config, {s: part}, rounds=3, name=s) for s, part in parts.items()]
    pooled = fit(config, parts, rounds=3, name="pooled")
    own = [hits(fitted, part) for fitted, part in zip(local, each, strict=True)]
    everywhere = [hits(fitted, *each) for fitted in local]
    assert found.local["accuracy"] == sum(own) / 17
    assert found.local_everywhere["accuracy"] == pytest.approx(sum(everywhere) / 17 / 3)
    assert found.pooled["accuracy"] == hits(pooled, *each) / 17
    assert found.federated["accuracy"] == sum((p.test_y == 1).sum() for p in each) / 17
    for slave, part in list(parts.items())[:2]:
        told, place = found.slaves[slave], int(slave)
        assert (told.rows, told.held_out) == (len(part.train_y), len(part.test_y))
        assert told.local["accuracy"] == own[place] / len(part.test_y)
        assert told.local_everywhere["accuracy"] == everywhere[place] / 17
        assert told.federated["accuracy"] == (part.test_y == 1).mean()
        assert told.pooled["accuracy"] == hits(pooled, part) / len(part.test_y)
    assert (found.run, found.round, found.solver, found.primary) == (
        *("r1", 3, "newton", "accuracy"),
    )


def test_a_slave_that_holds_no_rows_out(make_config, parts):
    told = compare(make_config(), parts, always(1)).slaves["2"]
    assert told.local == told.federated == told.pooled == {}
    assert told.local_everywhere["accuracy"] > 0


def test_figures_are_single_numbers(make_config, parts):
    found = asdict(compare(make_config(), parts, always(1)))
    assert len(found["pooled"].pop("weights_sha256")) == 64
    for model in ("local", "local_everywhere", "federated", "pooled"):
        assert set(found[model]) == {"accuracy", "macro_f1", "log_loss"}
        assert all(type(value) is float for value in found[model].values())


def test_numbers(make_config, parts):
    """R^2 is of all rows, each predicted by its own slave's model, not a mean of many R^2."""
    config = make_config(model="linear", classes=())
    numbers = {
        s: replace(p, train_y=p.train_y * 1.5, test_y=p.test_y * 1.5) for s, p in parts.items()
    }
    known = {"label_mean": np.array(2.0), "label_scale": np.array(3.0)}
    found = compare(config, numbers, lambda X: np.zeros((len(X), 1)), known)
    each = list(numbers.values())
    local = [fit(config, {"x": part}, rounds=3, name="x") for part in each]
    truth = np.concatenate([part.test_y for part in each])
    told = [f.predict(p.test_X)[:, 0] for f, p in zip(local, each, strict=True)]
    assert found.local["r2"] == pytest.approx(r2_score(truth, np.concatenate(told)))
    everywhere = [
        r2_score(truth, np.concatenate([f.predict(p.test_X)[:, 0] for p in each])) for f in local
    ]
    assert found.local_everywhere["r2"] == pytest.approx(np.mean(everywhere))
    assert found.federated["mse"] == pytest.approx((truth**2).mean())


def test_each_fit_is_reported(make_config, parts):
    told = []
    report = lambda *counts: told.append(counts)  # noqa: E731
    compare(make_config(), parts, always(1), report=report)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
