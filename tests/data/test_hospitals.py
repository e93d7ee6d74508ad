"""Three hospitals whose files differ in all that files differ in, mended as `inspect` says."""

from __future__ import annotations

import gzip
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fedredis.config import RunConfig, entropy_of
from fedredis.data.cut import held_out
from fedredis.data.inspection import inspect
from fedredis.data.own import OwnFile, read_own
from fedredis.data.reading import Reading
from fedredis.exchanges import Setup
from fedredis.exchanges.here import drive
from fedredis.jobs.agreement import agreed, conform

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = ["age", "sbp", "cost"]


def patients(rows: int) -> pd.DataFrame:
    """What the hospitals' files say, cleaned."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "patient": [f"{i:06}" for i in range(rows)],
            "age": rng.integers(20, 92, rows),
            "sbp": rng.normal(130, 18, rows).round(1),
            "cost": rng.lognormal(8, 0.6, rows).round(2),
            "sex": rng.choice(["f", "m"], rows),
            "admitted": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 700, rows), "D"),
            "note": [f"case {i}, seen for Köln" for i in range(rows)],
        }
    )
    logit = (frame["age"] - 55) / 12 + (frame["sbp"] - 130) / 14 - (frame["sex"] == "f")
    frame["outcome"] = np.where(logit + 0.5 + rng.logistic(size=rows) > 0, "ill", "well")
    return frame.assign(sbp=frame["sbp"].mask(rng.random(rows) < 0.05))


def north(frame: pd.DataFrame, to: Path) -> None:
    """A German Excel."""
    cost = frame["cost"].map("{:_.2f}".format).str.replace(".", ",").str.replace("_", ".")
    sbp = frame["sbp"].map("{:.1f}".format).str.replace(".", ",").replace("nan", "?")
    day = frame["admitted"].dt.strftime("%d.%m.%Y")
    text = frame.assign(cost=cost, sbp=sbp, admitted=day, Spalte=None, Spalte2=None)
    text = text.rename(columns={"Spalte": "", "Spalte2": " "})
    text.to_csv(to, sep=";", index=False, encoding="cp1252", lineterminator="\r\n")


def east(frame: pd.DataFrame, to: Path) -> None:
    """A SAS."""
    day = frame["admitted"].dt.strftime("%d%b%Y")
    text = frame.assign(admitted=day, sbp=frame["sbp"].fillna(-999)).to_csv(index=False)
    to.write_bytes(gzip.compress(text.encode()))


def west(frame: pd.DataFrame, to: Path) -> None:
    """A workbook, with its columns in another order."""
    frame[frame.columns[::-1]].to_excel(to, index=False)


@pytest.mark.filterwarnings("ignore::fedredis.errors.DataWarning")
def test_they_reach_the_accuracy_of_the_cleaned_union(tmp_path):
    frame = patients(2_400)
    files = {"north": (north, "n.csv"), "east": (east, "e.csv.gz"), "west": (west, "w.xlsx")}
    owned, clean = {}, {}
    for place, (name, (write, called)) in enumerate(files.items()):
        clean[name] = frame.iloc[place::3].reset_index(drop=True)
        write(clean[name], tmp_path / called)
        looked = inspect(tmp_path / called, Reading(label="outcome"))
        assert looked.findings
        assert (looked.mended.dates, looked.mended.ignore) == (("admitted",), ("patient",))
        file = OwnFile(tmp_path / called, name, **asdict(looked.mended))
        owned[name] = read_own(file, entropy_of(name))
    manifest = agreed({name: rows.manifest for name, rows in owned.items()})
    config = RunConfig(
        dataset="hospitals",
        columns=manifest.columns,
        classes=manifest.classes,
        slaves=3,
        rows=manifest.rows,
        names=tuple(sorted(owned)),
        reading=manifest.reading,
        features="plain",
        strategy="newton",
    )
    setup = Setup(config)
    rows = {n: conform(own.partition, own.manifest, config) for n, own in owned.items()}
    end = drive(setup, rows)
    known, model = end.artifacts[end.preprocessing], end.artifacts[end.model]
    right = [
        setup.predict(known, [*model.values()], part.test_X).argmax(axis=1) == part.test_y
        for part in rows.values()
    ]

    out = {name: held_out(len(part), 0.2, 0, entropy_of(name)) for name, part in clean.items()}
    train = pd.concat([part[~out[name]] for name, part in clean.items()])
    test = pd.concat([part[out[name]] for name, part in clean.items()])
    day = pd.Timestamp("2000-01-01")
    for part in (train, test):
        part["days"] = (part["admitted"] - day).dt.days
        part["month"], part["weekday"] = part["admitted"].dt.month, part["admitted"].dt.day_of_week
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    pooled = make_pipeline(
        make_column_transformer(
            (numbers, [*NUMBERS, "days", "month", "weekday"]), (OneHotEncoder(), ["sex"])
        ),
        LogisticRegression(C=1 / (config.l2 * len(train)), max_iter=1_000),
    ).fit(train, train["outcome"])
    theirs = pooled.score(test, test["outcome"])
    assert abs(np.concatenate(right).mean() - theirs) <= 0.005
    assert theirs > 0.75
