"""Slaves that bring their own file: rows from three files, trained on as if they were cut."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fedredis.data.cut import held_out
from fedredis.data.meaning import digest
from fedredis.data.reading import Reading
from fedredis.data.source import load

#: A cell of a category, and a number: whatever of them leaves a slave would be seen.
SECRET_WORD, SECRET_NUMBER = "ward of Dr Canary", 123456.789
READ = ("--label", "outcome", "--missing", "mean")
#: Long enough to be hit in the middle, short enough to wait for.
LONG = ("--slaves", 3, "--rounds", 60, "--lease", 1)


def write_wards(folder: Path) -> list[Path]:
    """Write three files: other wards and outcomes in each, gaps, and columns in another order."""
    rng, paths = np.random.default_rng(7), []
    for number, (rows, wards, outcomes) in enumerate(
        [
            (90, ["icu", "eye", SECRET_WORD], ["ill", "well"]),
            (120, ["icu", "skin"], ["ill", "well", "worse"]),
            (60, ["eye"], ["dead", "well"]),
        ]
    ):
        age, ward = rng.normal(50, 15, rows).round(1), rng.choice(wards, rows)
        dose = rng.gamma(2, 3, rows).round(2)
        score = age / 20 - dose / 4 - (ward == "icu") + rng.normal(0, 0.5, rows)
        bins = np.quantile(score, np.linspace(0, 1, len(outcomes) + 1)[1:-1])
        frame = pd.DataFrame({"age": age, "ward": ward, "dose": dose})
        frame["ward"] = frame["ward"].mask(rng.random(rows) < 0.1)
        frame["age"] = frame["age"].mask(rng.random(rows) < 0.2)
        frame["outcome"] = np.array(outcomes)[np.searchsorted(bins, score)]
        if number == 2:
            frame = frame[["outcome", "dose", "age", "ward"]]
        frame.loc[3, "dose"] = SECRET_NUMBER
        paths.append(folder / f"patients-{number}.csv")
        frame.to_csv(paths[-1], index=False)
    return paths


@pytest.fixture
def wards(shell) -> list[Path]:
    return write_wards(shell.folder)


@pytest.fixture
def federation(shell, server, wards):
    """Return a context of slaves of these names, each with a file, on one server."""

    @contextmanager
    def serve(*names, options=READ, count=1):
        at = ("--redis-url", server.tcp_url, "--workers", count)
        with ExitStack() as stack:
            started = [
                stack.enter_context(
                    shell.start("slave", "--data", path, "--name", name, *options, *at)
                )
                for name, path in zip(names, wards, strict=False)
            ]
            yield started

    return serve


@pytest.fixture
def run(shell, server):
    """Return a function that runs a master on the server."""

    def run(*args, **given):
        at = ("--redis-url", server.tcp_url, "--wait-timeout", 60, "--json")
        return json.loads(shell.run("run", *args, *at, **given).stdout)

    return run


def write_folder(folder: Path, paths: list[Path]) -> None:
    """Put the files' rows into a partition folder, in one order of columns and classes."""
    tables = [load(path, Reading(label="outcome", missing="mean")) for path in paths]
    columns = tables[0].columns
    classes = sorted({name for table in tables for name in table.classes})
    folder.mkdir()
    for slave, table in enumerate(tables):
        order = [[c.name for c in table.columns].index(c.name) for c in columns]
        y = [classes.index(table.classes[label]) for label in table.y]
        out = held_out(len(y), 0.2, 0, slave)
        rows = np.column_stack([table.X[:, order], y, out]).astype("<f8")
        np.save(folder / f"slave-{slave}.npy", rows)
    manifest = {
        "version": 1,
        "dataset": "all-wards",
        "source": "wards",
        "reading": {"label": "outcome", "missing": "mean"},
        "slaves": len(tables),
        "seed": 0,
        "test_fraction": 0.2,
        "columns": [
            {"name": c.name, "low": c.low, "high": c.high, "kind": c.kind} for c in columns
        ],
        "classes": classes,
        "rows": sum(len(table.y) for table in tables),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("how", ["--features plain", "--features quadratic", "--model trees"])
def test_the_weights_are_those_of_the_same_rows_in_a_partition_folder(
    shell, federation, run, wards, how
):
    """Chances of a slave that is called by a number are those of the number."""
    write_folder(shell.folder / "cut", wards)
    given = ("--rounds", 5, *how.split(), "--seed", 3)
    expected = shell.json("run", "--data", "cut", *given)
    with federation("0", "1", "2"):
        outcome = run("--names", "2,0,1", *given)
    for name in ("weights_sha256", "confusion", "accuracy", "log_loss"):
        assert outcome[name] == expected[name]
    assert outcome["slaves"] == 3


def test_whatever_the_number_of_workers_and_when_a_slave_is_killed(
    shell, server, client, federation, run
):
    names = ("hospital-a", "hospital-b", "hospital-c")
    with federation(*names):
        undisturbed = run(*LONG)
    with federation(*names, count=3):
        assert run(*LONG)["weights_sha256"] == undisturbed["weights_sha256"]
    client.flushall()
    at = ("--redis-url", server.tcp_url)
    with federation(*names) as slaves, shell.start("run", *LONG, *at, "--json") as master:
        run_id = shell.wait_for_round(client, "train:5")
        slaves[1].kill()
        slaves[1].wait()
        before = client.xlen("fedredis:joined")
        assert before == 3
        # The others' workers stay; that of hospital-b ends with its parent, and comes again.
        with federation(*names[:2]) as again:
            out, err = master.communicate(timeout=90)
            assert master.returncode == 0, err
            for slave in again:
                assert slave.poll() is None
    outcome = json.loads(out)
    assert (outcome["run"], outcome["rounds"]) == (run_id, 60)
    assert outcome["weights_sha256"] == undisturbed["weights_sha256"]
    assert outcome["confusion"] == undisturbed["confusion"]


def test_a_column_that_holds_something_else_is_named_in_one_line(
    shell, server, client, federation, wards
):
    frame = pd.read_csv(wards[1])
    frame["dose"] = frame["dose"].astype(int).map("{} mg".format)
    frame.to_csv(wards[1], index=False)
    with federation("hospital-a", "hospital-b"):
        at = ("--redis-url", server.tcp_url, "--wait-timeout", 60)
        done = shell.run("run", "--slaves", 2, *at, code=2)
    line = done.stderr.splitlines()[-1]
    assert line == (
        "fedredis: slaves hospital-a and hospital-b don't fit each other: column 'dose' holds "
        "numbers at hospital-a and categories at hospital-b; --categories says that it holds "
        "categories, --columns leaves it out"
    )
    assert done.stdout == ""
    assert not client.exists("fedredis:runs")


def test_a_slave_that_comes_again_with_other_rows(shell, server, client, federation, wards):
    """Its attempts fail, and the command that shows errors says why in one line."""
    at = ("--redis-url", server.tcp_url)
    with (
        federation("hospital-a", "hospital-b") as slaves,
        shell.start("run", "--slaves", 2, "--rounds", 500, "--lease", 1, *at) as master,
    ):
        run_id = shell.wait_for_round(client, "train:5")
        slaves[1].terminate()
        slaves[1].wait()
        frame = pd.read_csv(wards[1])
        frame["outcome"] = frame["outcome"].replace("worse", "cured")
        frame.to_csv(wards[1], index=False)
        with federation("hospital-a", "hospital-b"):
            _, err = master.communicate(timeout=90)
            assert master.returncode == 1
    assert "hospital-b" in err
    shown = shell.run("errors", run_id, *at).stdout
    told = "slave hospital-b holds other rows than when the run began: start it on its old file"
    assert told in [line.strip() for line in shown.splitlines()]


def test_no_cell_ever_reaches_redis(shell, server, client, federation, run, wards):
    """The server's append-only file has all that was ever written to it."""
    client.config_set("appendfsync", "always")
    try:
        with federation("hospital-a", "hospital-b", "hospital-c"):
            outcome = run("--slaves", 3, "--rounds", 3)
    finally:
        client.config_set("appendfsync", "everysec")
    written = b"".join(
        path.read_bytes() for path in Path(server.home).rglob("*.aof") if path.is_file()
    )
    # What is meant to be there, so that this looks at the right place.
    for told in (outcome["run"], "hospital-b", "outcome", "worse", "ward"):
        assert told.encode() in written
    assert np.float64(digest(SECRET_WORD)).tobytes() in written
    cells = set()
    for path in wards:
        frame = pd.read_csv(path)
        numbers = frame[["age", "dose"]].to_numpy().ravel()
        # Not those that a count or a rate may be equal to.
        cells |= {np.float64(n).tobytes() for n in numbers if n > 20 and n * 8 % 1}
    assert SECRET_WORD.encode() not in written
    assert str(SECRET_NUMBER).encode() not in written
    assert np.float64(SECRET_NUMBER).tobytes() in cells
    assert [cell for cell in cells if cell in written] == []
    assert b"Canary" not in written
    assert b"patients-" not in written
