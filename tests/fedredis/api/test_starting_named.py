"""Runs over slaves that bring their own file, as programs start them."""

import re
from contextlib import ExitStack
from functools import partial

import pytest

import fedredis
from fedredis.api.session import session
from fedredis.connection import connect
from fedredis.data.reading import Reading
from fedredis.embedded import EmbeddedServer
from fedredis.errors import UsageError
from fedredis.store import workers


def rows_of(name):
    """Return rows of a slave's own."""
    first = 20 + ord(name[0]) % 7
    return "".join(f"{first + i},{i % 7},{'well' if i % 3 else 'ill'}\n" for i in range(30))


ROWS = rows_of("a")


def file_of(folder, name, header="age,dose,outcome", rows=None):
    """Write a slave's file: its header may differ, and its text."""
    (folder / f"{name}.csv").write_text(f"{header}\n{rows or rows_of(name)}")
    return folder / f"{name}.csv"


@pytest.fixture
def ward(folder):
    """Return a maker of a slave's file in the folder."""
    return partial(file_of, folder)


def wait_for(client, joins):
    """Block until so many workers have joined in all."""
    cursor = b"0-0"
    while client.xlen("fedredis:joined") < joins:
        cursor = workers.wait_for_join(client, cursor, 60)


@pytest.fixture(scope="module")
def wards(tmp_path_factory):
    """Keep workers of slaves a, b and c, each with a file of its own; return their server."""
    folder = tmp_path_factory.mktemp("wards")
    with EmbeddedServer.open(folder) as running, ExitStack() as stack:
        at = {"dataset": "wards", "label": "outcome", "redis_url": running.url}
        for name in "abc":
            stack.enter_context(fedredis.serving(file_of(folder, name), name=name, **at))
        with connect(running.url) as client:
            wait_for(client, 3)
        yield running


@pytest.fixture
def no_run(wards):
    """See that a test makes no run."""
    before = fedredis.runs(redis_url=wards.url)
    yield
    assert fedredis.runs(redis_url=wards.url) == before


def test_no_songs_are_generated_beside_slaves_that_wait(ward, folder):
    """They were started in this folder, so they are meant."""
    with fedredis.serving(ward("a"), name="a", dataset="wards", label="outcome"):
        with session(None, ".fedredis") as opened:
            wait_for(opened.client, 1)
        with pytest.raises(UsageError, match="slaves of wards wait here: `dataset=wards`"):
            fedredis.run(slaves=2, rounds=1)
        assert fedredis.runs() == []
        assert fedredis.run("a.csv", label="outcome", slaves=2, rounds=1, workers=1).rounds == 1


def test_what_one_slave_alone_has_is_told_to_its_owner(ward, server, client, capfd):
    header, wards = "age,ward,outcome", {"a": ("eye", "skin"), "b": ("eye", "Skin")}
    with ExitStack() as stack:
        for name, has in wards.items():
            rows = [f"{20 + i},{has[i % 2]},{'well' if i % 3 else 'ill'}" for i in range(40)]
            path = ward(name, header, "\n".join(rows))
            lent = fedredis.serving(path, name=name, label="outcome", redis_url=server.url)
            stack.enter_context(lent)
        wait_for(client, 2)
        fedredis.run(slaves=2, rounds=1, redis_url=server.url)
    told = capfd.readouterr().err
    for name, (_, own) in wards.items():
        line = f"slave {name}: no other slave has '{own}' in column 'ward': if others write it "
        assert told.count(line) == 1
    assert "'eye'" not in told


def test_so_many_slaves_as_are_wanted(wards):
    outcome = fedredis.run(slaves=3, rounds=2, redis_url=wards.url)
    config = fedredis.show(outcome.run, redis_url=wards.url).state.config
    assert (outcome.slaves, outcome.workers) == (3, 3)
    assert config.names == ("a", "b", "c")
    assert (config.dataset, config.source) == ("wards", "own files")
    assert config.reading == Reading(label="outcome", task="classify")
    again = fedredis.resume(outcome.run, redis_url=wards.url)
    assert again.weights_sha256 == outcome.weights_sha256
    with pytest.raises(UsageError, match=r"slaves of run .* bring their own files"):
        fedredis.resume(outcome.run, workers=1, redis_url=wards.url)


def test_certain_slaves(wards):
    outcome = fedredis.run(names=["c", "a"], rounds=1, redis_url=wards.url)
    record = fedredis.show(outcome.run, redis_url=wards.url)
    assert record.state.config.names == ("a", "c")
    assert record.slaves["c"]["worker"].startswith("fedredis-wards-slave-c-")


@pytest.mark.usefixtures("no_run")
def test_it_has_to_be_clear_who_is_wanted(wards):
    for given, complaint in (
        ({}, "bring their own files: say how many there are with `slaves`, or who with `names`"),
        ({"slaves": 2}, r"3 slaves of wards are there, not 2: .*`names` \(a, b, c\)"),
        ({"slaves": 2, "names": ["a", "b", "c"]}, "`names` names 3 slaves, each once, and `sl"),
        ({"names": ["a", "b", "a"]}, "`names` names 2 slaves, each once"),
        ({"names": ["a*"]}, "slave 'a\\*' is not a name"),
        ({"names": ["ids"]}, "belongs to fedredis"),
        ({"names": ["a"], "workers": 1}, "leave out `data` and `workers`"),
        ({"slaves": 3, "label": "outcome"}, "leave out `label`: how to read data is said"),
        ({"slaves": 3, "quorum": 4}, "`quorum` must be a number from 1 to 3"),
    ):
        with pytest.raises(UsageError, match=complaint):
            fedredis.run(**given, redis_url=wards.url, wait_timeout=0)


@pytest.mark.usefixtures("no_run")
def test_slaves_that_do_not_fit_each_other(ward, wards):
    """One line names the slaves, the column and what each has."""
    odd = ward("d", rows=re.sub(r",(\d),", r",d\1,", ROWS))
    lent = fedredis.serving(odd, name="d", dataset="wards", label="outcome", redis_url=wards.url)
    with lent, pytest.raises(UsageError) as mismatch:
        fedredis.run(slaves=4, redis_url=wards.url)
    assert str(mismatch.value).startswith(
        "slaves a and d don't fit each other: column 'dose' holds numbers at a and categories at d"
    )


def test_a_namesake_with_other_data(ward, wards):
    at = {"dataset": "wards", "label": "outcome", "redis_url": wards.url}
    with connect(wards.url) as client:
        joined = client.xlen("fedredis:joined")
        with fedredis.serving(ward("b"), name="b", **at):
            wait_for(client, joined + 1)
            assert len(workers.present(client)) == 4
    for rows in (ROWS * 2, ROWS.replace("20,", "21,", 1)):
        other = ward("other", rows=rows)
        with pytest.raises(UsageError, match="slave b of wards is there twice, with different"):
            fedredis.serve(other, name="b", **at)


def test_the_embedded_server_of_a_folder_has_slaves_too(ward, folder):
    """Where a name says that they are awaited."""
    with fedredis.serving(ward("a"), name="a", label="outcome"):
        outcome = fedredis.run(names=["a"], rounds=1)
    assert (outcome.slaves, outcome.workers) == (1, 1)
    assert not (folder / ".fedredis" / "partitions").exists()


def test_slaves_of_a_partition_folder_have_no_names(csv, server):
    fedredis.partition(csv, slaves=2, out="parts")
    with (
        fedredis.serving("parts", redis_url=server.url),
        pytest.raises(UsageError, match=r"`names`: the slaves of .* are numbered"),
    ):
        fedredis.run(names=["a"], redis_url=server.url)
