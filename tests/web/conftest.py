"""The page in a real browser, on a real server; skipped by name where there is no Chromium."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright", reason="the extra `test` is not installed")

from playwright.sync_api import sync_playwright

from fedredis.cli.web import FEDREDIS
from fedredis.web.serving import server as page_server
from tests.fedredis.web.conftest import World, world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

__all__ = ["world"]

#: What a browser says whose server has gone: before it asks, as it asks, and as it is told.
GONE = tuple(
    f"net::ERR_{what}"
    for what in (
        *("SOCKET_NOT_CONNECTED", "CONNECTION_REFUSED", "CONNECTION_RESET", "CONNECTION_CLOSED"),
        *("EMPTY_RESPONSE", "INCOMPLETE_CHUNKED_ENCODING"),
    )
)
#: Milliseconds that a page has for what it is to show.
PATIENCE_MS = 30_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Run Chromium."""
    found = shutil.which("chromium")
    if not found:
        pytest.skip("chromium is a system package that is not here")
    with sync_playwright() as playwright:
        # In a container there is no user for its sandbox.
        running = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield running
        running.close()


@contextmanager
def serve(home: Path, secret: str = "") -> Iterator[str]:
    """Serve the page of a home; lend its address, without the slash at its end."""
    how = {"redis_url": None, "home": home, "host": "127.0.0.1", "port": 0}
    with page_server(**how, secret=secret, command=FEDREDIS) as page, page.beside():
        yield page.address.rstrip("/")


@pytest.fixture(scope="session")
def address(world: World) -> Iterator[str]:
    """Serve the page of the home with runs of every kind."""
    with serve(world.home) as at:
        yield at


@pytest.fixture
def serving() -> Callable[..., AbstractContextManager[str]]:
    """Return what serves a home."""
    return serve


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return what opens a page; its script must not fail, nor be stopped by the page's rules."""
    wrong: list[str] = []
    contexts: list[BrowserContext] = []

    def open_(url: str, **how: object) -> Page:
        context = browser.new_context(**{"locale": "en-GB", **how})  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        # A server that a test has stopped under an open page is no fault of the page's.
        page.on(
            "console",
            lambda said: (
                said.type == "error"
                and not any(gone in said.text for gone in GONE)
                and wrong.append(said.text)
            ),
        )
        # What a name could do at worst.
        page.on("dialog", lambda dialog: dialog.type == "alert" and wrong.append(dialog.message))
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []
