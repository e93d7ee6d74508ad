"""What the longer scripts are sent: their keys and arguments, as their headers say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fedredis.arrays import Schema, blob
from fedredis.store.replies import texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedredis.keys import RoundName, RunKeys
    from fedredis.store.scripts import Batch
    from fedredis.store.turns import Committal, Opening


def commit(
    batch: Batch,
    keys: RunKeys,
    token: str,
    commit: Committal,
    versions: Mapping[str, str],
    bundles: Sequence[str],
) -> int:
    """Write a round's artifacts aside, in these versions, and commit it with its `bundles`."""
    round_ = keys.round(commit.name)
    entries = [[str(name), json.dumps(dict(entry))] for name, entry in commit.entries.items()]
    places: list[str] = []
    written: list[Any] = []
    for name, named in commit.artifacts.items():
        schema, staged = Schema.of(named), keys.staged(token, name)
        count = batch.stage(staged, blob.pack(schema, list(named.values()), schema.about))
        places += (keys.artifact(name), staged, keys.parts(name))
        written += (schema.to_json(), versions[name], count)
    return batch.script(
        "commit",
        [
            *(keys.run, keys.history, keys.events, keys.slaves, keys.warnings),
            *(round_.round, round_.inside, keys.counts, keys.last, *places),
            *map(round_.bundle, bundles),
            *(round_.round, round_.task, round_.ids, round_.claims, round_.inside),
            *(round_.bundles, round_.attempts),
            *(key for old in commit.drop for key in (keys.artifact(old), keys.parts(old))),
        ],
        [
            *(token, str(commit.name), commit.counted, json.dumps(entries)),
            *(json.dumps(dict(commit.progress)), commit.slaves, json.dumps(commit.warnings)),
            *(len(commit.artifacts), len(bundles), *written),
        ],
    )


def open_round(
    batch: Batch,
    keys: RunKeys,
    token: str,
    opening: Opening,
    reads: Mapping[str, tuple[str, str]],
    after: str,
    news: str,
) -> int:
    """Open a round that reads artifacts of these names and versions, once another is committed.

    Workers that wait are told of the rounds in `news`, if there are any.
    """
    round_ = keys.round(opening.name)
    return batch.script(
        "open_round",
        [
            *(keys.run, keys.history, round_.round, round_.task, round_.ids, round_.claims),
            *(round_.inside, round_.attempts, keys.everyone, keys.attached(opening.job)),
            *(keys.open, keys.work, keys.events, round_.bundles),
        ],
        [
            *(token, str(opening.name), after, opening.expected, opening.quorum),
            *(opening.attempts, opening.timeout_ms),
            *(json.dumps({**opening.task, "reads": json.dumps(reads)}), news, opening.workers),
            *(opening.slaves or ()),
        ],
    )


def fail(
    batch: Batch,
    keys: RunKeys,
    name: RoundName,
    epoch: int,
    worker: str | bytes,
    why: str,
    slaves: Sequence[bytes],
    *,
    counts_as: str = "failed",
) -> int:
    """Count a failed attempt of slaves that a worker holds, whoever says so."""
    round_ = keys.round(name)
    return batch.script(
        "fail",
        [
            *(round_.round, round_.ids, round_.claims, round_.inside, round_.attempts),
            *(keys.open, keys.work, keys.events, keys.counts),
            *map(keys.slave, texts(slaves)),
        ],
        [str(name), epoch, worker, why, counts_as, *slaves],
    )
