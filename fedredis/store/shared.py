"""Keys that several slaves may write to: one of them may have put there what is something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.store.replies import text
from fedredis.store.scripts import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redis import Redis


def keep(client: Redis, kinds: Mapping[str, str]) -> None:
    """Remove those of some keys that are of another kind: whoever needs them makes them anew.

    As the function of Lua of that name; `kinds` are Redis' own, by key.
    """
    asked, removing = Batch(client, "shared keys"), Batch(client, "shared keys")
    for key in kinds:
        asked.add("TYPE", key)
    for (key, kind), found in zip(kinds.items(), asked.run(), strict=True):
        if text(found) not in (kind, "none"):
            removing.add("UNLINK", key)
    removing.run()
