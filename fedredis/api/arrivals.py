"""The slaves that come: what data they have, and whether some wait in vain."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from fedredis.data.manifest import Manifest
from fedredis.errors import UsageError
from fedredis.jobs.agreement import agreed
from fedredis.jobs.roster import brings_own, wait_for_dataset, wait_for_owners
from fedredis.store.workers import present

if TYPE_CHECKING:
    from redis import Redis

    from fedredis.api.driver import Say
    from fedredis.api.request import Request


def see_who_waits(client: Redis, request: Request) -> None:
    """See that nobody waits in vain while songs are generated, and here they alone could be meant.

    Raises
    ------
    UsageError
        If slaves do.
    """
    generated = request.data is None and not request.reading.sql
    if request.redis_url or request.workers or not generated:
        return
    # Workers of other runs of this folder hold what was cut in it.
    cut = {folder.name for folder in (request.home / "partitions").glob("*")}
    if others := sorted({card.dataset for card in present(client)} - cut):
        raise UsageError(
            f"slaves of {', '.join(others)} wait here: `dataset={others[0]}` trains with them, "
            "`data` says what else to learn from, and `workers` that songs are to be generated"
        )


def described(
    client: Redis, request: Request, *, report: Say, deadline: float
) -> tuple[Manifest, tuple[str, ...]]:
    """Learn from the slaves that come what data they have, and their names if they have such.

    The slaves of a partition folder are all described by the first one that comes.

    Raises
    ------
    DataError
        If a slave describes its data in a way that can't be read.
    UsageError
        If it is not clear which slaves are wanted, or their data doesn't fit together.
    WaitTimeoutError
        If they have not come by `deadline`, on the monotonic clock.
    """
    how: Any = {"report": report, "deadline": deadline, "clock": time.monotonic}
    card = wait_for_dataset(client, request.dataset, **how)
    if not brings_own(card):
        if request.names:
            raise UsageError(
                f"`names`: the slaves of {card.dataset} hold a partition folder, and are numbered"
            )
        return Manifest.from_json(card.manifest), ()
    who = request.names or request.slaves
    if who is None:
        raise UsageError(
            f"the slaves of {card.dataset} bring their own files: say how many there are with "
            "`slaves`, or who with `names`"
        )
    found = wait_for_owners(client, card.dataset, who, **how)
    return agreed(found), tuple(sorted(found))
