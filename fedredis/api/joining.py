"""The slaves that come to a run: who they are, and what data they have."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedredis.acl import check_slave
from fedredis.data.manifest import Manifest
from fedredis.data.own import SHARED
from fedredis.errors import UsageError
from fedredis.jobs.agreement import agreed
from fedredis.jobs.roster import brings_own, wait_for_dataset, wait_for_owners

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis import Redis


@dataclass(frozen=True)
class Wanted:
    """Whom a run waits for, as far as its caller says."""

    #: How many slaves.
    slaves: int | None = None
    #: Their names, where they bring their own file.
    names: Sequence[str] | None = None
    #: What they call their data.
    dataset: str | None = None

    @property
    def elsewhere(self) -> bool:
        """Whether they are slaves that are started by others, in any case."""
        return bool(self.names or self.dataset)

    def count(self) -> int | None:
        """Tell how many slaves there are to be, if that is said.

        Raises
        ------
        UsageError
            If it is said twice, and differently, a slave is named twice, or a name can't be one.
        """
        if not self.names:
            return self.slaves
        for name in self.names:
            check_slave(self.dataset or SHARED, name)
        if len(set(self.names)) < len(self.names) or self.slaves not in (None, len(self.names)):
            raise UsageError(
                f"`names` names {len(set(self.names))} slaves, each once, and `slaves` counts them"
            )
        return len(self.names)


def described(
    client: Redis, wanted: Wanted, *, report: Callable[[str], None], deadline: float
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
    clock = time.monotonic
    card = wait_for_dataset(client, wanted.dataset, report=report, deadline=deadline, clock=clock)
    if not brings_own(card):
        if wanted.names:
            raise UsageError(
                f"`names`: the slaves of {card.dataset} hold a partition folder, and are numbered"
            )
        return Manifest.from_json(card.manifest), ()
    who = wanted.names or wanted.slaves
    if who is None:
        raise UsageError(
            f"the slaves of {card.dataset} bring their own files: say how many there are with "
            "`slaves`, or who with `names`"
        )
    found = wait_for_owners(
        client, card.dataset, who, report=report, deadline=deadline, clock=clock
    )
    return agreed(found), tuple(sorted(found))
