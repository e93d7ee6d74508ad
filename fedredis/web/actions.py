"""What changes something: runs are started, stopped, gone on with and deleted."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from fedredis import strategies
from fedredis.api import events
from fedredis.api.removing import remove
from fedredis.api.request import Request
from fedredis.api.stopping import stop
from fedredis.arguments import arguments_of
from fedredis.config import RunConfig, check_name
from fedredis.data.reading import Reading
from fedredis.errors import UsageError
from fedredis.features import FEATURES
from fedredis.models import MODELS
from fedredis.store.runs import read
from fedredis.web.site import site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

#: What may be asked of a run from the page; the command line knows more.
ASKED = (
    *("data", "label", "slaves", "by", "rounds", "model", "strategy", "features"),
    *("learning_rate", "seed", "threshold", "workers", "id"),
)
#: Shown as if typed, since what is done unasked is clearer so.
DEFAULTS = {"slaves": "10", "by": "iid", "rounds": "20"}
#: What is said of fields that the page knows otherwise than the command line.
HELP = {
    "data": "A file or folder on the server's machine; generated songs, if left empty.",
    "model": "What is trained: logistic, or linear where labels are numbers, if nothing is said.",
}

blueprint = Blueprint("actions", __name__)


def fields() -> list[dict[str, Any]]:
    """Describe the form's fields: name, help, and what there is to choose from."""
    told = {**arguments_of(Request), **arguments_of(Reading), **arguments_of(RunConfig)}
    choices = {"model": sorted(MODELS), "strategy": sorted(strategies.STRATEGIES)}
    choices["features"] = sorted(FEATURES)
    described = []
    for name in ASKED:
        argument = told.get(name)
        described.append(
            {
                "name": name,
                "title": name.replace("_", " "),
                "help": HELP.get(name) or (argument.help if argument else ""),
                "choices": choices.get(name) or (argument.choices if argument else ()),
            }
        )
    return described


@blueprint.route("/start", methods=["GET", "POST"])
def start() -> str | tuple[str, int] | Response:
    """Ask what to train, and start it."""
    if request.method == "GET":
        return render_template("start.html", fields=fields(), given=DEFAULTS)
    given = {name: request.form.get(name, "").strip() for name in ASKED}
    run = given.pop("id") or secrets.token_hex(4)
    try:
        words = words_of(run, given)
    except UsageError as error:
        given["id"] = run
        return render_template("start.html", fields=fields(), given=given, wrong=str(error)), 400
    site().launches.start(run, words, events.newest(site().client, run))
    return redirect(url_for("pages.run", run=run))


def words_of(run: str, given: Mapping[str, str]) -> list[str]:
    """Make a command line of what is asked for; what is left empty is not said.

    Raises
    ------
    UsageError
        If a name is none.
    """
    check_name(run, "`id`")
    if given["model"] and given["model"] not in MODELS:
        # One of the user's own would be imported.
        raise UsageError(f"`model`: choose from {', '.join(sorted(MODELS))}")
    words = ["run", f"--id={run}"]
    # In one word each, so that no value is taken for an option.
    words += [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value]
    return words


@blueprint.post("/runs/<run>/stop")
def stopped(run: str) -> Response:
    """Stop a run."""
    status = stop(run, redis_url=site().redis_url, home=site().home)
    flash(f"Run {run} is {status}.")
    return redirect(url_for("pages.run", run=run))


@blueprint.post("/runs/<run>/resume")
def resumed(run: str) -> Response:
    """Go on with a run."""
    read(site().client, check_name(run, "run"))
    site().launches.start(run, ["resume", run], events.newest(site().client, run))
    return redirect(url_for("pages.run", run=run))


@blueprint.post("/runs/<run>/delete")
def deleted(run: str) -> Response:
    """Delete a run."""
    keys = remove(run, redis_url=site().redis_url, home=site().home)
    flash(f"Run {run} is deleted: {keys} keys.")
    return redirect(url_for("pages.runs"))
