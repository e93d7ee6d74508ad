"""Questions that programs ask, through a server and workers."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from lifelines.datasets import load_gbsg2

import fedredis
from fedredis.api.inference.formula import Terms, parse
from fedredis.errors import DataError, UsageError

FORMULA = "pnodes ~ age * C(horTh) + log(progrec + 1) + I(tsize ** 2)"


@pytest.fixture
def frame(folder) -> pd.DataFrame:
    """Patients with breast cancer, and a gap."""
    found = load_gbsg2()
    found.loc[5, "age"] = np.nan
    return found


def test_the_same_bits_for_any_cut_and_workers(frame, server):
    asked = {"family": "poisson", "covariance": "HC1", "redis_url": server.url}
    first, other = (
        fedredis.glm(frame, FORMULA, slaves=slaves, workers=workers, cut=cut, **asked)
        for slaves, workers, cut in ((1, 1, "iid"), (3, 2, "column:tgrade"))
    )
    assert other.result == first.result
    theirs = smf.glm(FORMULA.replace("log", "np.log"), frame, family=sm.families.Poisson()).fit()
    # The same columns, in another order.
    assert sorted(first.frame.estimate) == pytest.approx(sorted(theirs.params), rel=1e-8)
    assert (first["rows"], first["missing"]) == (len(frame) - 1, 1)


def test_an_answer_is_kept_and_read_again(frame, server):
    answer = fedredis.describe(frame, by="horTh", slaves=2, workers=1, redis_url=server.url)
    record = fedredis.show(answer.run, redis_url=server.url)
    assert record.answer == answer
    assert fedredis.resume(answer.run, redis_url=server.url) == answer
    assert [state.config.analysis["kind"] for state in fedredis.runs(redis_url=server.url)] == [
        "describe"
    ]
    assert {str(name) for name in record.history} == {
        f"inference:{n}" for n in range(1, 1 + len(record.history))
    }


def test_a_partition_folder_is_asked_as_it_was_cut(frame, server):
    """Its label is a column like any other; categories have names if they are told."""
    frame.to_csv("all.csv", index=False)
    fedredis.partition("all.csv", slaves=3, out="parts", label="cens", missing="mean")
    asked = {"label": "cens", "family": "binomial", "columns": ["age", "horTh"]}
    asked["redis_url"] = server.url
    with fedredis.serving("parts", redis_url=server.url):
        named = fedredis.glm("parts", levels={"horTh": ["no", "yes"]}, **asked)
        nameless = fedredis.glm("parts", **asked)
    whole = fedredis.glm("all.csv", workers=1, **asked)
    assert named["coefficients"] == whole["coefficients"]
    assert nameless["coefficients"][2]["name"].startswith("horTh[T.#")


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("y ~ a + b", Terms("y", (("a",), ("b",)))),
        ("a", Terms("", (("a",),))),
        ("y ~ 0 + a:b", Terms("y", (("a", "b"),), intercept=False)),
        ("`my y` ~ C(a) * log(b)", Terms("my y", (("C(a)",), ("log(b)",), ("C(a)", "log(b)")))),
    ],
)
def test_a_formula(text, terms):
    assert parse(text) == terms


def test_the_columns_of_a_formula():
    terms = parse("y ~ C(a)*log(b + c) + `my d`")
    assert (set(terms.columns), terms.categories) == ({"a", "b", "c", "my d"}, ("a",))


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ({"formula": "cens ~ age", "columns": ["age"]}, UsageError, "give one of them"),
        ({"formula": "age +"}, UsageError, "no formula"),
        ({"formula": "age"}, UsageError, "label"),
        ({"formula": "cens ~ age", "label": "time"}, UsageError, "in the formula"),
        ({"formula": "cens ~ bs(age)"}, UsageError, "no expression"),
        (
            {"label": "horTh", "columns": ["age"], "offset": "horTh"},
            UsageError,
            "must hold numbers",
        ),
        ({"formula": "cens ~ nobody"}, DataError, "nobody"),
        ({"formula": "cens ~ age", "least_cell": -1}, UsageError, "least_cell"),
        ({"formula": "cens ~ age", "slaves": 0}, UsageError, "slaves"),
        ({"formula": "cens ~ age", "nonsense": 0}, UsageError, "no argument 'nonsense'"),
        ({"formula": "cens ~ age", "family": "cauchy"}, UsageError, "`family` must be one of"),
        ({"formula": "cens ~ age", "level": "high"}, UsageError, "`level` must be a number"),
    ],
)
def test_what_can_not_be_asked(frame, folder, how, error, said):
    with pytest.raises(error, match=said):
        fedredis.glm(frame, **how)


def test_help_lists_what_may_be_asked():
    shown = inspect.signature(fedredis.glm).parameters
    assert shown["family"].default == "gaussian"
    assert shown["family"].annotation == "str"
    assert list(shown)[-1] == "where"
    assert "covariance\n    Standard errors: of the model" in fedredis.glm.__doc__
    assert "If false: Columns as they are" in fedredis.kmeans.__doc__


def test_what_must_be_said(frame, folder):
    with pytest.raises(UsageError, match="`row` has to be said"):
        fedredis.table(frame, column="horTh")
    with pytest.raises(UsageError, match=r"missing a required .*'event'"):
        fedredis.survival(frame, time="time")


@pytest.mark.parametrize(
    ("call", "asked", "said"),
    [
        (fedredis.describe, {"columns": ["age"], "resolution": 0}, "`resolution` must be above 0"),
        (fedredis.describe, {"quantiles": ["half"]}, "`quantiles` must be a list of numbers"),
        (fedredis.pca, {"columns": pd.Index(["age"])}, "need two columns"),
        (fedredis.kmeans, {"columns": np.array(["age"]), "clusters": np.int64(687)}, "than rows"),
        (fedredis.kmeans, {"columns": "age"}, "`columns` must be a list of names"),
        (fedredis.table, {"row": "age", "column": "age"}, "named twice"),
        (
            fedredis.survival,
            {"time": "time", "event": "cens", "cox": ["age"], "strata": "grade"},
            "grade",
        ),
        (fedredis.survival, {"time": "time", "event": "cens", "cox": "y ~ age"}, "left side"),
    ],
)
def test_each_call_asks_what_it_is_told(frame, folder, call, asked, said):
    with pytest.raises((UsageError, DataError), match=said):
        call(frame, **asked)
