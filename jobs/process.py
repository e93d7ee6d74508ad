"""A worker process: ``python -m fedredis.jobs PATH``, started by a `WorkerPool`.

The path is that of a partition folder, or, with ``--own JSON``, of a slave's own file, which is to
be read as an `OwnFile` says.
Redis' URL comes by the environment (``FEDREDIS_URL``), since a command line can be read by all.
``FEDREDIS_MODELS`` there names the models of users' own that the worker may import:
``package.module:Class``, separated by commas. What Redis says has no part in it.
With ``--policy PATH`` it does what that file allows and no more, has the keys beside it, and
records there what leaves; with ``--keys PATH`` it records nothing. With ``--limits JSON`` it also
keeps to the rules in there.
With ``--with-parent`` the process ends when its standard input does, so that a master that is
killed leaves no workers behind.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from fedredis.config import entropy_of
from fedredis.connection import connect, explain
from fedredis.data.manifest import read_manifest
from fedredis.data.own import OwnFile, read_own
from fedredis.errors import DataWarning, FedredisError, UsageError
from fedredis.jobs.gate import Gate
from fedredis.jobs.inputs import Folder, Inputs
from fedredis.jobs.worker import FedredisWorker, make_card, quiet_logs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedredis.jobs.inputs import Holding
    from fedredis.secure.owner import Owner

#: Names the URL in the environment of a worker process.
URL_VARIABLE = "FEDREDIS_URL"
#: Options that name a policy file.
POLICY, KEYS = "--policy", "--keys"
#: Limits that hold with a policy file and without: each a rule's value by its name.
LIMITS = "--limits"
#: Names those models in the environment of any process.
MODELS_VARIABLE = "FEDREDIS_MODELS"


def allowed_models(environment: Mapping[str, str]) -> frozenset[str]:
    """Read which models of users' own an environment allows."""
    names = (name.strip() for name in environment.get(MODELS_VARIABLE, "").split(","))
    return frozenset(name for name in names if name)


def arguments(rows: Path | OwnFile) -> list[str]:
    """Say, in arguments of this program, whose rows a worker is to hold."""
    return [str(rows.path), "--own", rows.to_json()] if isinstance(rows, OwnFile) else [str(rows)]


def holding_of(words: Sequence[str]) -> Holding:
    """Open the rows that `arguments` speaks of.

    Raises
    ------
    UsageError
        If they can't be used; the message may quote a cell.
    """
    path, *options = words
    if "--own" in options:
        file = OwnFile.from_json(options[options.index("--own") + 1])
        return read_own(file, entropy_of(file.name))
    return Folder(Path(path), read_manifest(Path(path)))


def owner_of(words: Sequence[str]) -> Owner | None:
    """Open the policy file that arguments speak of, if they do.

    Raises
    ------
    FedredisError
        If it can't be used.
    """
    for option in (POLICY, KEYS):
        if option in words:
            from fedredis.secure.owner import Owner

            path = Path(words[words.index(option) + 1])
            return Owner.open(path, time.time, records=option == POLICY)
    return None


def gate_of(words: Sequence[str]) -> Gate:
    """Return the way out that arguments speak of: what the owner's file allows, within limits.

    Raises
    ------
    FedredisError
        If the file can't be used.
    """
    owner = owner_of(words)
    if LIMITS not in words:
        return Gate(owner)
    from fedredis.secure.policy import Policy

    limits = json.loads(words[words.index(LIMITS) + 1])
    return Gate(owner, (owner.policy if owner else Policy()).tightened(**limits))


def main() -> None:
    """Serve until asked to stop."""
    words = sys.argv[1:]
    quiet_logs()
    # Said already by who has started this process.
    warnings.simplefilter("ignore", DataWarning)
    if "--with-parent" in words:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    url = os.environ.pop(URL_VARIABLE)
    try:
        holding = holding_of(words)
    except UsageError as error:
        # Said here, and never to Redis.
        sys.exit(f"no worker for {words[0]}: {error}")
    card = make_card(holding)
    try:
        gate = gate_of(words)
    except FedredisError as error:
        sys.exit(f"no worker for {words[0]}: {error}")
    try:
        worker = FedredisWorker(
            connect(url),
            connect(url),
            card,
            Inputs(holding),
            allowed_models(os.environ),
            gate,
        )
        worker.work(logging_level="WARNING")
    except RedisError as error:
        # Whoever started this process starts another one.
        sys.exit(f"worker {card.name} ends: {explain(error, url)}")


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGKILL)
