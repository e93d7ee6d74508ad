from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.config import RunConfig
from fedredis.data.meaning import digest, spelling
from fedredis.data.reading import Reading
from fedredis.exchanges.here import drive
from fedredis.exchanges.setup import Prepared, Setup
from fedredis.features.protocol import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

#: How many slaves rows are cut among: whatever comes out has to be the same.
CUTS = (1, 3, 10)
#: What is as good as equal.
CLOSE = 1e-8


def close(ours: Any, theirs: Any) -> None:
    """See that numbers agree, each relatively, or absolutely where it is nearly 0."""
    one, other = np.asarray(ours, float), np.asarray(theirs, float)
    assert one.shape == other.shape
    away = np.abs(one - other) / np.maximum(np.abs(other), 1e-3)
    assert not away.size or away.max() < CLOSE, away.max()


def of(lines: Sequence[dict[str, Any]], name: str) -> list[Any]:
    return [line[name] for line in lines]


def _rows(frame: pd.DataFrame) -> tuple[tuple[Column, ...], Any, dict[str, Any]]:
    columns, cells, texts = [], [], {}
    for name, values in frame.items():
        if values.dtype.kind in "fiub":
            cells.append(values.to_numpy(float))
            columns.append(Column(str(name)))
            continue
        digests = [
            np.nan if value is None or value != value else digest(value) for value in values
        ]
        cells.append(np.array(digests))
        columns.append(Column(str(name), kind="category"))
        texts[name] = {str(int(digest(v))): spelling(v) for v in values.dropna().unique()}
    return tuple(columns), np.column_stack(cells), texts


@pytest.fixture(scope="session")
def ask() -> Callable[..., dict[str, Any]]:
    """Return what asks the rows of a frame, cut in several ways, and sees that all agree.

    `sort` names the column that the rows are sorted by before the cut.
    """

    def asked(
        frame: pd.DataFrame,
        cuts: Sequence[int] = CUTS,
        sort: str | None = None,
        *,
        names: bool = False,
        **analysis: Any,
    ) -> dict[str, Any]:
        columns, X, texts = _rows(frame)
        order = np.arange(len(X)) if sort is None else np.argsort(frame[sort].to_numpy())
        found = []
        for slaves in cuts:
            cut, none = np.array_split(X[order], slaves), np.zeros(0)
            ids = tuple(f"s{i:02}" for i in range(slaves)) if names else ()
            config = RunConfig(
                "d",
                columns,
                (),
                slaves,
                len(X),
                names=ids,
                reading=Reading(missing="mean"),
                analysis={"texts": texts, **analysis},
            )
            setup = Setup(RunConfig.from_json(config.to_json()))
            setup.check()
            rows = {
                slave: Prepared(x, np.zeros(len(x)), x[:0], none)
                for slave, x in zip(setup.config.slave_ids, cut, strict=True)
            }
            progress = drive(setup, rows, together=2)
            known = progress.artifacts[progress.preprocessing]
            found.append(json.dumps(setup.analysis.result(known), allow_nan=False))
        assert set(found) == {found[0]}
        return dict(json.loads(found[0]))

    return asked


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """Let the packages that are compared with say what they want."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
