"""rq-dashboard on the same server: its jobs are read as JSON, by the client of all requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import request
from flask_wtf.csrf import generate_csrf
from rq.serializers import JSONSerializer
from werkzeug.exceptions import MethodNotAllowed, NotFound

# Makes JSON what RQ reads where it is not told, which would be pickle.
from fedredis.jobs import dashboard as _json_alone  # noqa: F401

if TYPE_CHECKING:
    from flask import Flask, Response

    from fedredis.web.site import Site

#: Where it is.
PREFIX = "/rq"
#: What may stand in its addresses: it writes some of that into a script.
PLAIN = re.compile(r"[\w.:@ -]*")
#: Milliseconds between two looks.
POLL_MS = 5000


def mount(app: Flask, site: Site) -> None:
    """Put it behind the app's login and rules. Its page is `templates/rq_dashboard/base.html`."""
    from rq_dashboard import blueprint, web

    web.config.serializer = JSONSerializer
    # It would open a connection for each request.
    blueprint.before_request_funcs.clear()
    app.redis_conn = site.client  # type: ignore[attr-defined]
    app.config["RQ_DASHBOARD_REDIS_URL"] = [site.session.shown_url]
    app.register_blueprint(blueprint, url_prefix=PREFIX)
    app.before_request(_refuse)
    app.after_request(_with_token)
    # What some of its views do not tell its templates.
    app.context_processor(
        lambda: {"poll_interval": POLL_MS, "active_tab": "", "enable_delete": True}
    )


def _refuse() -> None:
    """Refuse addresses that could be more than names, and changes that anybody's link makes."""
    if request.blueprint != "rq_dashboard" or request.endpoint == "rq_dashboard.static":
        return
    if not all(PLAIN.fullmatch(str(part)) for part in (request.view_args or {}).values()):
        raise NotFound
    if request.endpoint == "rq_dashboard.requeue_all" and request.method != "POST":
        raise MethodNotAllowed(valid_methods=["POST"])


def _with_token(response: Response) -> Response:
    """Give its script the token that shows that a request comes from here."""
    if request.blueprint == "rq_dashboard" and response.mimetype == "text/html":
        response.set_cookie("_csrf_token", generate_csrf(), path=PREFIX, samesite="Strict")
    return response
