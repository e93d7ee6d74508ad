"""A server with a replica, and three Sentinels that watch them."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from faults_server import PASSWORD, Server, until
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from fedredis.connection import connect
from fedredis.embedded import find_binary

if TYPE_CHECKING:
    from pathlib import Path

SERVICE, ITS_PASSWORD = "main", "of-the-sentinels"
#: Two have to agree. A replica without its master for ten times as long is passed by.
SENTINEL = """
port {port}
bind 127.0.0.1
requirepass {its_password}
sentinel monitor {service} 127.0.0.1 {master} 2
sentinel auth-pass {service} {password}
sentinel down-after-milliseconds {service} 2000
sentinel failover-timeout {service} 6000
daemonize no
logfile sentinel.log
"""


class Trio:
    """Two servers and three Sentinels, in a folder and on ports of their own."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        folder.mkdir()
        self.servers = [Server(folder / f"server-{port}", port) for port in ports[:2]]
        self.ports, self._folder = ports[2:], folder
        self._sentinels: list[subprocess.Popen[bytes]] = []

    @property
    def here(self) -> str:
        return self.url

    @property
    def url(self) -> str:
        places = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        login = f"sentinel_password={ITS_PASSWORD}"
        return f"redis+sentinel://:{PASSWORD}@{places}/{SERVICE}?{login}"

    def start(self) -> None:
        """Start all of them, and wait until they know of each other."""
        first, second = self.servers
        for server in self.servers:
            with (server.home / "server.conf").open("a") as settings:
                settings.write(f"masterauth {PASSWORD}\nrepl-diskless-sync-delay 0\n")
        first.start()
        second.start()
        with connect(second.url) as replica:
            replica.replicaof("127.0.0.1", first.port)
            until(lambda: replica.info()["master_link_status"] == "up")
        for port in self.ports:
            home = self._folder / f"sentinel-{port}"
            home.mkdir()
            said = {"port": port, "master": first.port, "password": PASSWORD}
            settings = SENTINEL.format(**said, service=SERVICE, its_password=ITS_PASSWORD)
            (home / "sentinel.conf").write_text(settings)
            self._sentinels.append(
                subprocess.Popen([find_binary(), "sentinel.conf", "--sentinel"], cwd=home)
            )
        for port in self.ports:
            with self.sentinel(port) as sentinel:
                until(lambda sentinel=sentinel: complete(sentinel))

    def sentinel(self, port: int) -> Redis:
        return Redis("127.0.0.1", port, password=ITS_PASSWORD, protocol=2)

    def of_role(self, role: str) -> Server:
        """Return the server that is the master, or the replica."""
        for server in self.servers:
            with suppress(RedisConnectionError), connect(server.url, patience=0) as client:
                if client.info()["role"] == role:
                    return server
        raise AssertionError(f"no server is the {role}")

    def promote(self) -> None:
        """Let the Sentinels make the replica the master, though the master is well."""
        with (
            self.sentinel(self.ports[0]) as sentinel,
            connect(self.of_role("slave").url) as replica,
        ):
            sentinel.execute_command("SENTINEL", "FAILOVER", SERVICE)
            until(lambda: replica.info()["role"] == "master")

    def cut_off_the_replica(self) -> None:
        """Let the replica stay what it is now, and hear nothing more of its master."""
        with (
            connect(self.of_role("slave").url) as replica,
            connect(self.of_role("master").url) as master,
        ):
            replica.config_set("masterauth", "another")
            master.execute_command("CLIENT", "KILL", "TYPE", "replica")
            until(lambda: replica.info()["master_link_status"] == "down")

    def kill(self) -> None:
        for sentinel in self._sentinels:
            sentinel.kill()
            sentinel.wait()
        for server in self.servers:
            server.kill()


def complete(sentinel: Redis) -> bool:
    """Say whether a Sentinel knows the replica and the other Sentinels."""
    try:
        state = sentinel.sentinel_master(SERVICE)
    except RedisConnectionError:
        return False
    return (state["num-slaves"], state["num-other-sentinels"]) == (1, 2)
