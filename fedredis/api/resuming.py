"""What goes on with a run that stopped, as a call."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from fedredis.redis_url import masked

if TYPE_CHECKING:
    from fedredis.api.session import PathLike

#: Makes of a run's id, and the models that it needs to be allowed, what goes on with it.
HowToResume = Callable[[str, Collection[str]], str]


def call_to_resume(redis_url: str | None, home: PathLike, workers: int | None) -> HowToResume:
    """Make the call that goes on with a run; `workers` is what was asked for."""
    where = f", redis_url={masked(redis_url)!r}" if redis_url else f", home={str(home)!r}"
    where += f", workers={workers}" if redis_url and workers else ""

    def call(run: str, models: Collection[str]) -> str:
        allowed = f", allow_models={sorted(models)!r}" if models else ""
        return f"fedredis.resume({run!r}{where}{allowed})"

    return call
