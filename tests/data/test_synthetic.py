import csv

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, QuantileTransformer, StandardScaler

from fedredis.data import synthetic
from fedredis.data.decades import read_decades
from fedredis.data.file import read
from fedredis.data.songs import ERA_OF, ERAS, FEATURES
from fedredis.data.synthetic import generate, write_csv
from fedredis.data.table import Table
from fedredis.errors import DataError, UsageError

#: Held-out accuracy on the real songs of the two fits below, of several random splits.
REFERENCE = {"plain": 0.631, "quadratic": 0.664}


def test_as_many_songs_an_era_as_there_were():
    table = generate(seed=3)
    assert np.bincount(table.y).tolist() == [16_310, 12_220, 12_030]
    assert (table.columns, table.classes, table.reading.label) == (FEATURES, ERAS, "decade")
    assert table.names is not None
    assert table.names[123] == "Synthetic Song 000123"


def test_the_same_seed_gives_the_same_songs():
    one, same, other = generate(1000, 1), generate(1000, 1), generate(1000, 2)
    assert one.X.tobytes() == same.X.tobytes()
    assert one.y.tobytes() == same.y.tobytes()
    assert one.X.tobytes() != other.X.tobytes()


def test_songs_can_be_grouped_by_decade():
    table, plain = generate(1000, 1, by="decade"), generate(1000, 1)
    assert table.X.tobytes() == plain.X.tobytes()
    assert plain.groups is None
    assert table.groups is not None
    assert set(table.groups) == set(ERA_OF)
    assert [ERAS[era] for era in table.y.tolist()] == [ERA_OF[name] for name in table.groups]


def test_songs_have_no_other_column_to_be_grouped_by():
    with pytest.raises(UsageError, match="by the column 'decade' only, not 'artist'"):
        generate(10, by="artist")


def test_features_keep_their_kind():
    X = dict(zip([feature.name for feature in FEATURES], generate(20_000).X.T, strict=True))
    assert np.unique(X["key"]).tolist() == list(range(12))
    assert np.unique(X["mode"]).tolist() == [0, 1]
    assert 0.2 < (X["instrumentalness"] == 0).mean() < 0.35
    for feature in FEATURES:
        assert feature.low is not None
        assert feature.high is not None
        assert feature.low <= X[feature.name].min() < X[feature.name].max() <= feature.high


@pytest.mark.parametrize("songs", [1, 2, 7])
def test_few_songs(songs):
    assert generate(songs).X.shape == (songs, 11)


@pytest.mark.parametrize(("songs", "seed"), [(0, 0), (-1, 0), (10**8 + 1, 0), (1, -1)])
def test_no_songs(tmp_path, songs, seed):
    with pytest.raises(UsageError, match=r"^`songs` must be from 1 to|^`seed` must be at least 0"):
        generate(songs, seed)
    with pytest.raises(UsageError):
        write_csv(songs, tmp_path / "songs.csv", seed)
    assert list(tmp_path.iterdir()) == []


def test_a_file_holds_the_same_songs(tmp_path, monkeypatch):
    drawn = generate(1000, 5)
    monkeypatch.setattr(synthetic, "CHUNK", 300)  # songs don't depend on how many at a time
    write_csv(1000, tmp_path / "songs.csv", 5)
    found = read(tmp_path / "songs.csv")
    assert found.X.tobytes() == drawn.X.tobytes()
    assert found.y.tobytes() == drawn.y.tobytes()
    assert found.names == drawn.names


def test_a_file_reads_as_a_table_of_songs(tmp_path):
    write_csv(3, tmp_path / "songs.csv", 0)
    with (tmp_path / "songs.csv").open(newline="") as file:
        header, first, *_ = csv.reader(file)
    assert header == ["track_name", "decade", *(feature.name for feature in FEATURES)]
    assert first[0] == "Synthetic Song 000000"
    assert first[1] in ERAS
    assert first[4].isdigit()
    assert first[6] in "01"


def test_a_file_that_can_not_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"songs\.csv: can't be written"):
        write_csv(3, tmp_path / "file" / "songs.csv")


def accuracies(table: Table) -> dict[str, float]:
    """Fit the songs' eras on plain and on quadratic features; average over three splits."""
    quadratic = [
        QuantileTransformer(n_quantiles=256, output_distribution="normal"),
        PolynomialFeatures(2, include_bias=False),
    ]
    maps: dict[str, list[object]] = {"plain": [], "quadratic": quadratic}
    reached: dict[str, list[float]] = {name: [] for name in maps}
    for split in range(3):
        X, test_X, y, test_y = train_test_split(
            table.X, table.y, test_size=0.2, random_state=split
        )
        for name, features in maps.items():
            model = make_pipeline(*features, StandardScaler(), LogisticRegression(max_iter=300))
            reached[name].append(model.fit(X, y).score(test_X, test_y))
    return {name: float(np.mean(values)) for name, values in reached.items()}


def test_eras_are_as_hard_to_tell_as_those_of_real_songs():
    assert accuracies(generate(seed=0)) == pytest.approx(REFERENCE, abs=0.02)


def test_the_reference_is_that_of_the_real_songs(real_songs):
    assert accuracies(read_decades(real_songs)) == pytest.approx(REFERENCE, abs=0.01)


def correlations(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's."""
    return np.corrcoef(rankdata(X, axis=0).T)


def test_songs_are_distributed_and_correlated_as_real_ones(real_songs):
    real, drawn = read_decades(real_songs), generate(seed=0)
    for era in range(len(ERAS)):
        ours, theirs = drawn.X[drawn.y == era], real.X[real.y == era]
        shift = (ours.mean(axis=0) - theirs.mean(axis=0)) / theirs.std(axis=0)
        assert np.abs(shift).max() < 0.05
        assert np.abs(correlations(ours) - correlations(theirs)).max() < 0.1
