"""What a program hears of its run: lines at level INFO, sometimes a warning, and its rounds."""

from __future__ import annotations

import logging
import time
import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fedredis.api.driver import Driver, Say
    from fedredis.api.outcome import Outcome
    from fedredis.api.request import Request
    from fedredis.keys import RoundName
    from fedredis.rounds.engine import Report

#: Seconds for which slaves that were just started may be waited for without a warning.
SOON = 10.0

logger = logging.getLogger(__name__)


def aloud(request: Request, clock: Callable[[], float] = time.monotonic) -> Say:
    """Make what is told whom a run waits for.

    Who names no Redis URL has workers started with a run, and may not know that here none are: a
    warning says so, once, if nobody has come for a while.
    """
    since, warned = clock(), bool(request.redis_url)

    def say(line: str) -> None:
        nonlocal warned
        logger.info(line)
        if warned or clock() - since < SOON:
            return
        warned = True
        why = "`workers` is 0" if request.workers == 0 else "they bring their own files"
        warnings.warn(
            f"{line}, for {request.wait_timeout:g} s at most; none is started here, since {why}: "
            "`fedredis.serving` or `fedredis slave` starts some, with `home` "
            f"{str(request.home)!r}",
            stacklevel=2,
        )

    return say


def driven(driver: Driver, report: Report | None, say: Say, *, shown: bool) -> Outcome:
    """Drive a run to its end for a caller who looks at nothing but its rounds."""
    from fedredis.api.notebook import progress as progress_of

    driver.wait(say)
    with ExitStack() as stack:
        asked = [report, stack.enter_context(progress_of(driver.state)) if shown else None]
        told = [one for one in asked if one]

        def tell(name: RoundName, entry: Mapping[str, Any]) -> None:
            for one in told:
                one(name, entry)

        return driver.drive(tell, logger.info)
