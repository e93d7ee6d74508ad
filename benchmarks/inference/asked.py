"""Questions to rows that are cut in several ways, in one process; how far answers are apart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fedredis.config import RunConfig
from fedredis.data.reading import Reading
from fedredis.data.source import load
from fedredis.exchanges.here import drive
from fedredis.exchanges.setup import Prepared, Setup

CUTS = (1, 3, 10)
#: A figure's name, what it is here and there, and the largest difference of all figures.
Difference = tuple[str, float, float, float]


@dataclass(frozen=True)
class Asked:
    """Rows, and by which columns, one after the other, they are sorted for further cuts."""

    frame: pd.DataFrame
    sorts: tuple[str, ...] = ()

    def __call__(self, *, cuts: tuple[int, ...] = CUTS, **analysis: Any) -> dict[str, Any]:
        """Answer a question in this process, of all cuts."""
        frame = self.frame
        words = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
        reading = Reading(label="", columns=list(frame), categories=words, missing="mean")
        table = load(frame, reading)
        places = frame.reset_index(drop=True)
        orders = [np.arange(len(table.X))]
        orders += [places[sort].sort_values().index.to_numpy() for sort in self.sorts]
        config = {
            "reading": Reading(missing="mean"),
            "analysis": {"texts": table.texts, **analysis},
        }
        found = set()
        for slaves in cuts:
            setup = Setup(RunConfig("d", table.columns, (), slaves, len(table.X), **config))
            for order in orders:
                cut, none = np.array_split(table.X[order], slaves), np.zeros(0)
                rows = {
                    str(i): Prepared(x, np.zeros(len(x)), x[:0], none) for i, x in enumerate(cut)
                }
                progress = drive(setup, rows)
                known = progress.artifacts[progress.preprocessing]
                found.add(json.dumps(setup.analysis.result(known)))
        if len(found) > 1:
            raise AssertionError("another cut, another answer")
        return dict(json.loads(found.pop()))


def away(ours: Any, theirs: Any) -> float:
    """Return the largest difference."""
    one, other = np.asarray(ours, float), np.asarray(theirs, float)
    return float((np.abs(one - other) / np.maximum(np.abs(other), 1e-3)).max(initial=0.0))
