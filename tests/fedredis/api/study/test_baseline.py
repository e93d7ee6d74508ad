import pytest

import fedredis
from fedredis.errors import DataError, FedredisError, RunNotFoundError, UsageError
from fedredis.keys import RoundName, RunKeys

SLAVES = 3


@pytest.fixture
def at(server):
    return {"redis_url": server.url}


def test_the_federated_figures_are_those_of_the_run(trained, at):
    """The same rows are held out, and the same model is tested on them."""
    found = fedredis.baseline(trained.run, **at)
    record = fedredis.show(trained.run, **at)
    assert isinstance(found, fedredis.Baseline)
    assert (found.run, found.round) == (trained.run, 2)
    assert found.federated["accuracy"] == trained.accuracy
    assert found.federated["log_loss"] == pytest.approx(trained.log_loss)
    assert list(found.slaves) == ["0", "1", "2"]
    for slave, facts in record.slaves.items():
        told = found.slaves[slave]
        assert (told.rows, told.held_out) == (int(facts["rows"]), int(facts["test_rows"]))
        assert told.federated["accuracy"] == float(facts["accuracy"])


def test_its_rows_must_be_here(trained, at, folder):
    whole = fedredis.baseline(trained.run, **at)
    (folder / ".fedredis" / "partitions").rename(folder / "moved")
    with pytest.raises(DataError, match=r"are not here: .* in one place; if there is one, name"):
        fedredis.baseline(trained.run, **at)
    (parts,) = (folder / "moved").iterdir()
    assert fedredis.baseline(trained.run, data=parts, **at) == whole
    (parts / "slave-1.npy").unlink()
    with pytest.raises(DataError, match=r"the rows of slaves 1 are not here: .* in one place"):
        fedredis.baseline(trained.run, data=parts, **at)


def test_another_folder(trained, csv, at):
    fedredis.partition(csv, slaves=SLAVES, seed=1, out="other")
    with pytest.raises(UsageError, match=r"other holds songs-3-.*, and the run is of songs-3-"):
        fedredis.baseline(trained.run, data="other", **at)


def test_fewer_slaves_than_partitions(csv, at, server):
    fedredis.partition(csv, slaves=5, out="parts")
    outcome = fedredis.run("parts", slaves=2, rounds=1, workers=1, redis_url=server.url)
    found = fedredis.baseline(outcome.run, **at)
    assert list(found.slaves) == ["0", "1"]
    assert found.federated["accuracy"] == outcome.accuracy


def test_the_best_round_is_compared_where_the_run_stands_for_it(csv, at, server):
    outcome = fedredis.run(
        csv,
        slaves=SLAVES,
        rounds=6,
        workers=1,
        redis_url=server.url,
        patience=1,
        learning_rate=5.0,
    )
    found = fedredis.baseline(outcome.run, **at)
    history = fedredis.show(outcome.run, **at).history
    assert found.round == outcome.chosen < outcome.rounds
    assert found.federated["accuracy"] == history[RoundName("evaluate", found.round)]["accuracy"]


def test_no_rows_are_held_out(csv, at, server):
    outcome = fedredis.run(
        csv, slaves=2, rounds=1, workers=1, test_fraction=0, redis_url=server.url
    )
    with pytest.raises(DataError, match="no slave holds out rows"):
        fedredis.baseline(outcome.run, **at)


def test_slaves_that_keep_their_own_files(make_training, at):
    training = make_training(3, names=("ann", "bob", "cy"), rounds=1)
    training.farm.rows = dict(zip(("ann", "bob", "cy"), training.farm.rows.values(), strict=True))
    training.drive()
    with pytest.raises(DataError, match="keep their own files: a baseline is fitted on the rows"):
        fedredis.baseline(training.run_id, **at)


def test_runs_that_have_nothing_to_compare(make_training, at, client):
    with pytest.raises(RunNotFoundError):
        fedredis.baseline("nosuch", **at)
    training = make_training()
    with pytest.raises(FedredisError, match="has no trained model yet"):
        fedredis.baseline(training.run_id, **at)
    assert client.exists(RunKeys(training.run_id).run)


def test_the_real_songs(songs, at, server):
    """Newton's method loses nothing to pooled rows, and slaves with a label or two lose much."""
    outcome = fedredis.run(
        songs,
        slaves=10,
        by="dirichlet:0.1",
        features="plain",
        strategy="newton",
        workers=1,
        redis_url=server.url,
    )
    found = fedredis.baseline(outcome.run, **at)
    pooled = {name: found.pooled[name] for name in found.federated}
    assert found.federated == pytest.approx(pooled, abs=1e-9)
    assert found.pooled["accuracy"] > 0.62
    assert found.local["accuracy"] > 0.8 > 0.5 > found.local_everywhere["accuracy"]
