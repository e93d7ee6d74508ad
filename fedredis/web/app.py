"""The Flask application, put together."""

from __future__ import annotations

import logging
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Flask, g, jsonify, render_template, request, session
from jinja2 import StrictUndefined
from markupsafe import Markup, escape
from redis.exceptions import NoPermissionError, RedisError
from werkzeug.exceptions import HTTPException

from fedredis.connection import explain
from fedredis.errors import (
    FedredisError,
    RedisUnavailableError,
    RunNotFoundError,
    UsageError,
)
from fedredis.web import actions, api, dashboard, guard, pages, predicting, stream
from fedredis.web.site import site

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

    from fedredis.web.site import Site

#: Bytes of a file that may be sent, at most.
MOST_BYTES = 64_000_000

logger = logging.getLogger(__name__)


def create_app(here: Site, *, clock: Callable[[], float] = time.monotonic) -> Flask:
    """Make the application; `clock` (seconds) is that of the throttle of logins."""
    app = Flask(__name__)
    # Scripts, too, which Jinja would take as they are.
    app.jinja_env.autoescape = True
    # What is not there is a fault, and not nothing.
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["fedredis"] = here
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    guard.protect(app, guard.Throttle(clock))
    for part in (pages, predicting, actions, api, stream):
        app.register_blueprint(part.blueprint)
    app.register_blueprint(api.figures)
    dashboard.mount(app, here)
    app.register_error_handler(Exception, _explain)
    app.context_processor(_told_to_templates)
    app.add_template_filter(_ago, "ago")
    app.add_template_filter(_clock, "clock")
    app.add_template_filter(_with_code, "with_code")
    return app


def _told_to_templates() -> dict[str, Any]:
    return {
        "nonce": g.get("nonce", ""),
        "can_log_out": bool(session.get("in")),
        # What only some routes tell.
        **dict.fromkeys(("wrong", "song", "artist"), ""),
    }


def _explain(error: Exception) -> Response | tuple[Any, int] | tuple[Any, int, Any]:
    """Make an answer of what went wrong: JSON for programs, a page for people."""
    code, message, headers = _told(error)
    if request.path.startswith(guard.FOR_PROGRAMS):
        return jsonify(error=message), code, headers
    return render_template("error.html", code=code, message=message), code, headers


def _told(error: Exception) -> tuple[int, str, dict[str, str]]:
    if isinstance(error, HTTPException):
        if error.response is not None:
            return error.response.status_code, error.name, {}
        wait = getattr(error, "retry_after", None)
        headers = {"Retry-After": str(wait)} if wait else {}
        if error.code == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return error.code or 500, error.description or error.name, headers
    if isinstance(error, RunNotFoundError):
        return 404, str(error), {}
    if isinstance(error, UsageError):
        return 400, str(error), {}
    # A session tells it in a line for people at a terminal.
    if isinstance(error, NoPermissionError) or isinstance(error.__cause__, NoPermissionError):
        return 403, "the page's user of Redis may only look: start it as a master's", {}
    if isinstance(error, RedisError):
        error = explain(error, site().session.shown_url)
    if isinstance(error, RedisUnavailableError):
        return 503, str(error), {}
    if isinstance(error, FedredisError):
        return 409, str(error), {}
    logger.exception("%s %s", request.method, request.path, exc_info=error)
    return 500, "internal error, please report it; the server's log has more", {}


def _ago(then: datetime) -> str:
    """Say how long ago something was."""
    seconds = max(0.0, (datetime.now(UTC) - then).total_seconds())
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _with_code(text: str) -> Markup:
    """Set what stands in backticks as code; all of it is escaped."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704


def _clock(event: str) -> str:
    """Write when an event was, by its id."""
    return f"{datetime.fromtimestamp(int(event.partition('-')[0]) / 1000, UTC):%H:%M:%S.%f}"[:-3]
