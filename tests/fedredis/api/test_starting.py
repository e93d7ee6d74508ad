"""Runs from their start to their end, as a program drives them."""

import json
import logging
import signal
import sys
import threading
from dataclasses import asdict, fields

import pytest

import fedredis
from fedredis.errors import DataError, RunNotFoundError, UsageError, WaitTimeoutError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)


def test_an_outcome(trained):
    assert (trained.slaves, trained.workers, trained.rounds) == (3, 1, 2)
    assert sum(map(sum, trained.confusion)) == 60
    assert 0 < trained.setup_seconds < trained.seconds
    assert set(trained.round_ms) == {"p50", "p95"}


def test_all_of_it_in_a_folder(csv, folder, capfd):
    """The embedded server is used although REDIS_URL names another; nothing is printed."""
    outcome = fedredis.run(str(csv), slaves=2, rounds=1, workers=1, features="plain")
    assert {path.name for path in folder.iterdir()} == {"songs.csv", ".fedredis"}
    assert [state.run for state in fedredis.runs()] == [outcome.run]
    assert fedredis.show(outcome.run).state.config.features == "plain"
    assert capfd.readouterr() == ("", "")


def test_the_report_tells_of_each_committed_round(csv, server):
    told = {}
    outcome = fedredis.run(
        csv, slaves=2, rounds=2, workers=1, redis_url=server.url, report=told.__setitem__
    )
    history = fedredis.show(outcome.run, redis_url=server.url).history
    assert json.loads(json.dumps(list(told.values()))) == [history[label] for label in told]
    assert told.keys() == history.keys()


def test_slaves_that_wait_in_the_same_folder_go_on_with_a_run(csv, folder):
    """The line that goes on with it names no workers, and the partitions are the slaves' alone."""
    made = fedredis.partition(csv, slaves=2, out="parts")
    asked = {"dataset": made.manifest.dataset, "slaves": 2, "rounds": 2, "features": "plain"}

    def fall(name, entry):
        raise RuntimeError(str(name))

    with fedredis.serving("parts", workers=1):
        whole = fedredis.run(**asked)
        with pytest.raises(RuntimeError, match="statistics:1"):
            fedredis.run(**asked, id="fallen", report=fall)
        assert fedredis.resume("fallen").weights_sha256 == whole.weights_sha256
    assert fedredis.resume("fallen").weights_sha256 == whole.weights_sha256


def test_it_runs_in_any_thread_and_leaves_signals_alone(csv, server):
    before = [signal.getsignal(number) for number in SIGNALS]
    outcomes = []
    thread = threading.Thread(
        target=lambda: outcomes.append(
            fedredis.run(csv, slaves=2, rounds=1, workers=1, redis_url=server.url)
        )
    )
    thread.start()
    thread.join()
    assert len(outcomes) == 1
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_run_that_is_interrupted_is_gone_on_with(csv, server, trained):
    """To the bits that it would have had."""

    def interrupt(label, entry):
        if str(label) == "train:1":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stop:
        fedredis.run(csv, slaves=3, rounds=2, workers=1, redis_url=server.url, report=interrupt)
    (stopped, _) = fedredis.runs(redis_url=server.url)
    assert (stopped.status, stopped.round) == ("stopped", 1)
    (note,) = stop.value.__notes__
    assert note.startswith(f"go on with: fedredis.resume('{stopped.run}', redis_url=")
    # On a Redis of others none are started unasked.
    assert note.endswith(", workers=1)")
    outcome = fedredis.resume(stopped.run, workers=1, redis_url=server.url)
    assert outcome.run == stopped.run
    assert outcome.weights_sha256 == trained.weights_sha256


def test_the_measure_of_a_finished_run_is_read_again(trained, server):
    """Without waiting for slaves, which may have gone."""
    again = fedredis.resume(trained.run, redis_url=server.url, wait_timeout=0)
    differing = ("seconds", "setup_seconds")
    for field in fields(trained):
        if field.name not in differing:
            assert getattr(again, field.name) == getattr(trained, field.name)


