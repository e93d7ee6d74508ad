"""A TCP proxy between a process and the server, which loses what a test wants lost."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

#: Seconds that a test waits for something to pass.
PATIENCE = 30.0
#: Bytes to take at once: more than any request that a test marks.
CHUNK = 1 << 20


class Proxy:
    """Forwards connections to a port, in one of several ways.

    - `refuse`: nobody gets through, and those connected are cut off;
    - `blackhole`: connections stay up, and nothing passes any more;
    - `forget`: the same for those that are there, which nobody tells; new ones get through;
    - `drop_next_reply`: the next request that holds some markers gets through, its reply is
      lost with the connection;
    - `hold_next_reply`: the same, but the reply is kept until `let_go`;
    - `cut_after`: so many bytes of requests get through, then the connection is cut;
    - `slow_down`: whatever passes takes so many seconds each way.
    """

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        self._refusing = self._swallowing = self._holding = False
        self._forgotten: set[tuple[socket.socket, socket.socket]] = set()
        self._markers: tuple[bytes, ...] = ()
        self._left: int | None = None
        self._delay = 0.0
        #: Set when the marked request has got its reply, or the bytes left are used up.
        self.hit = threading.Event()
        self._let_go = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def url(self, server_url: str) -> str:
        """Return a server's URL by way of this proxy."""
        return server_url.replace(f":{self._upstream}/", f":{self.port}/")

    def refuse(self) -> None:
        with self._lock:
            self._refusing = True
        self._cut_all()

    def blackhole(self) -> None:
        with self._lock:
            self._swallowing = True

    def forget(self) -> None:
        with self._lock:
            self._forgotten |= set(self._pairs)

    def drop_next_reply(self, *markers: bytes) -> None:
        with self._lock:
            self._markers = markers

    def hold_next_reply(self, *markers: bytes) -> None:
        with self._lock:
            self._markers, self._holding = markers, True

    def cut_after(self, count: int) -> None:
        with self._lock:
            self._left = count

    def slow_down(self, seconds: float) -> None:
        with self._lock:
            self._delay = seconds

    def forward(self) -> None:
        """Let everything through again; what was swallowed is lost, and its connection too."""
        with self._lock:
            lost, self._refusing, self._swallowing = self._swallowing, False, False
        if lost:
            self._cut_all()

    def wait(self) -> None:
        """Wait until what was asked for has happened."""
        assert self.hit.wait(PATIENCE), "nothing that was marked has passed"

    def close(self) -> None:
        self._let_go.set()
        # A listener that is shut down wakes the thread that accepts from it.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut_all()
        for thread in self._threads:
            thread.join()

    def _start(self, target, *args) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                upstream = socket.create_connection(("127.0.0.1", self._upstream))
            except OSError:
                client.close()
                continue
            with self._lock:
                refused = self._refusing
                if not refused:
                    self._pairs.append((client, upstream))
            if refused:
                client.close()
                upstream.close()
                continue
            marked = threading.Event()
            self._start(self._requests, client, upstream, marked)
            self._start(self._replies, client, upstream, marked)

    def _requests(self, client: socket.socket, upstream: socket.socket, marked) -> None:
        with suppress(OSError):
            while chunk := client.recv(CHUNK):
                time.sleep(self._delay)
                with self._lock:
                    if self._swallowing or (client, upstream) in self._forgotten:
                        continue
                    if self._markers and all(marker in chunk for marker in self._markers):
                        self._markers = ()
                        marked.set()
                    if self._left is not None:
                        chunk, last = chunk[: self._left], len(chunk) >= self._left
                        self._left = None if last else self._left - len(chunk)
                        if last:
                            upstream.sendall(chunk)
                            self.hit.set()
                            break
                upstream.sendall(chunk)
        cut(client, upstream)

    def _replies(self, client: socket.socket, upstream: socket.socket, marked) -> None:
        with suppress(OSError):
            while chunk := upstream.recv(CHUNK):
                time.sleep(self._delay)
                if marked.is_set():
                    marked.clear()
                    self.hit.set()
                    if not self._holding:
                        break
                    self._let_go.wait()
                if not (self._swallowing or (client, upstream) in self._forgotten):
                    client.sendall(chunk)
        cut(client, upstream)
        client.close()
        upstream.close()

    def _cut_all(self) -> None:
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for client, upstream in pairs:
            cut(client, upstream)


def cut(*ends: socket.socket) -> None:
    """Cut a connection, so that whoever reads from it notices; closing alone would not do."""
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
