from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.arrays import Schema
from fedredis.data.reading import Reading
from fedredis.errors import UsageError
from fedredis.exchanges import Setup, make
from fedredis.exchanges.here import Here, drive
from fedredis.exchanges.plan import Progress
from fedredis.exchanges.plans import plan_of
from fedredis.exchanges.reduction import Reduction
from fedredis.exchanges.setup import Prepared
from fedredis.features import Column
from fedredis.trees.ensemble import Ensemble
from fedredis.trees.growth import Growth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


COLUMNS = (Column("size"), Column("kind", kind="category"), Column("age"))


def pooled_rows(classes: int = 3, n: int = 400) -> Prepared:
    rng = np.random.default_rng(8)
    X = np.column_stack([rng.normal(size=n), rng.integers(1, 6, n), rng.normal(size=n)])
    score = X[:, 0] + (X[:, 1] % 3) + X[:, 0] * X[:, 2] + 0.3 * rng.normal(size=n)
    X[rng.random(X.shape) < 0.1] = np.nan
    y = np.digitize(score, [0, 1.5]) if classes else np.floor(np.exp(score / 2))
    cut = n // 4
    return Prepared(X[cut:], y[cut:], X[:cut], y[:cut], rng.exponential(1, n - cut))


#: Cells may be missing, and rows have weights.
WEIGHED = Reading(missing="mean", weights="w")


def dealt(rows: Prepared, places: Sequence[Any]) -> dict[str, Prepared]:
    """Give a slave each the training rows of some places; the first ones hold rows out."""
    tests = np.array_split(np.arange(len(rows.test_y)), min(3, len(places)))
    tests += [np.empty(0, np.intp)] * (len(places) - len(tests))
    return {
        str(i): Prepared(
            rows.train_X[at],
            rows.train_y[at],
            rows.test_X[out],
            rows.test_y[out],
            rows.train_w[at],
        )
        for i, (at, out) in enumerate(zip(places, tests, strict=True))
    }


def digest(progress: Progress) -> str:
    arrays = progress.artifacts[progress.model]
    return Schema.of(arrays).sha256(list(arrays.values()))


@pytest.fixture
def boosted(make_setup: Callable[..., Setup]) -> Callable[..., Setup]:
    def setup_of(rows: Mapping[str, Prepared], **changes: Any) -> Setup:
        options = {"depth": "3", "min-rows": "5", "shrinkage": "0.1", "l2": "1"}
        options |= {"columns": "1", "rows": "1", **changes.pop("options", {})}
        reading = Reading(missing="mean", weights=changes.pop("weights", ""))
        defaults = {"columns": COLUMNS, "reading": reading, "rounds": 4}
        fixed = {"model": "trees", "strategy": "boosting", "features": "bins"}
        setup = make_setup(rows, **{**defaults, **fixed, **changes}, options=options)
        setup.check()
        return setup

    return setup_of


@pytest.mark.parametrize(
    ("classes", "options", "changes"),
    [
        (3, {}, {}),
        (3, {"rows": "0.7", "columns": "0.7", "leaves": "4"}, {}),
        (3, {}, {"quorum": 1, "patience": 1}),
        (0, {}, {}),
        (0, {"loss": "poisson"}, {}),
        (3, {}, {"reading": WEIGHED, "class_weight": "balanced"}),
        (0, {}, {"reading": WEIGHED}),
    ],
    ids=["softmax", "drawn", "quorum", "squared", "poisson", "balanced", "weighed"],
)
def test_the_trees_are_the_pooled_ones(boosted, classes, options, changes):
    rows = pooled_rows(classes)
    if not classes:
        changes = {**changes, "classes": ()}
    order = np.argsort(rows.train_y, kind="stable")
    together = dealt(rows, [order])
    expected = drive(boosted(together, options=options, **changes), together)
    for parts in (
        np.array_split(order, 7),
        np.array_split(order[::-1], 70),
        [order[:1], order[1:]],
    ):
        slaves = dealt(rows, parts)
        setup, rng = boosted(slaves, options=options, **changes), random.Random(len(parts))

        def shuffled(bundles, rng=rng):
            return rng.sample(list(bundles), len(bundles))

        progress = drive(setup, slaves, together=rng.randint(1, 9), arrange=shuffled)
        assert digest(progress) == digest(expected)
        assert progress.scores.keys() == expected.scores.keys()


