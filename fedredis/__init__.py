"""Federated learning whose shared state lives in Redis and whose work is RQ jobs.

What the command line does, for programs:

- `run`, `resume`: train a model over slaves, or go on with a run that stopped
- `describe`, `glm`, `table`, `survival`, `pca`, `kmeans`: ask statistics of all slaves
- `runs`, `show`, `failures`: look at runs, `nodes`: at their processes, `workers`: at
  those that are there; `follow`, `stop`, `remove` a run
- `check`: look at files before anything is sent
- `predict`: tell the class of a row with a trained model; `predict_rows`: of a file or frame
- `baseline`: compare it with what each slave has alone, and all have together
- `export`, `load`: a trained model as a file; `plot`: runs as a picture
- `serve`, `serving`: start workers that act for the slaves of a partition folder
- `partition`, `synth`: cut data into such a folder, write generated songs
- `fedredis.acl`: access rules of a Redis that is shared
- `fedredis.errors`: all that can go wrong; `FedredisError` is the root

Importing `fedredis` loads none of it: the core and the workers need only what they import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from fedredis.api.answer import Answer
    from fedredis.api.checking import Checked, check
    from fedredis.api.continuing import resume
    from fedredis.api.datasets import Partitions, partition, synth
    from fedredis.api.following import Moment, follow
    from fedredis.api.inference.calls import describe, glm, kmeans, pca, survival, table
    from fedredis.api.inspection import Failures, RunRecord, failures, runs, show
    from fedredis.api.nodes import Nodes, NodeSeries, nodes
    from fedredis.api.outcome import Outcome
    from fedredis.api.removing import remove
    from fedredis.api.serving import Serving, serve, serving
    from fedredis.api.starting import run
    from fedredis.api.stopping import stop
    from fedredis.api.study.baseline import baseline
    from fedredis.api.study.comparison import Baseline
    from fedredis.api.study.plotting import plot
    from fedredis.api.trained.export import export
    from fedredis.api.trained.model_file import SavedModel, load
    from fedredis.api.trained.prediction import Prediction, predict
    from fedredis.api.trained.table import Predicted, predict_rows
    from fedredis.api.workers import Worker, workers
    from fedredis.errors import FedredisError

    __version__: str

__all__ = [
    "Answer",
    "Baseline",
    "Checked",
    "Failures",
    "FedredisError",
    "Moment",
    "NodeSeries",
    "Nodes",
    "Outcome",
    "Partitions",
    "Predicted",
    "Prediction",
    "RunRecord",
    "SavedModel",
    "Serving",
    "Worker",
    "__version__",
    "baseline",
    "check",
    "describe",
    "export",
    "failures",
    "follow",
    "glm",
    "kmeans",
    "load",
    "nodes",
    "partition",
    "pca",
    "plot",
    "predict",
    "predict_rows",
    "remove",
    "resume",
    "run",
    "runs",
    "serve",
    "serving",
    "show",
    "stop",
    "survival",
    "synth",
    "table",
    "workers",
]

#: Where the names come from that are imported when they are first asked for.
_PLACES = {
    "fedredis.api.answer": ("Answer",),
    "fedredis.api.inference.calls": ("describe", "glm", "kmeans", "pca", "survival", "table"),
    "fedredis.api.study.baseline": ("baseline",),
    "fedredis.api.study.comparison": ("Baseline",),
    "fedredis.api.continuing": ("resume",),
    "fedredis.api.datasets": ("Partitions", "partition", "synth"),
    "fedredis.api.trained.export": ("export",),
    "fedredis.api.trained.model_file": ("SavedModel", "load"),
    "fedredis.api.nodes": ("NodeSeries", "Nodes", "nodes"),
    "fedredis.api.outcome": ("Outcome",),
    "fedredis.api.study.plotting": ("plot",),
    "fedredis.api.trained.prediction": ("Prediction", "predict"),
    "fedredis.api.trained.table": ("Predicted", "predict_rows"),
    "fedredis.api.checking": ("Checked", "check"),
    "fedredis.api.following": ("Moment", "follow"),
    "fedredis.api.inspection": ("Failures", "RunRecord", "failures", "runs", "show"),
    "fedredis.api.removing": ("remove",),
    "fedredis.api.serving": ("Serving", "serve", "serving"),
    "fedredis.api.starting": ("run",),
    "fedredis.api.stopping": ("stop",),
    "fedredis.api.workers": ("Worker", "workers"),
    "fedredis.errors": ("FedredisError",),
}

# Type checkers know the names from above, and should complain of any other.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version

            return version("fedredis")
        for place, names in _PLACES.items():
            if name in names:
                return getattr(import_module(place), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
