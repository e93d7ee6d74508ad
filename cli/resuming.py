"""The commands that go on with runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fedredis.printable import shell_word
from fedredis.redis_url import fedredis_command

if TYPE_CHECKING:
    from collections.abc import Collection

    from fedredis.api.resuming import HowToResume
    from fedredis.store.runs import RunState


def how_to_resume(redis_url: str | None, home: Path, workers: int | None = None) -> HowToResume:
    """Make the command that goes on with a run, on the same Redis.

    `workers` is what was asked for: on a Redis of others none are started unasked.
    """
    options = "" if home == Path(".fedredis") else f" --home {shell_word(str(home))}"

    def command(run: str, models: Collection[str]) -> str:
        allowed = "".join(f" --allow-model {shell_word(model)}" for model in sorted(models))
        if redis_url:
            allowed += f" --workers {workers}" if workers else ""
            return fedredis_command(f"fedredis resume {run}{allowed}", redis_url, os.environ)
        return f"fedredis resume {run}{options}{allowed}"

    return command


def resume_of(state: RunState, redis_url: str | None, home: Path) -> str:
    """Say what goes on with a run that was looked up, its own model allowed."""
    model = state.config.model
    return how_to_resume(redis_url, home)(state.run, [model] if ":" in model else [])
