from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fedredis.data.meaning import digest
from fedredis.data.reading import Reading
from fedredis.data.source import load
from fedredis.data.sql import PASSWORD
from fedredis.errors import FedredisError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Where Debian's packages put the server; the newest of several is taken.
BINARIES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
#: Whom the server runs as: it refuses to run as root.
USER = "postgres"
AS_USER = [] if os.getuid() else ["/usr/sbin/runuser", "-u", USER, "--"]
SECRET = "s3cret/@:"

TABLE = """
CREATE TABLE visits (age integer, sbp numeric(5, 1), admitted date, ward text, outcome text);
INSERT INTO visits VALUES (40, 120.5, '2021-03-02', 'Süd', 'well'), (50, NULL, '2021-03-03',
'Süd', 'ill'), (60, -999, '2021-03-04', 'Nord', 'well');
"""


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database, without its password."""
    if BINARIES is None or not (BINARIES / "initdb").exists():
        pytest.skip("the server of postgresql, a system package, is not there")
    folder = tmp_path_factory.mktemp("postgres")
    if not os.getuid():
        for place in (folder, *folder.parents):
            if place == Path(tempfile.gettempdir()):
                break
            place.chmod(0o755)
        shutil.chown(folder, USER)
    password = folder / "password"
    password.write_text(SECRET)
    password.chmod(0o644)

    def call(*words: object) -> None:
        told = subprocess.run([*AS_USER, *map(str, words)], cwd=folder, capture_output=True)
        assert not told.returncode, told.stderr

    cluster = folder / "cluster"
    call(BINARIES / "initdb", "-D", cluster, "-A", "scram-sha-256", f"--pwfile={password}",
         "-U", USER, "-N", "-E", "UTF8", "--locale=C.UTF-8")  # fmt: skip
    server = [BINARIES / "pg_ctl", "-D", cluster, "-w", "-l", folder / "log"]
    call(*server, "-o", f"-h '' -k {folder} -F", "start")
    try:
        yield f"postgresql+psycopg://{USER}@/postgres?host={folder}"
    finally:
        call(*server, "-m", "immediate", "stop")


def asked(url: str, **how: Any) -> Any:
    said = {
        "query": "SELECT * FROM visits ORDER BY age",
        "label": "outcome",
        "dates": ["admitted"],
    }
    return load(
        None,
        Reading(
            sql=url,
            **{**said, "na": ["sbp=-999"], "missing": "mean", "categories": ["ward"], **how},
        ),
    )


def test_a_query_of_postgresql(postgres, monkeypatch):
    import sqlalchemy

    with pytest.raises(FedredisError, match=r"the database refuses: .*password") as refused:
        asked(postgres)
    assert "\n" not in str(refused.value)
    monkeypatch.setenv(PASSWORD, SECRET)
    engine = sqlalchemy.create_engine(sqlalchemy.make_url(postgres).set(password=SECRET))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(TABLE))
    engine.dispose()
    table = asked(postgres)
    assert [str(x) for x in table.X[:, 1]] == ["120.5", "nan", "nan"]
    assert table.X[:, [0, 2, 3, 6]].tolist() == [
        [40, 2021, 3, digest("Süd")],
        [50, 2021, 3, digest("Süd")],
        [60, 2021, 3, digest("Nord")],
    ]
    assert (table.classes, table.y.tolist()) == (("ill", "well"), [1, 0, 1])
    now = "SELECT 1 AS age, '12:30' AS ward, 'x' AS outcome WHERE 'a:b%' LIKE '%:b%'"
    assert asked(postgres, query=f"{now} UNION SELECT 2, 'v', 'z'", dates=(), na=()).X[0, 0] == 1
    with pytest.raises(FedredisError, match=r'refuses: relation "other" does not exist'):
        asked(postgres, query="SELECT * FROM other")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("visits.db", "`sql`: this is no URL"),
        ("postgresql://me:secret@host/name", f"can be read by others: put it into {PASSWORD}"),
        ("sqlite:////nowhere/at/all.db", "the database refuses: unable to open database file"),
        ("oddbase://host/name", "oddbase"),
    ],
)
def test_databases_that_can_not_be_asked(url, problem):
    with pytest.raises(FedredisError, match=problem) as refused:
        asked(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("SELECT 1 AS x, 2 AS x, 'a' AS y", "column 'x': two columns have this name: rename one"),
        ("CREATE TABLE z (x)", "`query` has no answer: ask for one with SELECT"),
    ],
)
def test_queries_whose_answer_is_no_table(tmp_path: Path, query: str, problem: str) -> None:
    with pytest.raises(FedredisError, match=problem):
        load(None, Reading(sql=f"sqlite:///{tmp_path / 'a.db'}", query=query, label="y"))


def test_a_query_has_no_parameters(tmp_path: Path) -> None:
    """A time or a share in it is not taken for one."""
    query = "SELECT 5 AS x, '12:30' AS y WHERE '12:30%' LIKE '12:30%' UNION SELECT 6, '5 %(a)s'"
    table = load(None, Reading(sql=f"sqlite:///{tmp_path / 'a.db'}", query=query, label="y"))
    assert table.classes == ("12:30", "5 %(a)s")
