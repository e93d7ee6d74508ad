"""Who is let in, and what browsers are told."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from fedredis.errors import UsageError
from fedredis.web.app import MOST_BYTES
from fedredis.web.guard import TRIES, WITHIN, Throttle
from fedredis.web.serving import server
from tests.fedredis.web.conftest import SECRET

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

#: What anybody may have.
OPEN = {"static", "guard.login"}
BEARER = {"Authorization": f"Bearer {SECRET}"}


def log_in(client: FlaskClient, token, password: str = SECRET, goal: str = "/"):
    """Send the form of the login."""
    form = token(client.get("/login").text)
    return client.post("/login", data={"csrf_token": form, "password": password, "next": goal})


def routes(app: Flask) -> list[tuple[str, str, str]]:
    """List what can be asked for: endpoint, method, a path of it."""
    return [
        (rule.endpoint, method, re.sub(r"<(int:)?\w+>", "1", rule.rule).replace("<path:1>", "x"))
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) & {"GET", "POST"})
    ]


def test_nothing_is_shown_without_a_login(locked):
    asked = [one for one in routes(locked.application) if one[0] not in OPEN]
    assert len(asked) > 30
    for endpoint, method, path in asked:
        answer = locked.open(path, method=method)
        let_in = answer.status_code == 302 and answer.location.startswith("/login")
        assert let_in or answer.status_code == 401, (endpoint, method, path)
        assert "songs" not in answer.text.replace("/api/songs", "")


def test_a_login(locked, token):
    sent = locked.get("/runs/songs")
    assert sent.location == "/login?next=/runs/songs"
    answer = log_in(locked, token, goal="/runs/songs")
    assert (answer.status_code, answer.location) == (302, "/runs/songs")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert locked.get("/runs/songs").status_code == 200
    locked.post("/logout", data={"csrf_token": token(locked.get("/").text)})
    assert locked.get("/runs/songs").status_code == 302


@pytest.mark.parametrize("goal", ["//evil.example", "https://evil.example", "/\\evil", "", "/ x"])
def test_a_login_leads_nowhere_else(locked, token, goal):
    assert log_in(locked, token, goal=goal).location == "/"


def test_a_program_sends_the_password(locked):
    assert locked.get("/api/runs", headers=BEARER).json["total"] == 3
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
        answer = locked.get("/api/runs", headers=headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "error" in answer.json


def test_guessing_takes_its_time(locked, token, clock):
    for _ in range(TRIES):
        assert log_in(locked, token, "a guess").status_code == 401
    assert log_in(locked, token).status_code == 429
    answer = locked.get("/api/runs", headers=BEARER)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(int(WITHIN) + 1))
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert locked.get("/api/runs", headers=BEARER, environ_base=elsewhere).status_code == 200
    clock.now += WITHIN
    assert log_in(locked, token).status_code == 302


def test_few_addresses_are_remembered(monkeypatch):
    monkeypatch.setattr("fedredis.web.guard.ADDRESSES", 3)
    throttle = Throttle(lambda: 0.0)
    for address in "abcdef":
        for _ in range(TRIES):
            throttle.failed(address)
    assert [address for address in "abcdef" if throttle.wait(address)] == ["d", "e", "f"]


def test_changes_need_the_token_of_a_page(page, locked, token):
    log_in(locked, token)
    for client in (page, locked):
        for endpoint, method, path in routes(client.application):
            if method == "POST" and endpoint != "api.predict":
                answer = client.post(path.replace("/runs/1/", "/runs/songs/"))
                assert answer.status_code == 400, endpoint
                assert "CSRF" in answer.text, endpoint
    assert page.get("/runs/songs").status_code == 200
    # By GET, which every link does.
    assert page.get("/rq/requeue/x").status_code == 405


def test_other_names_lead_nowhere_without_a_password(page, locked):
    for host in ("localhost:8400", "127.0.0.1", "[::1]:8400"):
        assert page.get("/", headers={"Host": host}).status_code == 200
    assert page.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert locked.get("/login", headers={"Host": "page.example"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/runs/nobody", "/login", "/static/page.js", "/rq/"])
def test_what_a_browser_may_do(page, path):
    told = page.get(path, buffered=True).headers
    policy = dict(part.split(" ", 1) for part in told["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe-inline" not in policy["script-src"] + policy["style-src"]
    if path != "/rq/":
        assert policy["script-src"] == policy["style-src"] == "'self'"
    assert told["X-Content-Type-Options"] == "nosniff"


def test_what_is_too_large_is_refused_before_it_is_sent(world):
    how = {"redis_url": None, "home": world.home, "command": (), "secret": SECRET}
    head = f"POST /predict/csv HTTP/1.1\r\nHost: x\r\nContent-Length: {MOST_BYTES + 1}\r\n\r\n"
    with server(host="127.0.0.1", port=0, **how) as page, page.beside():
        at = urlsplit(page.address)
        with socket.create_connection((at.hostname, at.port), 30) as client:
            client.sendall(head.encode())
            assert client.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("host", "secret", "said"),
    [
        ("0.0.0.0", "", "lets other machines in"),
        ("::", "", "lets other machines in"),
        ("example.org", "", "lets other machines in"),
        ("127.0.0.1", "short", "at least 8 letters"),
    ],
)
def test_an_open_door_is_refused(tmp_path, host, secret, said):
    how = {"redis_url": None, "home": tmp_path, "command": ()}
    with pytest.raises(UsageError, match=said), server(host=host, port=0, secret=secret, **how):
        pass
    assert list(tmp_path.iterdir()) == []