def test_slaves_that_do_not_come(csv, server, caplog):
    caplog.set_level(logging.INFO, "fedredis")
    fedredis.partition(csv, slaves=3, out="parts")
    with pytest.raises(WaitTimeoutError, match="no slave has come"):
        fedredis.run(redis_url=server.url, wait_timeout=2)
    with pytest.raises(WaitTimeoutError) as error:
        fedredis.run("parts", redis_url=server.url, wait_timeout=0.1)
    (state,) = fedredis.runs(redis_url=server.url)
    assert "did not come: 0, 1, 2; go on with: " in str(error.value)
    assert f"fedredis.resume('{state.run}', redis_url='" in str(error.value)
    assert "waiting for slaves: none yet" in caplog.messages
    assert "waiting for 3 of 3 slaves: 0, 1, 2" in caplog.messages


def test_a_password_is_not_told(csv, server):
    fedredis.partition(csv, slaves=3, out="parts")
    with pytest.raises(WaitTimeoutError) as error:
        fedredis.run("parts", redis_url=server.tcp_url, wait_timeout=0)
    assert server.tcp_url.split(":")[2].partition("@")[0] not in str(error.value)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"rounds": 0}, "`rounds` must be at least 1"),
        ({"slaves": 301}, "301 slaves can't share 300 rows"),
        ({"columns": ["loud"]}, "loud"),
        ({"label": "era"}, "era"),
    ],
)
def test_what_is_wrong_is_found_before_anything_is_written(csv, folder, wrong, complaint):
    with pytest.raises(UsageError, match=complaint):
        fedredis.run(csv, **wrong)
    assert list(folder.iterdir()) == [csv]


def test_data_that_is_not_there(folder):
    with pytest.raises(DataError, match=r"none\.csv: there is no such file"):
        fedredis.run("none.csv")
    assert not any(folder.iterdir())


def test_a_run_that_is_not_there(server):
    with pytest.raises(RunNotFoundError):
        fedredis.resume("nosuch", redis_url=server.url)
    with pytest.raises(UsageError, match="is not a name"):
        fedredis.resume("no such", redis_url=server.url)


def test_partitions_that_are_gone(trained, folder, server):
    (folder / ".fedredis").rename(folder / "elsewhere")
    with pytest.raises(DataError, match="partitions"):
        fedredis.resume(trained.run, workers=1, redis_url=server.url)


@pytest.fixture
def own_model(folder, monkeypatch):
    """Name a model of the user's own, which does what the default one does."""
    (folder / "our_model.py").write_text(
        "from fedredis.models import LogisticRegression\nclass Mine(LogisticRegression): pass\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(folder)
    # Each test has a file of its own by this name.
    monkeypatch.delitem(sys.modules, "our_model", raising=False)
    return "our_model:Mine"


def test_a_model_of_ones_own(csv, server, trained, own_model):
    """It is allowed by being asked for; who goes on with the run, or predicts, allows it again."""
    at, values = {"redis_url": server.url}, {}
    outcome = fedredis.run(csv, slaves=3, rounds=2, workers=1, model=own_model, **at)
    assert outcome.weights_sha256 == trained.weights_sha256
    for call in (
        lambda **allowed: fedredis.resume(outcome.run, workers=1, **at, **allowed),
        lambda **allowed: fedredis.predict(
            outcome.run, song="Synthetic Song 000001", **at, **allowed
        ),
    ):
        with pytest.raises(UsageError, match="'our_model:Mine' is not allowed here"):
            call()
        values[call] = call(allow_models=[own_model])
    assert len(values) == 2


def test_who_goes_on_with_it_is_told_to_allow_it(csv, server, own_model):
    with pytest.raises(WaitTimeoutError, match=r"allow_models=\['our_model:Mine'\]\)$"):
        fedredis.run(csv, workers=0, model=own_model, redis_url=server.url, wait_timeout=0)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"model": "linear"}, "the labels are classes"),
        ({"model": "none:None"}, "'none:None' can't be imported"),
        ({"sample": 11, "slaves": 10}, "`sample` must be at most the 10 slaves, not 11"),
    ],
)
def test_what_does_not_go_together_is_found_before_the_server_starts(
    csv, folder, wrong, complaint
):
    with pytest.raises(UsageError, match=complaint):
        fedredis.run(csv, **wrong)
    assert not (folder / ".fedredis" / "server.lock").exists()


def test_an_outcome_is_data(trained):
    assert fedredis.Outcome(**asdict(trained)) == trained
