from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fedredis.arrays import Schema
from fedredis.trees.ensemble import Ensemble
from fedredis.trees.growth import Growth
from fedredis.trees.rows import Held, Pool


def digest(ensemble: Ensemble) -> str:
    arrays = ensemble.named()
    return Schema.of(arrays).sha256(list(arrays.values()))


@pytest.mark.parametrize("kind", ["log", "softmax", "squared", "poisson"])
@pytest.mark.parametrize(
    "options",
    [{}, {"leaves": 5}, {"rows": 0.6, "columns": 0.5}, {"subtract": False}],
    ids=["all", "leaves", "drawn", "without subtraction"],
)
def test_the_trees_of_any_parts_are_the_pooled_ones(make_table, grow, kind, options):
    table = make_table(kind, gaps=True, sets=True)
    options = {"depth": 4, "loss": "poisson" if kind == "poisson" else "auto", **options}
    _, pooled = grow(table, 4, **{**options, "subtract": True})
    order = np.random.default_rng(3).permutation(len(table.y))
    by_label = np.argsort(table.y, kind="stable")
    one_row = [by_label[:1], by_label[1:]]
    for parts in (np.array_split(order, 10), np.array_split(by_label, 70), one_row):
        _, ensemble = grow(table, 4, parts=parts, **options)
        assert digest(ensemble) == digest(pooled)


def test_an_ensemble_has_the_shape_that_is_asked(make_table, grow):
    table = make_table("softmax", gaps=True, sets=True)
    forest, ensemble = grow(table, 3, depth=3, leaves=5, min_rows=40, shrinkage=0.5)
    codes = np.ascontiguousarray(table.codes.T)
    for number in range(3):
        trees = ensemble.round(number)
        roots = np.repeat(np.arange(3)[:, np.newaxis], len(table.y), axis=1)
        leaves = trees.apply(codes, roots, forest.last, int(ensemble.depth[number]))
        assert (trees.left[leaves] == 0).all()
        assert ensemble.depth[number] <= 3
        for of_tree in leaves:
            there, rows = np.unique(of_tree, return_counts=True)
            assert len(there) <= 5
            assert rows.min() >= 40
    again = Ensemble.of(ensemble.named())
    assert digest(again) == digest(ensemble)
    parts = [ensemble.raw(codes[:, some], forest.last) for some in (slice(7), slice(7, None))]
    assert (np.concatenate(parts, axis=1) == ensemble.raw(codes, forest.last)).all()
    # Node by node down one row's way, as a reader of the arrays would.
    row, score = table.codes[11], ensemble.start.copy()
    for number in range(3):
        trees = ensemble.round(number)
        for tree in range(3):
            node = tree
            while trees.left[node]:
                code, column, cut = (
                    int(row[trees.column[node]]),
                    trees.column[node],
                    trees.cut[node],
                )
                if code == forest.last[column]:
                    left = bool(trees.missing[node])
                elif cut < 0:
                    left = bool(int(trees.sets[-1 - cut][code // 64]) >> code % 64 & 1)
                else:
                    left = code <= cut
                node = int(trees.left[node]) + (not left)
            score[tree] += trees.value[node]
    assert score == pytest.approx(ensemble.raw(codes, forest.last)[:, 11], abs=1e-12)


def test_nothing_is_asked_of_nodes_that_cannot_be_split(make_table, grow):
    table = make_table("squared", gaps=False, sets=False, n=30)
    forest, ensemble = grow(table, 2, depth=4, min_rows=20)
    assert ensemble.trees.nodes == 2
    assert ensemble.depth.tolist() == [0, 0]
    predictions = forest.predict(ensemble, table.codes)
    assert predictions == pytest.approx(np.full((30, 1), table.y.mean()), abs=1e-9)


def test_scores_follow_the_trees_and_go_with_the_slaves(make_table, grow):
    table = make_table("log", gaps=True, sets=False)
    forest, ensemble = grow(table, 3, depth=3)
    _, other = grow(table, 3, depth=2)
    keys = np.zeros(500, np.uint64)
    cuts = [slice(0, 500), slice(500, 1000), slice(1000, 1500)]
    held = [Held(table.codes[cut], table.y[cut], keys) for cut in cuts]

    def upto(grown, rounds):
        return grow(table, rounds, depth=int(grown.depth.max()))[1]

    def expected(grown):
        return grown.raw(np.ascontiguousarray(table.codes.T), forest.last)

    pool = Pool.of(held[:2], forest.last)
    assert (pool.raw(upto(ensemble, 1)) == expected(upto(ensemble, 1))[:, :1000]).all()
    assert (pool.raw(ensemble) == expected(ensemble)[:, :1000]).all()
    # The same object while they stay together; else what is known of their scores is taken over.
    assert Pool.of(held[:2], forest.last) is pool
    alone, third = (Pool.of([one], forest.last) for one in (held[1], held[2]))
    assert (alone.raw(ensemble) == expected(ensemble)[:, 500:1000]).all()
    assert (third.raw(upto(ensemble, 2)) == expected(upto(ensemble, 2))[:, 1000:]).all()
    mixed = Pool.of(held, forest.last)
    assert (mixed.raw(ensemble) == expected(ensemble)).all()
    # Other trees than those that the scores are of: they are made anew.
    assert (mixed.raw(other) == expected(other)).all()
    assert (mixed.raw(upto(ensemble, 1)) == expected(upto(ensemble, 1))).all()


def test_what_is_known_goes_with_slaves_that_are_put_together_anew(make_table, grow):
    """Whoever of them is claimed together in the next level: nothing is computed again."""
    table = make_table("softmax", gaps=True, sets=False)
    forest, ensemble = grow(table, 2, depth=3)
    scales = forest.scales(ensemble, len(table.y))
    cuts = [slice(0, 500), slice(500, 1000), slice(1000, 1500)]
    keys = np.zeros(500, np.uint64)
    held = [Held(table.codes[cut], table.y[cut], keys) for cut in cuts]
    trees = ensemble.round(1)
    nothing = None
    growth = replace(Growth.begin(3, 0), trees=trees, level=2, chain=7, before=5)
    whole = Pool.of(held, forest.last)
    expected = whole.derivatives(ensemble, forest.loss, scales)
    nodes = whole.nodes(growth)
    for some in (held[:2], held[2:], held[::-1], held):
        pool = Pool.of(some, forest.last)
        # No loss, no trees: it has to know.
        found = pool.derivatives(ensemble, nothing, scales)
        alone = pool.nodes(replace(growth, trees=nothing))
        rows = np.concatenate(
            [np.arange(1500)[cut] for cut in (cuts[held.index(h)] for h in some)]
        )
        for one, of_all in zip((*found, alone), (*expected, nodes), strict=True):
            assert (one == of_all[:, rows]).all()
    # Other scales, or a slave that comes from elsewhere: then it is computed.
    with pytest.raises(AttributeError):
        Pool.of(held, forest.last).derivatives(ensemble, nothing, replace(scales, gradient=9))
    stranger = Held(table.codes[cuts[0]], table.y[cuts[0]], keys)
    mixed = Pool.of([held[1], stranger], forest.last)
    with pytest.raises(AttributeError):
        mixed.derivatives(ensemble, nothing, scales)
    assert (mixed.nodes(growth)[:, 500:] == nodes[:, :500]).all()
