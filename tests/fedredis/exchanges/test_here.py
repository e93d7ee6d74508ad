from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from fedredis.exchanges.here import Here, drive
from fedredis.strategies import STRATEGIES

if TYPE_CHECKING:
    from fedredis.exchanges import Setup
    from fedredis.exchanges.plan import Progress
    from fedredis.exchanges.stacks import Stack

SUMS = sorted(name for name, strategy in STRATEGIES.items() if not strategy.single)


def digest(setup: Setup, progress: Progress) -> str:
    arrays = list(progress.artifacts[progress.model].values())
    return setup.model(progress.artifacts[progress.preprocessing]).schema().sha256(arrays)


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
@pytest.mark.parametrize("sample", [0, 6])
def test_any_order_and_grouping_gives_the_same_bits(make_rows, make_setup, strategy, sample):
    rows = make_rows(7)
    setup = make_setup(rows, strategy=strategy, sample=sample, patience=2, rounds=4)
    setup.check()
    expected = digest(setup, drive(setup, rows))
    for seed in range(4):
        rng = random.Random(seed)

        def shuffled(bundles, rng=rng):
            return rng.sample(list(bundles), len(bundles))

        progress = drive(setup, rows, together=rng.randint(1, 7), arrange=shuffled)
        assert digest(setup, progress) == expected


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
@pytest.mark.parametrize("epochs", [1, 2])
def test_what_is_drawn_ahead_of_a_model_has_the_same_bits(
    make_rows, make_setup, strategy, epochs, monkeypatch
):
    rows = make_rows(7)
    setup = make_setup(rows, strategy=strategy, rounds=4, local_epochs=epochs)
    expected = digest(setup, drive(setup, rows))
    kept: dict[tuple[str, ...], list[Stack]] = {}
    make, ahead = Here.stacks, list[int]()

    def stacks(here, part, prepare):
        return kept.setdefault((part, *here.slaves), make(here, part, prepare))

    def later(here, do, nbytes):
        ahead.append(nbytes)
        do()

    monkeypatch.setattr(Here, "stacks", stacks)
    monkeypatch.setattr(Here, "later", later)
    assert digest(setup, drive(setup, rows, together=4)) == expected
    assert bool(ahead) is (strategy != "newton")
    # After the last round nothing is.
    assert not any(stack.ahead for some in kept.values() for stack in some)


def test_newton_is_the_pooled_fit(make_rows, make_setup):
    rows = make_rows(4)
    setup = make_setup(rows, strategy="newton", rounds=30, l2=0.01)
    progress = drive(setup, rows)
    assert progress.converged
    known = progress.artifacts[progress.preprocessing]
    X = np.concatenate([setup.prepare(known, r).train_X for r in rows.values()])
    y = np.concatenate([r.train_y for r in rows.values()])
    assert X.mean(axis=0) == pytest.approx([0, 0], abs=1e-12)
    assert X.std(axis=0) == pytest.approx([1, 1], abs=1e-12)
    pooled = LogisticRegression(C=1 / (0.01 * len(y)), tol=1e-12, solver="newton-cholesky")
    pooled.fit(X, y)
    (weights,) = progress.artifacts[progress.model].values()
    assert np.abs(weights[:-1] - pooled.coef_.T).max() < 1e-9


@pytest.mark.parametrize("offset", [0, 1e9])
def test_numbers_are_predicted_as_least_squares_would(make_rows, make_setup, offset):
    rows = {
        name: type(r)(r.train_X, r.train_y + offset, r.test_X, r.test_y + offset)
        for name, r in make_rows(3, classes=0).items()
    }
    setup = make_setup(rows, classes=(), model="linear", strategy="newton", rounds=5, l2=0.0)
    seen = []
    progress = drive(setup, rows, seen=lambda e, s: seen.append(dict(s.entry)))
    X = np.concatenate([r.train_X for r in rows.values()])
    y = np.concatenate([r.train_y for r in rows.values()])
    pooled = LinearRegression().fit(X, y - offset)
    known = progress.artifacts[progress.preprocessing]
    parameters = list(progress.artifacts[progress.model].values())
    found = setup.predict(known, parameters, X)[:, 0] - offset
    assert np.abs(found - pooled.predict(X)).max() < 1e-9 * max(1, offset * 1e3)
    test_X, test_y = (
        np.concatenate([getattr(r, part) for r in rows.values()]) for part in ("test_X", "test_y")
    )
    assert seen[-1]["r2"] == pytest.approx(pooled.score(test_X, test_y - offset), abs=1e-7)


def test_without_held_out_rows_there_are_no_figures(make_rows, make_setup):
    rows = make_rows(3, held_out=0)
    setup = make_setup(rows, patience=1, rounds=5)
    steps = []
    progress = drive(setup, rows, seen=lambda e, s: steps.append((e.name, s)))
    tests = [step for name, step in steps if name.kind == "evaluate"]
    assert {step.entry["accuracy"] for step in tests} == {None}
    assert tests[0].warnings
    # Nothing to be patient about: all rounds are gone through, and the last model is the run's.
    assert (progress.round, progress.best) == (5, None)


def test_a_sample_trains_and_all_are_tested(make_rows, make_setup):
    asked = {}
    rows = make_rows(5)
    setup = make_setup(rows, sample=2)
    drive(setup, rows, seen=lambda e, s: asked.setdefault(e.name.kind, set()).add(len(e.slaves)))
    assert asked == {"statistics": {5}, "train": {2}, "evaluate": {5}, "scores": {5}}
