from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fedredis.errors import UsageError
from tests.fedredis.inference.conftest import close, of


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 90
    site, sex = rng.choice(["a", "b", "c"], n), rng.choice(["f", "m"], n)
    found = pd.DataFrame({"site": site, "sex": sex, "x": rng.normal(size=n) + (sex == "f")})
    found.loc[::9, "x"] = np.nan
    found.loc[::13, "site"] = None
    return found


@pytest.mark.parametrize("rows", [90, 25])
def test_counts_and_their_tests(ask, frame, rows):
    some = frame.head(rows)
    found = ask(some, sort="sex", kind="table", row="site", column="sex")
    counts = pd.crosstab(some.site, some.sex)
    assert found["counts"] == counts.to_numpy().tolist()
    assert (found["rows"], found["columns"]) == (list(counts.index), list(counts.columns))
    assert found["missing"] == some.site.isna().sum()
    theirs = stats.chi2_contingency(counts)
    close([found["chi_squared"][n] for n in ("statistic", "p", "df")], theirs[:3])
    close(found["row_shares"], pd.crosstab(some.site, some.sex, normalize="index"))
    close(found["column_shares"], pd.crosstab(some.site, some.sex, normalize="columns"))
    two = some[some.site != "c"]
    found = ask(two, kind="table", row="site", column="sex")
    counts = pd.crosstab(two.site, two.sex)
    close(found["fisher"]["p"], stats.fisher_exact(counts).pvalue)
    close(found["odds_ratio"], stats.fisher_exact(counts).statistic)
    close(found["chi_squared_corrected"]["p"], stats.chi2_contingency(counts).pvalue)


def test_means_and_their_tests(ask, frame):
    found = ask(frame, sort="sex", kind="table", row="x", column="sex")
    groups = [g.x.dropna() for _, g in frame.groupby("sex")]
    close(of(found["groups"], "mean"), [x.mean() for x in groups])
    close(of(found["groups"], "sd"), [x.std() for x in groups])
    for name, equal in (("t", True), ("welch", False)):
        theirs = stats.ttest_ind(*groups, equal_var=equal)
        ours = [found[name][key] for key in ("statistic", "p", "df")]
        close(ours, [theirs.statistic, theirs.pvalue, theirs.df])
    found = ask(frame, kind="table", row="x", column="site")
    theirs = stats.f_oneway(*[g.x.dropna() for _, g in frame.groupby("site")])
    close([found["anova"][key] for key in ("statistic", "p")], [*theirs])


def test_groups_of_one_row_and_of_numbers_that_do_not_vary(ask):
    frame = pd.DataFrame({"x": [1.0, 2.0, 4.0, 3.0], "c": 1.0, "g": ["a", "a", "a", "b"]})
    found = ask(frame, cuts=(1, 3), kind="table", row="x", column="g")
    assert of(found["groups"], "sd")[1] is None
    assert "t" not in found
    assert found["anova"]["p"] < 1
    found = ask(frame, cuts=(1, 3), kind="table", row="c", column="g")
    assert not {"t", "anova"} & found.keys()


def test_a_small_cell_withholds_all_but_totals(ask, frame):
    for row, told in (("site", "counts"), ("x", "groups")):
        found = ask(frame, kind="table", row=row, column="sex", least_cell=40)
        assert found[told] is None
        assert found["withheld"]
        assert not {"chi_squared", "fisher", "t", "anova", "row_shares"} & found.keys()
        assert found["total"] + found["missing"] == len(frame)


@pytest.mark.parametrize(("row", "column"), [("sex", "x"), ("sex", "sex"), ("sex", "nobody")])
def test_what_is_no_table(ask, frame, row, column):
    with pytest.raises(UsageError):
        ask(frame, kind="table", row=row, column=column)
