"""What the classifier of a run is worth, class by class, from its test and its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedredis.exchanges.scores import COUNTS
from fedredis.exchanges.setup import LEAST_CELL
from fedredis.keys import RoundName
from fedredis.metrics.scores import Scores, report
from fedredis.store import runs
from fedredis.store.replies import damaged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redis import Redis

    from fedredis.store.runs import RunState


def read_report(
    client: Redis, state: RunState, history: Mapping[RoundName, Mapping[str, Any]]
) -> dict[str, Any] | None:
    """Read it; None of a run whose scores are not counted, or that predicts numbers.

    Where slaves have names, what tells of a few rows is left out.
    """
    confusion = history.get(RoundName("evaluate", state.chosen), {}).get("confusion")
    scores = runs.artifact(client, state.run, f"scores:{state.chosen}") if confusion else None
    if confusion is None or scores is None:
        return None
    config = state.config
    shapes = [quantity.shape for quantity in Scores(len(config.classes)).quantities()]
    if [array.shape for array in scores.values()] != shapes:
        raise damaged(f"run {state.run}", "its scores are none of its classes")
    told, least = Scores(len(config.classes)).told, LEAST_CELL if config.names else 0
    found = report(confusion, scores[COUNTS], told, least)
    named = [{"class": c, **one} for c, one in zip(config.classes, found["classes"], strict=True)]
    counted, tested = int(scores[COUNTS][0].sum()), sum(map(sum, confusion))
    return {**found, "rows": counted, "withheld_rows": tested - counted, "classes": named}
