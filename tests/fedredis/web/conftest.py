"""A home with runs of every kind, made once; and the page of it, without a browser."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("flask", reason="the extra `web` is not installed")

import fedredis
from fedredis.api.session import session
from fedredis.errors import FedredisError
from fedredis.web.app import create_app
from fedredis.web.launches import Launches
from fedredis.web.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask.testing import FlaskClient

#: What would be run if it were not written as text.
SCRIPT = "<script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(1)>"
SECRET = "correct horse battery"


@dataclass(frozen=True)
class World:
    """A home, and the file that its runs are made of."""

    home: Path
    csv: Path

    @contextmanager
    def site(self, secret: str = "", command: tuple[str, ...] = ("false",)) -> Iterator[Site]:
        """Lend what a page is made from."""
        with session(None, self.home) as opened:
            launches = Launches(command, self.home, None)
            yield Site(opened, None, self.home, secret, launches)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Make the runs ``songs``, ``failed`` and one that asks; names are as bad as they come."""
    folder = tmp_path_factory.mktemp("world")
    plain = fedredis.synth(folder / "plain.csv", songs=300)
    lines = plain.read_text().splitlines()
    header = lines[0].replace("tempo", f"{IMAGE}").replace("track_name", "name")
    place = lines[0].split(",").index("track_name")
    rows = [line.split(",") for line in lines[1:]]
    rows[0][place] = SCRIPT
    csv = folder / "songs.csv"
    csv.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n")
    home = folder / "home"
    with session(None, home):
        how: dict[str, Any] = {"slaves": 3, "workers": 1, "home": home}
        fedredis.run(csv, rounds=2, id="songs", features="plain", **how)
        with pytest.raises(FedredisError):
            fedredis.run(csv, id="failed", max_norm=1e-9, features="plain", **how)
        fedredis.describe(csv, columns=["energy"], home=home, slaves=3, workers=1)
        yield World(home, csv)


@pytest.fixture
def page(world: World) -> Iterator[FlaskClient]:
    """Return a client of the page, which has no password."""
    with world.site() as site:
        yield create_app(site).test_client()


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def locked(world: World, clock: Clock) -> Iterator[FlaskClient]:
    """Return a client of the page, which has a password."""
    with world.site(SECRET) as site:
        yield create_app(site, clock=clock).test_client()


@pytest.fixture
def token() -> Callable[[str], str]:
    """Return a function that finds the token of a page's forms."""

    def find(html: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', html)
        assert found
        return found[1]

    return find
