from __future__ import annotations

import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import exceptions
from redis.backoff import NoBackoff

from fedredis.connection import (
    AWAY,
    PATIENCE,
    SOCKET_TIMEOUT,
    BusyScriptError,
    Patience,
    await_redis,
    check,
    connect,
    explain,
)
from fedredis.embedded import EmbeddedServer, find_binary
from fedredis.errors import RedisUnavailableError
from fedredis.jobs import attachment, roster
from fedredis.rounds import engine

#: Seconds for which a client blocks at most.
LONGEST_WAITS = (engine.TICK, attachment.LINGER, roster.TICK)


@pytest.fixture
def closed_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_connecting_sends_nothing(closed_port):
    with connect(f"redis://127.0.0.1:{closed_port}") as client:
        kwargs = client.connection_pool.connection_kwargs
    assert kwargs["socket_timeout"] == SOCKET_TIMEOUT > max(LONGEST_WAITS)
    assert kwargs["protocol"] == 2


class Clock:
    """A clock that each look moves ahead by as many seconds as one try takes."""

    def __init__(self, a_try: float) -> None:
        self.now, self.a_try = 0.0, a_try

    def __call__(self) -> float:
        self.now += self.a_try
        return self.now


@pytest.mark.parametrize(("a_try", "tries"), [(10.0, 2), (5.0, 4), (25.0, 1)])
def test_all_tries_share_one_patience_nested_ones_too(a_try, tries):
    patience, asked, failed = Patience(20.0, Clock(a_try)), [], []
    patience._backoff = NoBackoff()

    def fail():
        asked.append(1)
        raise exceptions.TimeoutError("no answer")

    with pytest.raises(exceptions.TimeoutError):
        patience.call_with_retry(lambda: patience.call_with_retry(fail, print), failed.append)
    assert len(asked) == len(failed) == tries


@pytest.mark.parametrize("command", [("GET", "k"), ("XREAD", "BLOCK", 2500, "STREAMS", "s", "$")])
def test_a_server_that_never_answers_is_given_up(command, monkeypatch):
    """After all of the patience, where it was 40 times the timeout: by real sockets."""
    monkeypatch.setattr("fedredis.connection.SOCKET_TIMEOUT", 0.2)
    tries = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"

        def clock():
            tries.append(time.monotonic())
            return tries[-1]

        with (
            connect(url, patience=0.5, clock=clock) as client,
            pytest.raises(exceptions.TimeoutError),
        ):
            client.execute_command(*command)
    # To begin with, and after each of three tries at most.
    assert 3 <= len(tries) <= 4
    assert 2 * SOCKET_TIMEOUT <= PATIENCE


def test_somebodys_long_script_is_waited_out(client, server):
    client.config_set("busy-reply-threshold", 1)
    script = "redis.call('set', 'b', 1) while redis.call('time')[1] < ARGV[1] do end return 1"
    ends = int(client.time()[0]) + 2  # type: ignore[index, arg-type]
    with connect(server.tcp_url) as other, ThreadPoolExecutor() as threads:
        running = threads.submit(client.eval, script, 0, str(ends))
        while not refused_as_busy(server):
            assert not running.done()
        assert other.get("b") == b"1"
        with other.pipeline(transaction=False) as pipeline:
            assert pipeline.get("b").get("b").execute() == [b"1", b"1"]
        assert running.result() == 1
        # The same where errors are handed on, each in the place of an answer.
        running = threads.submit(client.eval, script, 0, str(int(client.time()[0]) + 2))  # type: ignore[index, arg-type]
        while not refused_as_busy(server):
            assert not running.done()
        with other.pipeline(transaction=False) as pipeline:
            answers = pipeline.get("b").lpop("b").execute(raise_on_error=False)
        assert answers[0] == b"1"
        assert "WRONGTYPE" in str(answers[1])
    client.config_set("busy-reply-threshold", 5000)


def refused_as_busy(server: EmbeddedServer) -> bool:
    with connect(server.tcp_url, patience=0) as impatient:
        try:
            impatient.get("b")
        except BusyScriptError:
            return True
    return False


def test_what_does_not_mend_itself_is_not_tried_again():
    for error in (
        exceptions.AuthenticationError("no"),
        exceptions.ConnectionError("[SSL: CERTIFICATE_VERIFY_FAILED] …"),
    ):
        failed = []

        def fail(error=error):
            raise error

        with pytest.raises(type(error)):
            Patience(20.0, lambda: 0.0).call_with_retry(fail, failed.append)
        assert failed == [error]


