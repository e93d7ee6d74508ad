"""Pages to look at: the list of runs, one of them, several beside each other."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from flask import Blueprint, render_template, request
from redis.exceptions import RedisError

from fedredis.api import events
from fedredis.api.inspection import count_runs, read_record, read_runs
from fedredis.api.nodes import read_nodes
from fedredis.config import check_name
from fedredis.errors import FedredisError, RunNotFoundError, UsageError
from fedredis.web.pictures import COLOURS, compared
from fedredis.web.site import site
from fedredis.web.views import RunView, Summary

if TYPE_CHECKING:
    from fedredis.api.nodes import Nodes

#: Runs of a page, and events of a run's page, the newest.
PAGE, EVENTS = 25, 40

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def runs() -> str:
    """List the runs."""
    total = count_runs(site().client)
    last = max(1, -(-total // PAGE))
    page = min(max(1, request.args.get("page", 1, int)), last)
    first = (page - 1) * PAGE
    listed = [Summary(state) for state in read_runs(site().client, first, first + PAGE - 1)]
    return render_template("runs.html", runs=listed, total=total, page=page, last=last)


@blueprint.get("/runs/<run>")
def run(run: str) -> str | tuple[str, int]:
    """Show a run, or, of one that was just started, what is heard of it."""
    check_name(run, "run")
    launch = site().launches.of(run)
    try:
        record = read_record(site().client, run)
    except RunNotFoundError:
        if launch is None:
            raise
        return render_template("starting.html", run=run, launch=launch)
    shown = RunView.of(record, _nodes(run))
    happened = events.latest(site().client, run, EVENTS)
    newest = happened[0].id if happened else events.newest(site().client, run)
    coming = launch is not None and not record.state.going_on and launch.is_coming(newest)
    return render_template("run.html", run=shown, events=happened, launch=launch, coming=coming)


@blueprint.get("/compare")
def compare() -> str:
    """Draw several runs in one picture."""
    names = list(dict.fromkeys(request.args.getlist("run")))
    if not 1 <= len(names) <= COLOURS:
        raise UsageError(f"choose from 1 to {COLOURS} runs to compare")
    views = [RunView.of(read_record(site().client, check_name(n, "run"))) for n in names]
    return render_template("compare.html", runs=views, charts=compared(views))


def _nodes(run: str) -> Nodes | None:
    """Read what a run's processes used; None where it is not to be had."""
    with suppress(FedredisError, RedisError):
        return read_nodes(site().client, run)
    return None
