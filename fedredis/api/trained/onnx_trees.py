"""An ensemble of trees as ONNX nodes: from cells to codes, scores, and predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto

from fedredis.features.bins import places_of
from fedredis.features.categories import NO_CATEGORY
from fedredis.trees.ensemble import Ensemble
from fedredis.trees.losses import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from numpy.typing import NDArray

    from fedredis.arrays import Named
    from fedredis.features import Column
    from fedredis.trees.ensemble import Trees

    class Graph(Protocol):
        """What nodes are added to."""

        def add(
            self, operator: str, *inputs: str | NDArray[Any], name: str = "", **said: Any
        ) -> str:
            """Add a node; return the name of what it makes."""


def predictions(
    graph: Graph,
    rows: str,
    columns: tuple[Column, ...],
    parameters: Mapping[str, NDArray[Any]],
    known: Named,
    output: str,
) -> None:
    """Add what makes predictions, called `output`, of rows (n, columns).

    Trees look at the bins of numbers, and at what goes left of a set of categories, which has a
    feature of its own. How many rows went through a node is not told: distributions could be drawn
    from that.
    """
    ensemble = Ensemble.of(parameters)
    numbers, categories = places_of(columns)
    splits, feature = np.flatnonzero(ensemble.trees.cut < 0), ensemble.trees.column.copy()
    parts, width = [], len(numbers)
    if numbers:
        parts.append(_bins(graph, graph.add("Gather", rows, np.array(numbers), axis=1), known))
    ends = np.cumsum(known.get("category_counts", np.empty(0, np.int64)))
    for column, (place, end) in enumerate(zip(categories, ends, strict=True), len(numbers)):
        its = splits[ensemble.trees.column[splits] == column]
        if len(its):
            digests = known["categories"][:end][-known["category_counts"][column - len(numbers)] :]
            cells = graph.add("Gather", rows, np.array([place]), axis=1)
            parts.append(_sides(graph, cells, digests, ensemble.trees.at(its)))
            feature[its] = width + np.arange(len(its))
            width += len(its)
    features = graph.add("Concat", *parts, axis=1)
    attributes = _attributes(ensemble, feature)
    raw = graph.add("TreeEnsembleRegressor", features, domain="ai.onnx.ml", **attributes)
    scores = graph.add("Cast", raw, to=TensorProto.DOUBLE)
    loss = NAMES[int(ensemble.loss[0])]
    if loss == "log" and len(ensemble.start) > 1:
        graph.add("Softmax", scores, name=output)
    elif loss == "log":
        second = graph.add("Sigmoid", scores)
        first = graph.add("Sub", np.array(1.0), second)
        graph.add("Concat", first, second, axis=1, name=output)
    elif loss == "poisson":
        graph.add("Exp", scores, name=output)
    else:
        scaled = graph.add("Mul", scores, np.asarray(known["label_scale"]))
        graph.add("Add", scaled, np.asarray(known["label_mean"]), name=output)


def _bins(graph: Graph, numbers: str, known: Named) -> str:
    """Add the bins of numbers (n, d), as float32; what is missing stays so."""
    above = graph.add(
        "GreaterOrEqual", graph.add("Unsqueeze", numbers, np.array([2])), known["edges"]
    )
    counted = graph.add("Cast", above, to=TensorProto.FLOAT)
    bins = graph.add("ReduceSum", counted, np.array([2]), keepdims=0)
    return graph.add("Where", graph.add("IsNaN", numbers), np.array(np.nan, np.float32), bins)


def _sides(graph: Graph, cells: str, digests: NDArray[Any], splits: Trees) -> str:
    """Add on which side of some splits (m,) categories (n, 1) are: (n, m), 0 for left."""
    known = graph.add("Where", graph.add("IsNaN", cells), np.array(NO_CATEGORY), cells)
    hot = graph.add("Cast", graph.add("Equal", known, digests), to=TensorProto.FLOAT)
    # What nobody had has the code after the last, as what is missing where nothing was.
    found = graph.add("ReduceSum", hot, np.array([1]), keepdims=1)
    other = graph.add("Sub", np.array(1, np.float32), found)
    last = np.full(int(splits.column.max()) + 1, len(digests))
    right = ~splits.goes_left(len(digests) + 1, last)
    codes = graph.add("Concat", hot, other, axis=1)
    return graph.add("MatMul", codes, right.T.astype(np.float32))


def _attributes(ensemble: Ensemble, feature: NDArray[Any]) -> dict[str, Any]:
    """Describe the trees as `TreeEnsembleRegressor` wants it: node after node, tree after tree.

    `feature` is what each node looks at, and at the side of a set it looks for 0.
    """
    trees, targets = ensemble.trees, len(ensemble.start)
    sizes = np.append(ensemble.rounds[1:], trees.nodes) - ensemble.rounds
    tree, node = _places(ensemble, sizes)
    inner = trees.left > 0
    left = np.where(inner, np.repeat(ensemble.rounds, sizes) + trees.left, 0)
    right = np.where(inner, left + 1, 0)
    # Runtimes want the nodes of a tree side by side.
    order = np.argsort(tree, kind="stable")
    leaves = order[~inner[order]]
    of_nodes = {
        "treeids": tree,
        "nodeids": node,
        "featureids": feature,
        "modes": np.where(inner, "BRANCH_LEQ", "LEAF"),
        "values": np.maximum(trees.cut, 0).astype(np.float64),
        "truenodeids": np.where(inner, node[left], 0),
        "falsenodeids": np.where(inner, node[right], 0),
        "missing_value_tracks_true": trees.missing,
    }
    return {
        "n_targets": targets,
        "base_values": ensemble.start.tolist(),
        **{f"nodes_{name}": array[order].tolist() for name, array in of_nodes.items()},
        "target_treeids": tree[leaves].tolist(),
        "target_nodeids": node[leaves].tolist(),
        "target_ids": (tree[leaves] % targets).tolist(),
        "target_weights": trees.value[leaves].tolist(),
    }


def _places(ensemble: Ensemble, sizes: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the tree that each node belongs to, and its number there: the root's is 0."""
    trees, targets = ensemble.trees, len(ensemble.start)
    tree = np.empty(trees.nodes, np.int64)
    for number, (start, size) in enumerate(zip(ensemble.rounds, sizes, strict=True)):
        of_round = tree[start : start + size]
        of_round[:targets] = number * targets + np.arange(targets)
        # Parents stand before their children.
        for node in np.flatnonzero(trees.left[start : start + size]).tolist():
            child = int(trees.left[start + node])
            of_round[child : child + 2] = of_round[node]
    order = np.argsort(tree, kind="stable")
    within = np.arange(trees.nodes) - np.searchsorted(tree[order], tree[order])
    places = np.empty(trees.nodes, np.int64)
    places[order] = within
    return tree, places
