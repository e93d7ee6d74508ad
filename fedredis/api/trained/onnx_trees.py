"""An ensemble of trees as ONNX nodes: from cells to codes, scores, and predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto

from fedredis.trees.ensemble import Ensemble
from fedredis.trees.losses import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from numpy.typing import NDArray

    from fedredis.arrays import Named

    class Graph(Protocol):
        """What nodes are added to."""

        def add(
            self, operator: str, *inputs: str | NDArray[Any], name: str = "", **said: Any
        ) -> str:
            """Add a node; return the name of what it makes."""


def predictions(
    graph: Graph, rows: str, parameters: Mapping[str, NDArray[Any]], known: Named, output: str
) -> None:
    """Add what makes predictions, called `output`, of rows (n, columns) of numbers.

    How many rows went through a node is not told: distributions could be drawn from that.
    """
    ensemble = Ensemble.of(parameters)
    column = graph.add("Unsqueeze", rows, np.array([2]))
    above = graph.add("GreaterOrEqual", column, known["edges"])
    codes = graph.add(
        "ReduceSum", graph.add("Cast", above, to=TensorProto.FLOAT), np.array([2]), keepdims=0
    )
    nothing = np.array(np.nan, np.float32)
    codes = graph.add("Where", graph.add("IsNaN", rows), nothing, codes)
    raw = graph.add("TreeEnsembleRegressor", codes, domain="ai.onnx.ml", **_attributes(ensemble))
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


def _attributes(ensemble: Ensemble) -> dict[str, Any]:
    """Describe the trees as `TreeEnsembleRegressor` wants it: node after node, tree after tree."""
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
        "featureids": trees.column,
        "modes": np.where(inner, "BRANCH_LEQ", "LEAF"),
        "values": trees.cut.astype(np.float64),
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
