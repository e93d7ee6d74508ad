import csv as csv_
from dataclasses import astuple, replace

import numpy as np
import pytest

import fedredis
from fedredis.api.trained.prediction import read_trained
from fedredis.api.trained.songs import Songs
from fedredis.data.reading import Reading
from fedredis.data.table import Table
from fedredis.errors import FedredisError, UsageError


@pytest.fixture
def song(csv):
    with csv.open() as file:
        return next(csv_.DictReader(file))


@pytest.fixture
def values(song):
    return {k: float(v) for k, v in song.items() if k not in ("track_name", "decade")}


def test_a_song_and_its_values_alike(trained, song, values, server):
    named = fedredis.predict(trained.run, song=song["track_name"], redis_url=server.url)
    given = fedredis.predict(trained.run, values=values, redis_url=server.url)
    assert named == given
    assert (named.truth, given.truth) == (song["decade"], None)
    assert sum(named.probabilities.values()) == pytest.approx(1)
    assert named.answer == max(named.probabilities, key=named.probabilities.__getitem__)
    assert astuple(named)[0] == trained.run


def test_the_order_of_values_is_free(trained, values, server):
    backwards = dict(reversed(values.items()))
    one, other = (
        fedredis.predict(trained.run, values=v, redis_url=server.url) for v in (values, backwards)
    )
    assert one == other


def test_another_file(trained, csv, song, server, folder):
    csv.rename(folder / "moved.csv")
    name = song["track_name"]
    with pytest.raises(UsageError, match="not at hand: give `data`"):
        fedredis.predict(trained.run, song=name, redis_url=server.url)
    fedredis.predict(trained.run, song=name, data="moved.csv", redis_url=server.url)
    with pytest.raises(UsageError, match=r"other columns than the run's"):
        fedredis.predict(
            trained.run, song=name, data="moved.csv", columns=["energy"], redis_url=server.url
        )


def test_names_are_found_whatever_is_around_them():
    named = ("Hello ", "\u00dcni", "Hello", "Hello")
    table = Table(
        np.zeros((4, 1)), np.arange(4) % 2, (), ("a", "b"), Reading(label="kind"), "x.csv", named
    )
    assert Songs(table).find(" U\u0308ni") == (1, [])
    by = Songs(replace(table, groups=("A ", "B", "", "Simon, Paul")))
    assert by.find("Hello", "A") == by.find("Hello ", " A") == (0, [])
    assert by.find("Hello") == (
        0,
        [
            "3 rows are called 'Hello': the first one is taken, that of A; `artist` chooses, "
            'others are of: "", "Simon, Paul"'
        ],
    )
    with pytest.raises(UsageError, match=r'there are those of: "", A, "Simon, Paul"$'):
        by.find("Hello", "C")


def test_names_are_suggested():
    named = ("Hey Jude", "Hey", "Oh, hey there", "hey", "Judex", "Hey")
    table = Table(
        np.zeros((6, 1)), np.arange(6) % 2, (), ("a", "b"), Reading(label="kind"), "x.csv", named
    )
    assert [name for name, _ in Songs(table).suggest("hey", 9)] == [
        *("Hey Jude", "Hey", "hey", "Oh, hey there")
    ]
    by = Songs(replace(table, groups=("B", "C", "D", "E", "F", "G")))
    assert by.suggest("hey", 3) == [("Hey Jude", "B"), ("Hey", "C"), ("Hey", "G")]
    assert Songs(table).suggest("none of them", 9) == []


def test_texts_of_numbers_do_as_well(trained, song, values, server):
    texts = {name: song[name] for name in values}
    assert fedredis.predict(trained.run, values=texts, redis_url=server.url) == (
        fedredis.predict(trained.run, values=values, redis_url=server.url)
    )


PETS = """name,weight,coat,legs,price
Ada,4.5,short,4,120
Bob,,long,4,80
Cid,30.1,short,4,250
Dan,0.4,none,2,12.5
Eve,5.0,long,4,90
Flo,28.4,short,4,240
Gus,0.3,none,2,10
Hal,4.1,,4,100
"""


@pytest.fixture
def priced(folder, server):
    """A run that predicts a number from numbers and a category, with cells missing."""
    (folder / "pets.csv").write_text(PETS)
    return fedredis.run(
        "pets.csv",
        slaves=2,
        rounds=2,
        workers=1,
        label="price",
        task="regress",
        missing="mean",
        model="linear",
        features="plain",
        learning_rate=0.1,
        redis_url=server.url,
    )


def test_a_number(priced, server):
    assert priced.accuracy is priced.confusion is None
    assert priced.rmse == pytest.approx(priced.mse**0.5)
    told = fedredis.predict(priced.run, song="Ada", redis_url=server.url)
    values = {"weight": 4.5, "coat": "short", "legs": "4"}
    assert told == fedredis.predict(priced.run, values=values, redis_url=server.url)
    assert isinstance(told.answer, float)
    assert told.probabilities == {}


