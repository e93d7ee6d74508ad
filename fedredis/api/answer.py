"""What a run came to that asked something, and trained nothing."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.errors import FedredisError
from fedredis.exchanges import Setup
from fedredis.store import runs
from fedredis.store.replies import damaged

if TYPE_CHECKING:
    import pandas as pd
    from redis import Redis


@dataclass(frozen=True)
class Answer:
    """The result of an analysis, as plain values; ``docs/inference.md`` tells what it holds."""

    run: str
    #: Its kind, such as ``glm``.
    analysis: str
    slaves: int
    result: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        """Return an entry of the result, such as ``coefficients``."""
        return self.result[name]

    def plain(self) -> dict[str, Any]:
        """Return all of it in one, as the command line prints it as JSON."""
        return {
            "run": self.run,
            "analysis": self.analysis,
            "slaves": self.slaves,
            **self.result,
        }

    @property
    def frame(self) -> pd.DataFrame:
        """The table that the result is, as a pandas DataFrame."""
        from fedredis.api.inference.frames import frame_of

        return frame_of(self.analysis, self.result)

    def _repr_html_(self) -> str:
        """Write what was asked, and the table, which notebooks show."""
        told = f"{self.analysis} of {self.slaves} slaves, run {self.run}"
        return f"<div><b>{escape(told)}</b>{self.frame.to_html(escape=True)}</div>"


def read_answer(client: Redis, run: str) -> Answer:
    """Read what a run came to.

    Raises
    ------
    FedredisError
        If it asks nothing, is not at its end, or is damaged.
    """
    state = runs.read(client, run)
    if not state.config.analysis:
        raise FedredisError(f"run {run} trains a model, and asks nothing")
    known = runs.artifact(client, run, state.preprocessing) if state.converged else None
    if known is None:
        raise FedredisError(
            f"run {run} has no answer yet: `fedredis resume {run}` goes on with it"
        )
    kind = str(state.config.analysis["kind"])
    try:
        with np.errstate(divide="raise", over="raise", invalid="raise"):
            result = Setup(state.config).analysis.result(known)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise damaged(f"run {run}", f"its {state.preprocessing}: {error}") from error
    return Answer(run, kind, state.config.slaves, result)
