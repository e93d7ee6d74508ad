"""A trained model as an ONNX graph, preprocessing included, for runtimes that know no fedredis.

Needs the extra ``onnx``; nothing else imports this module before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fedredis.api.trained import onnx_trees
from fedredis.data.whole import written_whole
from fedredis.errors import UsageError
from fedredis.features import BINS
from fedredis.models import TREES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from fedredis.api.trained.model_file import Description
    from fedredis.arrays import Named

#: Versions of ONNX' operators and of its file that runtimes have read since 2021.
OPSET, IR_VERSION = 13, 7

#: Models, and features, that there is a graph of.
MODELS = ("logistic", "linear", "torch-mlp", TREES)
FEATURES = ("plain", "quadratic", BINS)

#: Names of the graph's input and its outputs.
ROWS, PROBABILITIES, NUMBERS = "rows", "probabilities", "numbers"


def save(
    path: Path, description: Description, parameters: Mapping[str, NDArray[Any]], known: Named
) -> None:
    """Write a graph from ``rows`` (n, columns) to ``probabilities`` (n, classes), in float64.

    Where numbers are predicted, it is to ``numbers`` (n, 1). The metadata has the description of
    the model, as a `model_file` has it.

    Raises
    ------
    UsageError
        If there is no graph of such a model.
    DataError
        If the file can't be written.
    """
    model = graph_of(description, parameters, known)
    with written_whole(path) as scratch:
        scratch.write_bytes(model.SerializeToString(deterministic=True))


def graph_of(
    description: Description, parameters: Mapping[str, NDArray[Any]], known: Named
) -> Any:
    """Make the graph, as a `onnx.ModelProto`.

    Raises
    ------
    UsageError
        If there is none of such a model.
    """
    for column in description.columns:
        if column.kind == "category" and description.model != TREES:
            raise UsageError(
                f"an ONNX file can't tell the categories of '{column.name}', whose texts never "
                "left their owners: export an .npz file"
            )
    for what, its, there in (
        ("models", description.model, MODELS),
        ("features", description.features, FEATURES),
    ):
        if its not in there:
            raise UsageError(
                f"an ONNX file can be made of the {what} {', '.join(there)}, not of {its!r}: "
                "export an .npz file"
            )
    graph, kind = _Graph(), PROBABILITIES if description.classes else NUMBERS
    if description.model == TREES:
        onnx_trees.predictions(graph, ROWS, description.columns, parameters, known, kind)
        return graph.model(description, kind)
    numbers = graph.filled(ROWS, known)
    if description.features == "quadratic":
        numbers = graph.expanded(numbers, known)
    inputs = graph.add("Div", graph.add("Sub", numbers, known["mean"]), known["scale"])
    outputs = graph.outputs(inputs, parameters)
    if not description.classes:
        outputs = graph.add("Mul", outputs, known["label_scale"])
        outputs = graph.add("Add", outputs, known["label_mean"])
    graph.add("Softmax" if description.classes else "Identity", outputs, name=kind)
    return graph.model(description, kind)


class _Graph:
    """Nodes that are added one after the other; each gives the name of what it makes."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def add(self, operator: str, *inputs: str | NDArray[Any], name: str = "", **said: Any) -> str:
        """Add a node; inputs are names or constants."""
        name = name or f"{operator}_{len(self._nodes)}"
        taken = [given if isinstance(given, str) else self._constant(given) for given in inputs]
        self._nodes.append(helper.make_node(operator, taken, [name], **said))
        return name

    def _constant(self, array: NDArray[Any]) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def filled(self, rows: str, known: Named) -> str:
        """Fill missing numbers (n, d), if they are to be."""
        if "fill" not in known:
            return rows
        return self.add("Where", self.add("IsNaN", rows), known["fill"], rows)

    def expanded(self, rows: str, known: Named) -> str:
        """Map numbers (n, d) to normal scores and their products, as `Quadratic` does.

        A score is linear between the edges e_k of a grid. So it is the score at the first edge,
        and of each further step as much as the number x has gone through its part of the grid::

            z_0 + sum_k (z_k+1 - z_k) clip((x - e_k) / (e_k+1 - e_k), 0, 1)
        """
        edges, scores = known["edges"], known["scores"]
        column = self.add("Unsqueeze", rows, np.array([2]))
        past = self.add("Sub", column, edges[:, :-1])
        share = self.add("Div", past, np.maximum(np.diff(edges), np.finfo(np.float64).tiny))
        share = self.add("Clip", share, np.array(0.0), np.array(1.0))
        steps = self.add("Mul", share, np.diff(scores))
        above = self.add("ReduceSum", steps, np.array([2]), keepdims=0)
        linear = self.add("Add", above, scores[:, 0])
        first, second = (
            self.add("Gather", linear, places, axis=1) for places in np.triu_indices(len(edges))
        )
        return self.add("Concat", linear, self.add("Mul", first, second), axis=1)

    def outputs(self, inputs: str, parameters: Mapping[str, NDArray[Any]]) -> str:
        """Add a model: logits (n, classes), or numbers (n, 1)."""
        if "weights" in parameters:
            weights = parameters["weights"]
            return self._affine(inputs, weights[:-1], weights[-1])
        A, a, B, b = parameters.values()
        return self._affine(self.add("Tanh", self._affine(inputs, A, a)), B, b)

    def _affine(self, inputs: str, weights: NDArray[Any], bias: NDArray[Any]) -> str:
        return self.add("Add", self.add("MatMul", inputs, weights), bias)

    def model(self, description: Description, output: str) -> Any:
        """Put the nodes into a model with an input and an output."""
        widths = {ROWS: len(description.columns), output: len(description.classes) or 1}
        into, out = (
            helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", width])
            for name, width in widths.items()
        )
        graph = helper.make_graph(self._nodes, "fedredis", [into], [out], self._constants)
        model = helper.make_model(
            graph,
            producer_name="fedredis",
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", 1)],
        )
        helper.set_model_props(model, {"description": description.to_json()})
        onnx.checker.check_model(model, full_check=True)
        return model
