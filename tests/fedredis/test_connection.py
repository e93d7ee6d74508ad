from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from redis import exceptions

from fedredis import rounds
from fedredis.connection import AWAY, SOCKET_TIMEOUT, check, connect, explain, masked
from fedredis.errors import RedisUnavailableError, UsageError
from fedredis.jobs import attachment, roster

if TYPE_CHECKING:
    from redis import Redis

    from fedredis.embedded import EmbeddedServer


#: Seconds for which a client blocks at most.
LONGEST_WAITS = (rounds.TICK, attachment.LINGER, roster.TICK)


@pytest.fixture
def closed_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://:hunter2@host:6379/0", "redis://:***@host:6379/0"),
        ("rediss://ann:hunter2@host/0", "rediss://ann:***@host/0"),
        ("redis://ann:ann@host", "redis://ann:***@host"),
        ("redis://:hun%40ter@host", "redis://:***@host"),
        ("redis://:hun@ter@host", "redis://:***@host"),
        ("unix://:hunter2@/tmp/server.sock?db=0", "unix://:***@/tmp/server.sock?db=0"),
        ("unix:///tmp/server.sock", "unix:///tmp/server.sock"),
        ("redis://ann@host", "redis://ann@host"),
        ("redis://host?password=hunter2&db=1", "redis://host?password=***&db=1"),
        ("unix:///s.sock?db=0&password=hunter2", "unix:///s.sock?db=0&password=***"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        *("", "host:6379", "localhost", "http://:hunter2@host", "file:///etc/passwd"),
        *("redis://:hunter2@host:port", "redis://:hunter2@host:99999999"),
        "redis://:hunter2@[::1:6379",
        "redis://host?socket_timeout=hunter2",
    ],
)
def test_a_malformed_url(url: str) -> None:
    with pytest.raises(UsageError, match=r"^Redis URL .* can't be used: ") as refusal:
        connect(url)
    if "@" in url:
        assert "hunter2" not in str(refusal.value)


def test_connecting_sends_nothing(closed_port: int) -> None:
    with connect(f"redis://127.0.0.1:{closed_port}") as client:
        kwargs = client.connection_pool.connection_kwargs
    assert kwargs["socket_timeout"] == SOCKET_TIMEOUT > max(LONGEST_WAITS)
    assert kwargs["protocol"] == 2


def test_patience_is_a_number_of_attempts() -> None:
    for patience, retries in ((20.0, 20), (1.0, 1), (0.1, 1)):
        with connect("redis://host", patience=patience) as client:
            assert client.get_retry().get_retries() == retries


def test_check_of_a_closed_port_says_where(closed_port: int) -> None:
    url = f"redis://:hunter2@127.0.0.1:{closed_port}/0"
    with pytest.raises(RedisUnavailableError) as refusal:
        check(url)
    message = str(refusal.value)
    assert message.startswith(f"Redis unreachable at redis://:***@127.0.0.1:{closed_port}/0: ")
    assert "refused" in message
    assert "hunter2" not in message


def test_check_of_a_server(server: EmbeddedServer) -> None:
    check(server.url)
    check(server.tcp_url)


def test_check_with_a_wrong_password(server: EmbeddedServer) -> None:
    with pytest.raises(RedisUnavailableError, match=r"^Redis unreachable at redis://:\*\*\*@"):
        check(f"redis://:hunter2@127.0.0.1:{server.port}/0")


def test_what_a_server_that_is_away_answers_is_tried_again() -> None:
    with connect("redis://host") as client:
        kwargs = client.connection_pool.connection_kwargs
    assert set(kwargs["retry_on_error"]) == set(AWAY)
    for error in (
        exceptions.ConnectionError,
        exceptions.TimeoutError,
        exceptions.BusyLoadingError,
        exceptions.ReadOnlyError,
    ):
        assert issubclass(error, AWAY)
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
        (exceptions.NoPermissionError("no keys"), "Redis at {url} failed: no keys"),
        (exceptions.ResponseError("ERR what?"), "Redis at {url} failed: ERR what?"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_of_redis_is_explained(error: exceptions.RedisError, line: str) -> None:
    explained = explain(error, "redis://:hunter2@host:1/0")
    assert isinstance(explained, RedisUnavailableError)
    assert str(explained) == line.format(url="redis://:***@host:1/0")


def test_a_server_without_memory_says_so(client: Redis) -> None:
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(exceptions.OutOfMemoryError) as refusal:
            client.set("key", "value")
    finally:
        client.config_set("maxmemory", 0)
    assert "is out of memory" in str(explain(refusal.value, "redis://host"))
    assert not client.exists("key")


def test_a_replica_is_away_until_it_is_none() -> None:
    """A server that turns into a replica for a while is asked again, as one that is gone."""
    with connect("redis://host", patience=1.0) as client:
        answers = [exceptions.ReadOnlyError("READONLY"), b"PONG"]

        def ask() -> bytes:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        retry = client.get_retry()
        retry.update_supported_errors(AWAY)
        assert retry.call_with_retry(ask, lambda error: None) == b"PONG"
