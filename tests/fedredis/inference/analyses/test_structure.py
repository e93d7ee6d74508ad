"""Principal components and clusters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA

from fedredis.errors import DataError, UsageError
from tests.fedredis.inference.conftest import close, of


@pytest.fixture(scope="module")
def iris() -> pd.DataFrame:
    found: pd.DataFrame = load_iris(as_frame=True).frame.drop(columns="target")
    return found.set_axis(["a", "b", "c", "d"], axis=1)


@pytest.mark.parametrize("standardise", [True, False])
def test_components_are_those_of_sklearn(ask, iris, standardise):
    found = ask(iris, sort="a", kind="pca", standardise=standardise)
    X = (iris - iris.mean()) / iris.std(ddof=0) if standardise else iris
    theirs = PCA().fit(X)
    close(of(found["components"], "variance"), theirs.explained_variance_)
    close(of(found["components"], "share"), theirs.explained_variance_ratio_)
    close([[*one["loadings"].values()] for one in found["components"]], theirs.components_)
    assert len(ask(iris, kind="pca", components=2)["components"]) == 2


@pytest.mark.parametrize("standardise", [True, False])
def test_clusters_are_those_of_sklearn_from_the_same_start(ask, iris, standardise):
    asked = {"clusters": 3, "starts": 1, "seed": 5, "standardise": standardise}
    found = ask(iris, sort="a", kind="kmeans", **asked)
    start = np.random.default_rng([5, 0]).normal(size=(3, 4)) * iris.std(ddof=0).to_numpy()
    centred = iris - iris.mean()
    scale = iris.std(ddof=0) if standardise else 1.0
    theirs = KMeans(3, init=start / np.array(scale), n_init=1, tol=0).fit(centred / scale)
    order = np.argsort(-np.bincount(theirs.labels_))
    assert of(found["clusters"], "rows") == np.bincount(theirs.labels_)[order].tolist()
    centres = theirs.cluster_centers_[order] * np.array(scale) + iris.mean().to_numpy()
    close([[*one["centre"].values()] for one in found["clusters"]], centres)
    many = ask(iris, kind="kmeans", clusters=3, standardise=standardise)
    assert many["inertia"] <= found["inertia"]
    assert many["converged"]


def test_a_cluster_without_rows_has_no_centre(ask):
    frame = pd.DataFrame({"a": np.ones(9), "b": np.ones(9)})
    found = ask(frame, kind="kmeans", clusters=2)
    assert found["clusters"][1] == {"rows": 0, "centre": None}
    assert found["clusters"][0]["centre"] == {"a": 1.0, "b": 1.0}


def test_what_can_not_be_asked(ask, iris):
    with pytest.raises(UsageError, match="two columns"):
        ask(iris, kind="pca", columns=["a"])
    with pytest.raises(DataError, match="same in all rows"):
        ask(iris.assign(e=1.0), kind="pca")
    with pytest.raises(UsageError, match="at least 1"):
        ask(iris, kind="kmeans", clusters=0)
    found = ask(iris, cuts=(3,), kind="kmeans", clusters=3, least_cell=60)
    assert found["clusters"][-1] == {"rows": None, "centre": None}
