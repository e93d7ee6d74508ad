"""Every strategy of sums: no order of arrival, and no grouping of slaves, changes a bit."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedredis.arrays import Scope, Sum, Updates
from fedredis.metrics import measure
from fedredis.models import LinearRegression, LogisticRegression, TrainingSettings
from fedredis.strategies import STRATEGIES, Limits, LocalSlaves, LocalWork, Returned
from fedredis.strategies.protocol import Global

SLAVES, SETTINGS = 7, TrainingSettings(2, 8, 0.3, 0.01)
SUMS = [name for name, strategy in STRATEGIES.items() if not strategy.single]


@lru_cache
def at_work(name: str, classes: int):
    """Return a strategy, its model, what was sent, the rule, and seven slaves' integers."""
    rng, strategy = np.random.default_rng(5), STRATEGIES[name]()
    model = LogisticRegression(4, classes) if classes else LinearRegression(4)
    rows = [int(n) for n in rng.integers(1, 30, SLAVES)]
    Xs = [rng.normal(size=(n, 4)) for n in rows]
    ys = [rng.integers(0, classes, n) if classes else rng.normal(size=n) for n in rows]
    shapes = [field.shape for field in model.schema().fields]
    sent = Global([rng.normal(0, 0.3, s) for s in shapes], strategy.initial(model))
    limits = Limits(1e6, np.full(4, 6.0), 6.0, SETTINGS, sum(rows))
    rule = Sum(strategy.quantities(model, sent, limits), Scope(SLAVES, sum(rows)))
    stacks, samples = [], np.array(rows)
    for i, (X, y) in enumerate(zip(Xs, ys, strict=True)):
        own = LocalSlaves(X[np.newaxis], y[np.newaxis], [np.random.default_rng(i)], [None])
        result = strategy.local(LocalWork(model, sent, SETTINGS, limits, measure(classes), own))
        stacks.append(rule.encode(result.arrays, samples[i : i + 1]))
    whole = [np.concatenate(arrays) for arrays in zip(*stacks, strict=True)]
    return strategy, model, sent, rule, Updates(tuple(map(str, range(SLAVES))), samples, whole)


def moved(name, classes, groups):
    """Return the bits of the global model and state after bundles of such slaves."""
    strategy, model, sent, rule, updates = at_work(name, classes)
    total, samples = rule.schema.zeros(), 0
    for group in groups:
        for bundle in rule.bundles(updates.take(group)):
            counts, n = np.array([len(bundle.slaves)]), np.array([bundle.rows])
            assert rule.reasons(counts, n, [a[np.newaxis] for a in bundle.arrays]) == [None]
            for into, array in zip(total, bundle.arrays, strict=True):
                into += array
            samples += bundle.rows
    returned = Returned(rule.decode(total), samples, SLAVES, SLAVES)
    after = strategy.move(model, sent, returned, SETTINGS)
    return [array.tobytes() for array in (*after.parameters, *after.state.values())]


@pytest.mark.parametrize("classes", [3, 0])
@pytest.mark.parametrize("name", SUMS)
@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(SLAVES)), cuts=st.sets(st.integers(1, SLAVES - 1)))
def test_order_and_grouping_change_no_bit(name, classes, order, cuts):
    edges = [0, *sorted(cuts), SLAVES]
    groups = [list(order[a:b]) for a, b in pairwise(edges)]
    assert moved(name, classes, groups) == moved(name, classes, [[i] for i in range(SLAVES)])
