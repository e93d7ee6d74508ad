from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fedredis.errors import BoundError, UsageError
from tests.fedredis.inference.conftest import close

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Columns of several kinds: whole, skewed, far from 0, with gaps, constant, categories."""
    rng = np.random.default_rng(0)
    n = 400
    found = pd.DataFrame(
        {
            "whole": rng.integers(-5, 5, n).astype(float),
            "skewed": rng.lognormal(0, 3, n),
            "seconds": 1.7e9 + rng.random(n),
            "gaps": rng.normal(size=n),
            "same": np.full(n, 3.25),
            "site": rng.choice(["a", "b", "c"], n),
            "rare": ["x"] * (n - 2) + ["y", None],
        }
    )
    found.loc[rng.random(n) < 0.2, "gaps"] = np.nan
    return found


def columns(found: dict[str, Any], group: int = 0) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in found["groups"][group]["columns"]}


def test_columns_are_described_as_by_pandas(ask, frame):
    found = ask(frame, sort="site", kind="describe", quantiles=[*QUANTILES, 0, 1])
    for name, one in columns(found).items():
        x = frame[name]
        assert (one["n"], one["missing"]) == (x.count(), x.isna().sum())
        if one["kind"] == "category":
            counts = {level["name"]: level["rows"] for level in one["categories"]}
            assert counts == x.value_counts().to_dict()
            continue
        close([one["mean"], one["sd"]], [x.mean(), x.std()])
        scale = x.std() or 1.0
        close(
            np.array([*one["quantiles"].values()]) / scale, x.quantile([*QUANTILES, 0, 1]) / scale
        )
    varies = [n for n in found["correlations"]["columns"] if n != "same"]
    ours = pd.DataFrame(found["correlations"]["values"], *[found["correlations"]["columns"]] * 2)
    # pandas loses digits of what is far from 0.
    nearer = frame[varies].assign(seconds=frame.seconds - 1.7e9)
    close(ours.loc[varies, varies], nearer.corr())
    assert ours["same"].drop("same").isna().all()


def test_groups_are_described_apart(ask, frame):
    asked = {"columns": ["gaps", "rare"], "by": "site", "resolution": 1e-10}
    found = ask(frame, sort="whole", kind="describe", **asked)
    for group, (name, theirs) in zip(found["groups"], frame.groupby("site"), strict=True):
        own = {one["name"]: one for one in group["columns"]}
        assert (group["group"], group["rows"]) == (name, len(theirs))
        close([own["gaps"]["mean"], own["gaps"]["sd"]], [theirs.gaps.mean(), theirs.gaps.std()])
        close([*own["gaps"]["quantiles"].values()], theirs.gaps.quantile([*QUANTILES]))


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"columns": ["nobody"]}, UsageError, "no column 'nobody'"),
        ({"quantiles": [2]}, UsageError, "between 0 and 1"),
        ({"resolution": 0}, UsageError, "above 0"),
    ],
)
def test_what_can_not_be_described(ask, frame, asked, error, said):
    with pytest.raises(error, match=said):
        ask(frame, kind="describe", **asked)


def test_a_number_that_is_too_large(ask):
    with pytest.raises(BoundError, match=r"column 'x': it holds numbers beyond 1e\+154"):
        ask(pd.DataFrame({"x": [1.0, 1e300]}), cuts=(1,), kind="describe")


def test_few_rows_are_not_told_of(ask, frame):
    """With named slaves that is so unless something else is said."""
    found = ask(frame, cuts=(3,), names=True, kind="describe", quantiles=[0.001, 0.5])
    described = columns(found)
    assert described["whole"]["quantiles"]["0.001"] is None
    assert described["whole"]["quantiles"]["0.5"] is not None
    assert [level["rows"] for level in described["rare"]["categories"]] == [None, None]
    assert any("'rare'" in line for line in found["withheld"])
    found = ask(frame, cuts=(3,), names=True, kind="describe", least_cell=0)
    assert not found["withheld"]
    found = ask(frame, cuts=(3,), kind="describe", least_cell=10_000)
    assert (found["groups"], found["withheld"]) == ([], ["all columns: there are few rows"])
