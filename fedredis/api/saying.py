"""What a program hears of a run that has to wait: lines at level INFO, and sometimes a warning."""

from __future__ import annotations

import logging
import time
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fedredis.api.driver import Say
    from fedredis.api.request import Request

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
