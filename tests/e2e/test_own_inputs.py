"""From a file with gaps to model inputs: slaves that add make what one who sees all rows makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fedredis.config import RunConfig
from fedredis.data.cut import write_partitions
from fedredis.data.meaning import digest
from fedredis.data.partition import open_partition
from fedredis.data.reading import Reading
from fedredis.data.source import load
from fedredis.exchanges import Setup, here

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """300 rows: measures with gaps, words with gaps, a code, truth; the label is a number."""
    rng = np.random.default_rng(11)
    n = 300
    frame = pd.DataFrame(
        {
            "size": rng.normal(40, 15, n).round(2),
            "colour": rng.choice(["red", "blue", "light green"], n),
            "code": [f"0{code}" for code in rng.integers(1, 9, n)],
            "open": rng.choice([True, False], n),
            "age": rng.integers(1, 99, n),
            "rent": rng.normal(900, 200, n).round(2),
        }
    )
    for name, share in (("size", 0.2), ("colour", 0.1), ("code", 0.05)):
        frame[name] = frame[name].astype(object).mask(rng.random(n) < share, "")
    path = tmp_path / "flats.csv"
    frame.to_csv(path, index=False)
    return path


def pooled(path: Path, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make the inputs of rows, told by their sizes and ages, from the file itself."""
    words = ["colour", "code", "open"]
    frame = pd.read_csv(path, dtype=dict.fromkeys(words, str), keep_default_na=False)
    frame["size"] = pd.to_numeric(frame["size"])
    # In the order of the partitions' rows: the rent tells a row.
    frame = frame.set_index("rent").loc[rows]
    numbers = frame[["size", "age"]].fillna(frame[["size", "age"]].mean())
    order = [
        sorted(frame[word].unique(), key=lambda text: digest(text) if text else 0.0)
        for word in words
    ]
    encoder = OneHotEncoder(categories=order, sparse_output=False)
    return np.column_stack(
        [StandardScaler().fit_transform(numbers), encoder.fit_transform(frame[words])]
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("slaves", [1, 3])
def test_inputs_are_those_of_one_who_sees_all_rows(path, tmp_path, slaves, seed):
    table = load(path, Reading(label="rent", categories=["code"], missing="mean"))
    assert table.classes == ()
    manifest = write_partitions(table, tmp_path / "cut", slaves, seed, 0)
    parts = [open_partition(tmp_path / "cut", slave) for slave in range(slaves)]
    setup = Setup(
        RunConfig(
            dataset=manifest.dataset,
            columns=manifest.columns,
            classes=(),
            slaves=slaves,
            rows=manifest.rows,
            rounds=1,
            features="plain",
            reading=manifest.reading,
            model="linear",
        )
    )
    progress = here.drive(setup, {str(slave): part for slave, part in enumerate(parts)})
    known = progress.artifacts[progress.preprocessing]
    inputs = np.concatenate([setup.features.transform(known, part.train_X) for part in parts])
    expected = pooled(path, np.concatenate([part.train_y for part in parts]))
    np.testing.assert_allclose(inputs, expected, rtol=0, atol=1e-12)
