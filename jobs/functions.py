"""The RQ jobs. Their arguments are names; weights and rows never pass through RQ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedredis.jobs.attachment import serve
from fedredis.keys import Kind

if TYPE_CHECKING:
    from fedredis.jobs.context import WorkerContext


def statistics(context: WorkerContext, run: str, round: str) -> dict[str, Any]:  # noqa: A002
    """Serve the rounds in which slaves add up what the features need to know."""
    return serve(context, run, Kind.STATISTICS)


def train(context: WorkerContext, run: str, round: str) -> dict[str, Any]:  # noqa: A002
    """Serve the rounds of training, and the tests of earlier rounds' models beside them."""
    return serve(context, run, Kind.TRAIN)


def evaluate(context: WorkerContext, run: str, round: str) -> dict[str, Any]:  # noqa: A002
    """Serve the test of the last model."""
    return serve(context, run, Kind.EVALUATE)
