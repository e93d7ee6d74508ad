import pandas as pd
import pytest

import fedredis
from fedredis.data.manifest import read_manifest
from fedredis.data.partition import open_partition
from fedredis.errors import DataError, UsageError


def test_data_is_cut_as_asked(csv, folder):
    made = fedredis.partition(
        str(csv), slaves=4, out="parts", columns=["energy", "tempo"], seed=3, test_fraction=0.5
    )
    manifest = made.manifest
    assert manifest == read_manifest(made.folder) == read_manifest(folder / "parts")
    assert (manifest.slaves, manifest.rows, manifest.seed) == (4, 300, 3)
    assert [column.name for column in manifest.columns] == ["energy", "tempo"]
    assert len(open_partition(folder / "parts", 3).test_X) == 38


def test_a_frame_is_cut_and_learnt_from(csv, folder):
    frame = pd.read_csv(csv)
    made = fedredis.partition(frame, slaves=2, out="parts", columns=["energy"], by="shards")
    assert made.manifest.source == "frame"
    ends = [
        fedredis.run(data, label="decade", slaves=2, rounds=1, workers=1).weights_sha256
        for data in (frame, csv)
    ]
    assert ends[0] == ends[1]


def test_without_data_songs_are_generated(folder):
    assert fedredis.partition(slaves=2, out=folder / "parts").manifest.source == "synthetic"


def test_an_uneven_cut_is_reported(csv):
    even = fedredis.partition(csv, slaves=3, out="even").report
    uneven = fedredis.partition(csv, slaves=3, out="uneven", by="column:decade").report
    assert even.size_ratio == 1
    assert even.label_distance < uneven.label_distance
    assert uneven.counts.astype(bool).sum(axis=1).tolist() == [1, 1, 1]
    with pytest.raises(UsageError, match="there is no cut 'odd'"):
        fedredis.partition(csv, slaves=3, out="odd", by="odd")


def test_as_many_songs_as_asked(folder):
    path = fedredis.synth("some.csv", songs=12)
    assert len(path.read_text().splitlines()) == 13
    assert fedredis.synth("same.csv", songs=12).read_text() == path.read_text()
    assert fedredis.synth("others.csv", songs=12, seed=1).read_text() != path.read_text()


def test_what_can_not_be_done(csv):
    with pytest.raises(DataError, match=r"none\.csv"):
        fedredis.partition("none.csv", slaves=2, out="parts")
    with pytest.raises(UsageError):
        fedredis.partition(csv, slaves=0, out="parts")
    with pytest.raises(UsageError, match="songs"):
        fedredis.synth("none.csv", songs=0)
