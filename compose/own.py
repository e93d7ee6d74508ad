"""Fetches what is this container's own, and runs a command with it: ``python own.py COMMAND…``.

The files come from the dealer, and lie in memory until the container ends. The password reaches
the command by a file, or, where a program can't read one, by the environment.
"""

from __future__ import annotations

import os
import ssl
import sys
import tarfile
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

OWN = Path("/tmp/own")  # noqa: S108 (a file system of this container's own, in memory)
AUTHORITY = Path("/authority/ca.pem")
#: Redis, and who deals, as the other containers know them.
REDIS, DEALER = "redis:6379/0", "partition:8000"


def fetch() -> None:
    """Put what the dealer has for this container into a folder that nobody else can enter."""
    OWN.mkdir(mode=0o700, exist_ok=True)
    context = ssl.create_default_context(cafile=AUTHORITY) if AUTHORITY.exists() else None
    scheme = "https" if context else "http"
    try:
        with (
            urlopen(f"{scheme}://{DEALER}", timeout=30, context=context) as dealt,  # noqa: S310
            tarfile.open(fileobj=dealt, mode="r|") as archive,
        ):
            for entry in archive:
                content = archive.extractfile(entry)
                (OWN / Path(entry.name).name).write_bytes(content.read() if content else b"")
    except (OSError, tarfile.TarError) as error:
        sys.exit(f"nothing for this container from {DEALER}: {error}")


def main() -> None:
    """Fetch, and become the command."""
    fetch()
    user, password = ((OWN / name).read_text().strip() for name in ("user", "password"))
    scheme, options = (
        ("rediss", f"?ssl_ca_certs={AUTHORITY}") if AUTHORITY.exists() else ("redis", "")
    )
    os.environ["REDIS_URL"] = f"{scheme}://{user}@{REDIS}{options}"
    os.environ["REDIS_PASSWORD_FILE"] = str(OWN / "password")
    whole = f"{scheme}://{user}:{quote(password)}@{REDIS}{options}"
    os.environ["RQ_REDIS_URL"] = os.environ["RQ_DASHBOARD_REDIS_URL"] = whole
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606


if __name__ == "__main__":
    main()