def test_cells_that_are_missing_are_filled(priced, server):
    told = fedredis.predict(priced.run, song="Bob", redis_url=server.url)
    for weight in (None, "", "NA", np.nan):
        values = {"coat": "long", "legs": 4, "weight": weight}
        assert told == fedredis.predict(priced.run, values=values, redis_url=server.url)
    del values["weight"]
    without = fedredis.predict(priced.run, values=values, redis_url=server.url)
    assert without.answer == told.answer
    assert without.warnings == ("no value is given for weight: taken for missing",)


def test_a_category_that_was_never_seen(priced, server):
    told, known = (
        fedredis.predict(
            priced.run, values={"coat": coat, "legs": 4, "weight": ""}, redis_url=server.url
        )
        for coat in ("curly", "short")
    )
    assert isinstance(told.answer, float)
    assert told.warnings == (
        "column 'coat': no row to learn from has this category, so it is left out of account",
    )
    assert known.warnings == ()


@pytest.mark.parametrize("cell", [["short"], {"a": "short"}, ("short", "long")])
def test_several_categories_are_none(priced, server, cell):
    with pytest.raises(UsageError, match="`values`: coat must be one category, not "):
        fedredis.predict(priced.run, values={"coat": cell, "legs": 4}, redis_url=server.url)


def test_many_rows_at_once(trained, values, client):
    model = read_trained(client, trained.run)
    row = np.array([values[column.name] for column in model.config.columns])
    probabilities = model.predict(np.stack([row, row]))
    assert probabilities.shape == (2, 3)
    assert probabilities[0].tolist() == probabilities[1].tolist()


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({}, "give either `song` or `values`"),
        ({"song": "x", "values": {}}, "give either `song` or `values`"),
        ({"song": "No Such Song"}, "no song named 'No Such Song'"),
        ({"values": {"danceability": 0.5}}, "missing: energy, key"),
        ({"values": {"loud": 1}}, "unknown: loud"),
    ],
)
def test_wrong_calls(trained, asked, complaint, server):
    with pytest.raises(UsageError, match=complaint):
        fedredis.predict(trained.run, **asked, redis_url=server.url)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("loud", "energy must be a number, not 'loud'"),
        (float("inf"), "energy must be a number"),
        ([1], "energy must be a number"),
        (None, "energy is missing, and the run does not fill"),
        ("", "energy is missing"),
        (float("nan"), "energy is missing"),
    ],
)
def test_a_value_that_is_no_number(trained, values, wrong, complaint, server):
    with pytest.raises(UsageError, match=complaint):
        fedredis.predict(trained.run, values={**values, "energy": wrong}, redis_url=server.url)


def test_before_the_first_round(make_training, server):
    run = make_training().run_id
    with pytest.raises(FedredisError, match=f"no trained model yet: `fedredis resume {run}`"):
        fedredis.predict(run, values={}, redis_url=server.url)


SAME = "track_name,artist,x,decade\n" + "".join(
    f"song {i % 5},{'abc'[i % 3]},{i % 7},{'XY'[i % 2]}\n" for i in range(30)
)


def test_songs_of_one_name_and_a_model_from_a_file(folder, server):
    (folder / "same.csv").write_text(SAME)
    at = {"redis_url": server.url}
    outcome = fedredis.run("same.csv", columns=["x"], slaves=2, rounds=1, workers=1, **at)
    fedredis.export(outcome.run, "m.npz", **at)
    first = fedredis.predict(outcome.run, song="song 1", **at)
    (line,) = first.warnings
    assert line == (
        "6 rows are called 'song 1': the first one is taken, that of b; `artist` chooses, "
        "others are of: a, c"
    )
    at = {"model": "m.npz", "data": "same.csv", "song": "song 1"}
    assert fedredis.predict(**at) == first
    mine = fedredis.predict(**at, artist="c")
    assert mine.warnings == ("2 rows are called 'song 1': the first one is taken; all are of c",)
    given = fedredis.predict(model="m.npz", values={"x": 4})
    assert mine == replace(given, warnings=mine.warnings)
    with pytest.raises(UsageError, match=r"'d' has no song named 'song 1'; there are those of: a"):
        fedredis.predict(**at, artist="d")
    for wrong, problem in (
        ({"values": {"x": 1}, "artist": "a"}, "`artist` says whose song is meant"),
        ({"song": "song 1"}, "does not say where songs are: give `data`"),
        ({"run": "r1", "values": {}}, "either `run` or `model`"),
    ):
        with pytest.raises(UsageError, match=problem):
            fedredis.predict(**{"model": "m.npz", **wrong})
