"""A worker process: ``python -m fedredis.jobs.process DIRECTORY``, started by a `WorkerPool`.

Redis' URL comes by the environment (``FEDREDIS_URL``), since a command line can be read by all.
With ``--with-parent`` the process ends when its standard input does, so that a master that is
killed leaves no workers behind.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from redis.exceptions import RedisError

from fedredis.connection import connect, explain
from fedredis.data.manifest import read_manifest
from fedredis.jobs.inputs import Inputs
from fedredis.jobs.worker import FedredisWorker, make_card, quiet_logs

#: Names the URL in the environment of a worker process.
URL_VARIABLE = "FEDREDIS_URL"


def main() -> None:
    """Serve until asked to stop."""
    directory, options = Path(sys.argv[1]), sys.argv[2:]
    quiet_logs()
    if "--with-parent" in options:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    url = os.environ.pop(URL_VARIABLE)
    manifest = read_manifest(directory)
    card = make_card(directory, manifest)
    try:
        worker = FedredisWorker(connect(url), connect(url), card, Inputs(directory, manifest))
        worker.work(logging_level="WARNING")
    except RedisError as error:
        # Whoever started this process starts another one.
        sys.exit(f"worker {card.name} ends: {explain(error, url)}")


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
