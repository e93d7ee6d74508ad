"""Hosts with networks of their own on this machine: namespaces, joined by a bridge."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from faults_server import PASSWORD, Server

if TYPE_CHECKING:
    from pathlib import Path

#: Where the server is, as the hosts see it; nothing outside of them has this address.
ADDRESS, PORT = "10.77.0.1", 6379


class Hosts:
    """Namespaces by name, the first of which has the address 10.77.0.1, and so on."""

    def __init__(self, *names: str) -> None:
        self._mine = f"fr{os.getpid()}"
        self._names, self._made = names, list[str]()

    def make(self) -> None:
        """Make them; skip where that is not possible."""
        if not shutil.which("ip"):
            pytest.skip("ip, of the system package iproute2, is not on PATH")
        try:
            self._make("switch")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces may be made here: {error.stderr.decode().strip()}")
        self._ip("switch", "link add bridge type bridge")
        self._ip("switch", "link set bridge up")
        for number, name in enumerate(self._names, 1):
            self._make(name)
            other = f"to-{name} netns {self._at('switch')}"
            self._ip(name, f"link add eth type veth peer name {other}")
            self._ip("switch", f"link set to-{name} master bridge")
            self._ip("switch", f"link set to-{name} up")
            self._ip(name, f"addr add 10.77.0.{number}/24 dev eth")
            self._ip(name, "link set eth up")
            self._ip(name, "link set lo up")

    def on(self, name: str) -> list[str]:
        """Return what runs a command there."""
        return ["ip", "netns", "exec", self._at(name)]

    def cut_off(self, name: str) -> None:
        """Pull a host's plug: its connections stay, and nothing passes."""
        self._ip("switch", f"link set to-{name} down")

    def join_again(self, name: str) -> None:
        self._ip("switch", f"link set to-{name} up")

    def remove(self) -> None:
        for place in reversed(self._made):
            subprocess.run(["ip", "netns", "delete", place], check=False)

    def _at(self, name: str) -> str:
        return f"{self._mine}-{name}"

    def _make(self, name: str) -> None:
        command = ["ip", "netns", "add", self._at(name)]
        subprocess.run(command, check=True, capture_output=True)
        self._made.append(self._at(name))

    def _ip(self, name: str, words: str) -> None:
        command = ["ip", "-netns", self._at(name), *words.split()]
        subprocess.run(command, check=True, capture_output=True)


class Remote(Server):
    """A server on the first of the hosts, which the test itself reaches by its socket."""

    def __init__(self, home: Path, hosts: Hosts, name: str) -> None:
        super().__init__(home, PORT)
        self.url = f"redis://:{PASSWORD}@{ADDRESS}:{PORT}/0"
        self.here = f"unix://:{PASSWORD}@{home}/server.sock"
        self.prefix = hosts.on(name)
        with (home / "server.conf").open("a") as settings:
            settings.write(f"bind {ADDRESS}\n")
