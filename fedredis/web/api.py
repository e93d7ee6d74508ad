"""The same for programs, as JSON; ``openapi.json`` beside this file describes it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import BadRequest

from fedredis.api.inspection import count_runs, read_record, read_runs
from fedredis.api.metrics import exporter
from fedredis.config import check_name
from fedredis.errors import UsageError
from fedredis.web.predicting import predict as predicted
from fedredis.web.site import site

#: Runs of an answer, if nothing is said, and at most.
PAGE, MOST = 50, 500
#: The last page that may be asked for; what Redis counts ends soon after it.
LAST = 10**15

blueprint = Blueprint("api", __name__, url_prefix="/api")
figures = Blueprint("figures", __name__)


@blueprint.get("/runs")
def runs() -> dict[str, Any]:
    """List the runs, newest first."""
    page, size = request.args.get("page", 1, int), request.args.get("size", PAGE, int)
    if not 1 <= page <= LAST or not 1 <= size <= MOST:
        raise UsageError(f"`page` goes from 1 to {LAST}, and `size` from 1 to {MOST}")
    first = (page - 1) * size
    return {
        "runs": [asdict(state) for state in read_runs(site().client, first, first + size - 1)],
        "page": page,
        "total": count_runs(site().client),
    }


@blueprint.get("/runs/<run>")
def run(run: str) -> dict[str, Any]:
    """Tell all that is known of a run."""
    return read_record(site().client, check_name(run, "run")).plain()


@blueprint.post("/predict")
def predict() -> dict[str, Any]:
    """Predict the class, or the number, of a row or a song."""
    try:
        given = request.get_json()
    except (BadRequest, RecursionError):
        raise UsageError("send a JSON object") from None
    if not isinstance(given, dict):
        raise UsageError("send a JSON object")
    if unknown := given.keys() - {"run", "song", "artist", "values"}:
        raise UsageError(f"there is no field {', '.join(sorted(unknown))}")
    for name in ("run", "song", "artist"):
        if not isinstance(given.get(name), str | None):
            raise UsageError(f"`{name}` must be text")
    values = given.get("values")
    if not isinstance(values, dict | None):
        raise UsageError("`values` must be an object of cells, by feature")
    return answer(predicted(**given))


def answer(prediction: Any) -> dict[str, Any]:
    """Write a prediction as the command line does."""
    told = asdict(prediction)
    found = told.pop("answer")
    return {"value" if isinstance(found, float) else "class": found, **told}


@figures.get("/metrics")
def metrics() -> Response:
    """Write figures out for Prometheus."""
    return Response(exporter(site().client).text(), mimetype="text/plain; version=0.0.4")


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Describe these routes."""
    return current_app.send_static_file("openapi.json")
