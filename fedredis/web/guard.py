"""Who is let in, and what a browser may do with what it is sent."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, current_app, g, redirect, render_template, request, session, url_for
from flask_wtf import CSRFProtect
from werkzeug.exceptions import BadRequest, TooManyRequests, Unauthorized

from fedredis.api.metrics import is_own
from fedredis.web.site import site

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response
    from werkzeug.wrappers import Response as AnyResponse

#: How often an address may be wrong within so many seconds.
TRIES, WITHIN = 5, 60.0
#: Addresses that are remembered.
ADDRESSES = 10_000
#: What begins the paths of what is for programs, which are not led to a login.
FOR_PROGRAMS = ("/api/", "/metrics")
#: Routes that need no login.
OPEN = ("guard.login", "static")
#: Routes that are told apart by what they are sent (JSON, not a form), and change nothing.
READING = ("api.predict",)

#: What a page may load: its own, and nothing written into it.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
#: rq-dashboard compiles its templates in the browser, and has one script in its page, which is
#: known by a number that is drawn for each answer. Nothing that a job says is run.
DASHBOARD = {
    "script-src": "'self' 'unsafe-eval' 'nonce-{nonce}'",
    "style-src-attr": "'unsafe-inline'",
    "img-src": "'self' data:",
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

blueprint = Blueprint("guard", __name__)
csrf = CSRFProtect()


class Throttle:
    """Counts, for each address, how often it was wrong lately."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wrong: dict[str, deque[float]] = {}

    def wait(self, address: str) -> float:
        """Return for how many seconds an address has to wait; 0 if it need not."""
        now, wrong = self._clock(), self._wrong.get(address, deque())
        return max(0.0, wrong[0] + WITHIN - now) if len(wrong) == TRIES else 0.0

    def failed(self, address: str) -> None:
        """Note that an address was wrong."""
        wrong = self._wrong.pop(address, deque(maxlen=TRIES))
        wrong.append(self._clock())
        self._wrong[address] = wrong
        while len(self._wrong) > ADDRESSES:
            del self._wrong[next(iter(self._wrong))]


def protect(app: Flask, throttle: Throttle) -> None:
    """Put an app behind a login, if it has a password, and its answers under rules."""
    app.config.update(
        SECRET_KEY=secrets.token_bytes(32),
        SESSION_COOKIE_NAME="fedredis",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # Called below, where it is known who asks.
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.extensions["fedredis-throttle"] = throttle
    csrf.init_app(app)
    app.register_blueprint(blueprint)
    app.before_request(let_in)
    app.after_request(under_rules)


def let_in() -> AnyResponse | None:
    """Let in whoever may, and see that what changes something was sent from these pages."""
    g.nonce = secrets.token_urlsafe(16)
    if not site().secret and not is_own(urlsplit(f"//{request.host}").hostname or ""):
        # Somebody else's page, whose name was made to lead here (DNS rebinding).
        raise BadRequest("without a password the page is there for this machine alone")
    by_token = False
    if site().secret and request.endpoint not in OPEN and not session.get("in"):
        given = request.authorization
        if given and given.type == "bearer":
            _check(given.token or "")
            by_token = True
        elif request.path.startswith(FOR_PROGRAMS) or request.method != "GET":
            raise Unauthorized(
                "log in, or send the header `Authorization: Bearer` with the password",
                www_authenticate=None,
            )
        else:
            return redirect(url_for("guard.login", next=request.full_path.rstrip("?")))
    # Who sends a token is no browser that somebody else's page has misled.
    if not by_token and request.endpoint not in READING:
        csrf.protect()
    return None


def _check(given: str) -> None:
    """See that a password is the right one."""
    throttle: Throttle = current_app.extensions["fedredis-throttle"]
    address = request.remote_addr or ""
    if wait := throttle.wait(address):
        raise TooManyRequests(
            f"wrong too often: try again in {wait:.0f} s", retry_after=int(wait) + 1
        )
    # Digests are equally long, so that the time tells nothing of the password's length either.
    told, right = (hashlib.sha256(s.encode()).digest() for s in (given, site().secret))
    if not hmac.compare_digest(told, right):
        throttle.failed(address)
        raise Unauthorized("the password is wrong")


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> str | tuple[str, int] | AnyResponse:
    """Ask for the password."""
    goal = request.values.get("next", "")
    # A path of this site, and nothing that a browser takes for another one.
    if not re.fullmatch(r"/(?![/\\])[^\\\x00-\x20]*", goal):
        goal = url_for("pages.runs")
    if not site().secret or session.get("in"):
        return redirect(goal)
    if request.method == "GET":
        return render_template("login.html", goal=goal)
    try:
        _check(request.form.get("password", ""))
    except (TooManyRequests, Unauthorized) as error:
        return render_template("login.html", goal=goal, wrong=error.description), error.code
    session.clear()
    session["in"] = True
    return redirect(goal)


@blueprint.post("/logout")
def logout() -> AnyResponse:
    """Forget who has logged in."""
    session.clear()
    return redirect(url_for("guard.login"))


def under_rules(response: Response) -> Response:
    """Say what a browser may do with an answer."""
    of_dashboard = request.blueprint == "rq_dashboard"
    policy = POLICY | (DASHBOARD if of_dashboard else {})
    told = "; ".join(f"{name} {what}" for name, what in policy.items())
    response.headers["Content-Security-Policy"] = told.format(nonce=g.get("nonce", ""))
    response.headers.update(HEADERS)
    if request.endpoint not in ("static", "rq_dashboard.static"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