@pytest.mark.parametrize("others", [False, True], ids=["one master", "a master each level"])
def test_a_run_goes_on_from_what_is_kept(boosted, *, others):
    rows = pooled_rows()
    slaves = dealt(rows, np.array_split(np.arange(len(rows.train_y)), 5))
    setup = boosted(slaves)
    names = []
    expected = drive(setup, slaves, seen=lambda exchange, _: names.append(str(exchange.name)))
    plan, progress = plan_of(setup), Progress()
    kinds, gone_through, stored = set(), [], dict[str, Any]()
    while due := plan.due(progress):
        # Everything is made anew each time, in workers that have nothing in memory.
        exchange = due[-1]
        there = {
            role: progress.artifacts[name]
            for role, name in plan.reads(exchange.name, progress).items()
        }
        worked = make(
            setup, exchange.name, {role: arrays.copy() for role, arrays in there.items()}
        )
        assert worked.rule.schema == exchange.rule.schema
        reduction = Reduction(exchange.rule, exchange.slaves)
        bundles = Here(slaves, together=2).work(worked)
        assert reduction.take([(str(i), bundle) for i, bundle in enumerate(bundles)]) == {}
        step = exchange.learn(reduction.reduced())
        progress, step = plan.after(progress, exchange, step, reduction.reduced())
        kinds.add(exchange.name.kind)
        gone_through.append(str(exchange.name))
        growing = [n for n in progress.artifacts if n.startswith(("growth", "histograms"))]
        assert len(growing) <= 2
        for name in step.drop:
            stored.pop(name, None)
        stored |= step.artifacts
        if others:
            # A master that takes over finds what is stored, of what it looks for.
            looks_for = {*plan.needed(progress), *plan.wanted(progress)}
            models = {name for name in stored if name.startswith("model:")}
            there = {name: stored[name] for name in stored.keys() & (looks_for | models)}
            assert set(plan.needed(progress)) <= there.keys()
            progress = replace(progress, artifacts=there)
    # Not a round more than without any change of masters.
    assert sorted(gone_through) == sorted(names)
    assert kinds == {"statistics", "grow", "evaluate", "scores"}
    assert digest(progress) == digest(expected)
    assert progress.round == 4


def test_part_of_what_was_added_up_is_worked_for_again(boosted):
    rows = pooled_rows()
    slaves = dealt(rows, np.array_split(np.arange(len(rows.train_y)), 4))
    setup, here = boosted(slaves), Here(slaves)
    seen = []
    drive(setup, slaves, seen=lambda exchange, step: seen.append(exchange))
    exchange = next(one for one in seen if one.name.kind == "grow" and one.growth.level == 2)
    here.slaves = ["3", "0", "2"]
    (whole,) = exchange.rule.bundles(exchange.local(here))
    parts = [exchange.local(here).take(at) for at in ([1, 2], [0])]
    assert [part.slaves for part in parts] == [("2", "3"), ("0",)]
    added = [exchange.rule.bundles(part)[0] for part in parts]
    for arrays in zip(whole.arrays, *(bundle.arrays for bundle in added), strict=True):
        assert (arrays[0] == arrays[1] + arrays[2]).all()


