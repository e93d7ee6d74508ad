"""Hands each container what is its own: a slave its rows, and each its login to Redis.

``python dealer.py PARTITIONS PASSWORDS``. The containers of a service are alike, so which of them
asks is told by its address: the engine's own DNS knows the name of its container. Slave 3 is
`PROJECT-slave-4`, and is given slave-3.npy, whatever it asks for. Others are given no rows.
"""

from __future__ import annotations

import io
import re
import socket
import ssl
import sys
import tarfile
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from fedredis.acl import MASTER, VIEWER
from fedredis.data.manifest import NAME, read_manifest
from fedredis.data.partition import slave_file
from fedredis.jobs.naming import queue_name

PORT = 8000
#: Where the certificate lies, if there is one.
CERTIFICATES = Path("/certificates")
#: How Compose calls containers: those of a service by number, those of `run` by chance.
CONTAINER = re.compile(r".+-(?P<service>[a-z]+)-(?P<number>[0-9]+|run-[0-9a-f]+)\.[^.]+")
#: Whose login the services have; all others look and change nothing.
LOGINS = {"master": MASTER, "web": MASTER}


def own(container: str, partitions: Path, passwords: Path) -> dict[str, bytes]:
    """Return the files that belong to a container, by name.

    Raises
    ------
    LookupError
        If nothing does, with the reason.
    """
    found = CONTAINER.fullmatch(container)
    if found is None:
        raise LookupError(f"{container} is no container of this project")
    files: dict[str, Path] = {}
    user = LOGINS.get(found["service"], VIEWER)
    if found["service"] == "slave":
        manifest = read_manifest(partitions)
        number = int(found["number"]) - 1 if found["number"].isdecimal() else -1
        if not 0 <= number < manifest.slaves:
            raise LookupError(f"{container}: the data is cut for {manifest.slaves} slaves")
        user = queue_name(manifest.dataset, [str(number)])
        rows = slave_file(partitions, number)
        files = {NAME: partitions / NAME, rows.name: rows}
    elif found["service"] == "web":
        files = {"page": passwords / "page"}
    files["password"] = passwords / user
    return {"user": user.encode(), **{name: path.read_bytes() for name, path in files.items()}}


class Dealer(BaseHTTPRequestHandler):
    """Answers each request with a tar archive of the asker's files."""

    partitions: Path
    passwords: Path

    def do_GET(self) -> None:
        """Deal."""
        try:
            container = socket.gethostbyaddr(self.client_address[0])[0]
            files = own(container, self.partitions, self.passwords)
        except (LookupError, socket.herror) as error:
            self.send_error(HTTPStatus.FORBIDDEN, str(error))
            return
        self.send_response(HTTPStatus.OK)
        self.end_headers()
        with tarfile.open(fileobj=self.wfile, mode="w|") as archive:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o400
                archive.addfile(entry, io.BytesIO(content))


def main() -> None:
    """Deal until stopped."""
    Dealer.partitions, Dealer.passwords = map(Path, sys.argv[1:])
    server = ThreadingHTTPServer(("", PORT), Dealer)
    if (CERTIFICATES / "server.pem").exists():
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATES / "server.pem", CERTIFICATES / "server.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
