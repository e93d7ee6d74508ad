"""Questions on the command line: to slaves with files of their own, to masters that die."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf


def write(folder) -> pd.DataFrame:
    """Write three files, one of which has a category that the others have not; return all rows."""
    rng, frames = np.random.default_rng(0), []
    for number, wards in enumerate((["icu", "eye"], ["icu", "eye"], ["icu", "skin"])):
        age, ward = rng.normal(50, 15, 80).round(1), rng.choice(wards, 80)
        dose = age / 10 + (ward == "icu") + rng.normal(size=80)
        frame = pd.DataFrame({"age": age, "ward": ward, "dose": dose})
        frame.loc[3, "age"] = np.nan
        frame.to_csv(folder / f"{number}.csv", index=False)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def test_slaves_with_files_of_their_own(shell, server):
    frame, at = write(shell.folder), ("--redis-url", server.tcp_url)
    read = ("--label", "dose", "--missing", "mean")
    with ExitStack() as stack:
        for number, name in enumerate("abc"):
            file = f"{number}.csv"
            stack.enter_context(shell.start("slave", "--data", file, "--name", name, *read, *at))
        asked = (*at, "--slaves", 3)
        found = shell.json("glm", "dose ~ age + ward", *asked, "--levels", "ward=icu,eye,skin")
        few = shell.json("describe", *asked, "--least-cell", 60)
        told = shell.run("table", "dose", "ward", *asked).stdout
        shown = shell.run("show", found["run"], *at).stdout
    theirs = smf.ols("dose ~ age + ward", frame).fit()
    named = {line["name"]: line["estimate"] for line in found["coefficients"]}
    # The order of the terms is another one.
    renamed = dict(theirs.params.items())
    assert named == pytest.approx(renamed, rel=1e-8)
    assert found["missing"] == 3
    assert any("ward" in line for line in few["withheld"])
    assert "anova" in told
    assert "ward[T.skin]" in shown


def test_a_master_that_is_killed_is_gone_on_with(shell):
    write(shell.folder)
    asked = ("glm", "dose ~ age + ward", "--data", "0.csv", "--slaves", 3, "--json")
    whole = shell.json(*asked[:-1])
    with shell.redis() as client, shell.start(*asked) as process:
        run = shell.wait_for_round(client, "inference:2")
        process.kill()
    again = shell.json("resume", run)
    assert again | {"run": ""} == whole | {"run": ""}
    assert shell.json("show", run)["answer"] == again


def test_the_limits_of_a_slave_s_owner_win(shell, server):
    """Whatever is asked, a slave answers no more than its policy and limits allow, and says so."""
    write(shell.folder)
    at = ("--redis-url", server.tcp_url)
    rules = {"a": "least_cell = 2", "b": "least_rows = 1", "c": "exchanges = ['train']"}
    limits = {"a": ("--least-cell", 60), "b": ("--least-rows", 1000), "c": ()}
    asked = ("table", "dose", "ward", *at, "--least-cell", 0, "--levels", "ward=icu,eye,skin")
    with ExitStack() as stack:
        for number, (name, rule) in enumerate(rules.items()):
            shell.run("identity", "make", name, "--folder", name)
            policy = shell.folder / name / "policy.toml"
            policy.write_text(f"[policy]\n{rule}\n")
            own = ("--data", f"{number}.csv", "--name", name, "--label", "", "--missing", "mean")
            file = ("--policy", policy) if name != "b" else ()
            stack.enter_context(shell.start("slave", *own, *file, *limits[name], *at))
        for name, rule in rules.items():
            said = shell.run(*asked, "--names", name, "--wait-timeout", 60, code=1).stderr
            assert f"slave {name}: refused by the rule '{rule.split()[0]}'" in said
        # The grids by which numbers' ranges and quantiles are found are no cells.
        for number in (("glm", "dose ~ age"), ("describe", "--columns", "age,dose")):
            assert shell.json(*number, *at, "--names", "a")["rows"] > 60
        said = shell.run(*asked, "--slaves", 3, code=1).stderr
        # What is asked of fewer slaves than answered before would be the answer to nothing.
        run = said.rpartition("fedredis resume ")[2].split()[0]
        shell.run("resume", run, "--quorum", 1, *at, code=1)