def test_a_redis_that_is_away_is_waited_for_and_said_so_once(tmp_path, monkeypatch):
    monkeypatch.setattr("fedredis.connection.PATIENCE", 0.3)
    with EmbeddedServer.open(tmp_path) as first:
        url = first.tcp_url
    said = []
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(await_redis, url, said.append)
        with pytest.raises(TimeoutError):
            waiting.result(1.5)
        with EmbeddedServer.open(tmp_path) as again:
            assert again.tcp_url == url
            waiting.result(60)
        (line,) = said
        assert line.startswith(f"Redis unreachable at redis://:***@127.0.0.1:{first.port}/0: ")
        assert line.endswith("; trying until it answers")
        with EmbeddedServer.open(tmp_path), pytest.raises(RedisUnavailableError, match="login"):
            await_redis(f"redis://:wrong@127.0.0.1:{first.port}", said.append)
    assert len(said) == 1


def test_a_node_of_a_cluster_is_refused(tmp_path):
    with subprocess.Popen(
        [find_binary(), "-"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as node:
        assert node.stdin
        node.stdin.write(b"port 0\nunixsocket node.sock\ncluster-enabled yes\nsave ''\n")
        node.stdin.close()
        try:
            with pytest.raises(RedisUnavailableError, match="runs as cluster: give the URL of"):
                await_redis(f"unix://{tmp_path}/node.sock", lambda line: None)
        finally:
            node.terminate()


def test_check_of_a_closed_port_says_where(closed_port):
    url = f"redis://:hunter2@127.0.0.1:{closed_port}/0"
    with pytest.raises(RedisUnavailableError) as refusal:
        check(url)
    message = str(refusal.value)
    assert message.startswith(f"Redis unreachable at redis://:***@127.0.0.1:{closed_port}/0: ")
    assert "refused" in message
    assert "hunter2" not in message


def test_check_of_a_server(server):
    check(server.url)
    check(server.tcp_url)


def test_check_with_a_wrong_password(server):
    with pytest.raises(
        RedisUnavailableError, match=r"^Redis at redis://:\*\*\*@.* refuses the login: "
    ):
        check(f"redis://:hunter2@127.0.0.1:{server.port}/0")
    with pytest.raises(
        RedisUnavailableError, match="refuses the login: it asks for a password; a"
    ):
        check(f"redis://127.0.0.1:{server.port}/0")


def test_what_a_server_that_is_away_answers_is_tried_again():
    for error in (
        *(exceptions.ConnectionError, exceptions.TimeoutError),
        *(exceptions.BusyLoadingError, exceptions.ReadOnlyError),
    ):
        answers = [error("away"), b"PONG"]

        def ask(answers=answers):
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        assert Patience(1.0, lambda: 0.0).call_with_retry(ask, lambda _: None) == b"PONG"
    # What a server says that is there, or that nothing will change by itself.
    for error in (exceptions.ResponseError, exceptions.OutOfMemoryError):
        assert not issubclass(error, AWAY)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (exceptions.ConnectionError("gone"), "Redis unreachable at {url}: gone"),
        (exceptions.TimeoutError("no answer"), "Redis unreachable at {url}: no answer"),
        (exceptions.BusyLoadingError("loading"), "Redis unreachable at {url}: loading"),
        (exceptions.ReadOnlyError("a replica"), "Redis unreachable at {url}: a replica"),
        (
            exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
            "Redis at {url} is out of memory: raise its maxmemory",
        ),
        (
            exceptions.ResponseError("MISCONF Errors writing to the AOF file"),
            "Redis at {url} cannot persist what it is told: look at its disk and log",
        ),
        (
            exceptions.NoPermissionError("no keys"),
            "Redis at {url} does not allow this login to do so: no keys; `fedredis acl` prints "
            "the rules",
        ),
        (exceptions.ResponseError("ERR what?"), "Redis at {url} failed: ERR what?"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_of_redis_is_explained(error, line):
    explained = explain(error, "redis://:hunter2@host:1/0")
    assert isinstance(explained, RedisUnavailableError)
    assert str(explained) == line.format(url="redis://:***@host:1/0")


def test_a_server_without_memory_says_so(client):
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(exceptions.OutOfMemoryError) as refusal:
            client.set("key", "value")
    finally:
        client.config_set("maxmemory", 0)
    assert "is out of memory" in str(explain(refusal.value, "redis://host"))
    assert not client.exists("key")


def test_connections_are_kept_alive(server):
    with connect(server.tcp_url) as client:
        client.ping()
        (connection,) = client.connection_pool._available_connections
        asked = connection._sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle = connection._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
    assert (bool(asked), idle) == (True, 30)