def test_what_is_missing_is_not_taken_from_what_is_whole(boosted):
    """A run that began without a quorum, and goes on with one."""
    rows = pooled_rows()
    slaves = dealt(rows, np.array_split(np.arange(len(rows.train_y)), 4))
    setup, seen = boosted(slaves), []
    drive(setup, slaves, seen=lambda exchange, step: seen.append(exchange))
    exchange = next(one for one in seen if one.name.kind == "grow" and one.growth.level == 1)
    here, some = Here(slaves), ("0", "1", "2")

    def reduced(one):
        here.slaves = some
        reduction = Reduction(one.rule, one.slaves)
        bundles = one.rule.bundles(one.local(here))
        assert reduction.take([(str(i), bundle) for i, bundle in enumerate(bundles)]) == {}
        return reduction.reduced()

    step = exchange.learn(reduced(exchange))
    again = replace(
        exchange,
        setup=Setup(replace(setup.config, quorum=3)),
        number=exchange.number + 1,
        growth=Growth.of(step.artifacts[f"growth:{exchange.number}"]),
    )
    assert again.growth.level == exchange.growth.level
    assert len(again.growth.asked) == len(exchange.growth.asked) + len(
        exchange.growth.sibling[exchange.growth.sibling >= 0]
    )
    grown = Growth.of(again.learn(reduced(again)).artifacts[f"growth:{again.number}"])
    assert grown.level == 2
    assert (grown.sibling == -1).all()


def test_a_sample_of_slaves_grows_each_round(boosted):
    rows = pooled_rows()
    slaves = dealt(rows, np.array_split(np.arange(len(rows.train_y)), 6))
    setup, asked = boosted(slaves, sample=3), []
    progress = drive(
        setup,
        slaves,
        seen=lambda e, _: asked.append((e.round, e.slaves)) if e.name.kind == "grow" else None,
    )
    assert len(set(asked)) == 4
    assert len({names for _, names in asked}) > 1
    assert len(Ensemble.of(progress.artifacts[progress.model]).rounds) == 4


def test_it_ends_where_nothing_is_left_to_split(boosted):
    rows = pooled_rows(n=60)
    slaves = dealt(rows, [np.arange(len(rows.train_y))])
    assert drive(boosted(slaves, options={"min-rows": "45"}), slaves).round == 1
    drawn = boosted(slaves, options={"min-rows": "45", "columns": "0.5"})
    assert drive(drawn, slaves).round == 4


def test_it_predicts_in_the_unit_of_the_label(boosted):
    rows = pooled_rows(0)
    slaves = dealt(rows, [np.arange(len(rows.train_y))])
    for loss in ("squared", "poisson"):
        setup = boosted(slaves, classes=(), rounds=40, options={"loss": loss, "depth": "4"})
        progress = drive(setup, slaves)
        known, model = (
            progress.artifacts[progress.preprocessing],
            progress.artifacts[progress.model],
        )
        found = setup.predict(known, list(model.values()), rows.train_X)[:, 0]
        assert np.corrcoef(found, rows.train_y)[0, 1] > 0.9
        assert found.mean() == pytest.approx(rows.train_y.mean(), rel=0.02)
        assert found.min() >= 0 or loss == "squared"


def test_what_does_not_go_together(boosted):
    slaves = dealt(pooled_rows(), [np.arange(300)])
    config = boosted(slaves).config
    for changes, problem in (
        ({"strategy": "fedavg"}, "trees are grown by boosting, not fedavg"),
        ({"features": "plain"}, "trees are grown by bins, not plain"),
        ({"options": {"loss": "poisson"}}, "loss must be one of log"),
        ({"options": {"deep": "3"}}, "trees have no option 'deep'; they have: depth, leaves"),
        ({"options": {"depth": "x"}}, "depth=x: give a whole number"),
        ({"options": {"min-rows": "0"}}, "min-rows must be at least 1, not 0"),
        ({"options": {"shrinkage": "nan"}}, "shrinkage must be above 0, and 1 at most, not nan"),
    ):
        with pytest.raises(UsageError, match=problem):
            Setup(replace(config, **changes)).check()
