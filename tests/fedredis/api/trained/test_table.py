import numpy as np
import pandas as pd
import pytest

import fedredis
from fedredis.cli.main import run as command
from fedredis.errors import DataError, UsageError


def test_a_frame_and_a_file_of_another_dialect(trained, csv, folder, server):
    songs = pd.read_csv(csv).drop(columns="decade").head(20)
    told = fedredis.predict_rows(songs, trained.run, redis_url=server.url)
    assert told.warnings == ()
    indexed = songs.set_index(pd.Index([f"song {i}" for i in range(20)][::-1]))
    again = fedredis.predict_rows(indexed, trained.run, redis_url=server.url).frame
    assert again.index.equals(indexed.index)
    assert again["decade_predicted"].tolist() == told.frame["decade_predicted"].tolist()
    assert list(told.frame.columns[: songs.shape[1]]) == list(songs.columns)
    shares = told.frame.filter(like="p_")
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    best = shares.idxmax(axis=1).str.removeprefix("p_")
    assert best.tolist() == told.frame["decade_predicted"].tolist()
    songs.to_csv("german.csv", sep=";", decimal=",", index=False)
    words = ["predict", "--run", trained.run, "--redis-url", server.url]
    words += ["--csv", "german.csv", "--out", "told.csv.gz"]
    assert (command(words), command(words), command([*words, "--force"])) == (0, 2, 0)
    written = pd.read_csv("told.csv.gz")
    assert written["decade_predicted"].tolist() == told.frame["decade_predicted"].tolist()
    assert command([*words[:-2]]) == 2


@pytest.mark.parametrize("name", ["told", "told.pdf", "told.parquet.gz"])
def test_a_file_that_can_not_be_written(name):
    with pytest.raises(UsageError, match=r"`out` must end in \.csv"):
        fedredis.predict_rows(pd.DataFrame({"x": [1]}), "r", out=name)


def test_no_folder_is_made_for_it(tmp_path):
    with pytest.raises(DataError, match=r"there is no directory .*typo; make it first"):
        fedredis.predict_rows(pd.DataFrame({"x": [1]}), "r", out=tmp_path / "typo" / "told.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore::fedredis.errors.DataWarning")
def test_columns_that_are_not_there_are_told(csv, server):
    out = fedredis.run(csv, slaves=2, rounds=1, workers=1, missing="mean", redis_url=server.url)
    songs = pd.read_csv(csv).head(5)
    assert fedredis.predict_rows(songs, out.run, redis_url=server.url).warnings == ()
    some = songs.drop(columns=["energy", "tempo"])
    assert fedredis.predict_rows(some, out.run, redis_url=server.url).warnings == (
        "there is no column 'energy': all its cells are missing",
        "there is no column 'tempo': all its cells are missing",
    )
