from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from fedredis.connection import LONGEST_BLOCK, SOCKET_TIMEOUT, check, connect, masked
from fedredis.errors import RedisUnavailableError, UsageError

if TYPE_CHECKING:
    from fedredis.embedded import EmbeddedServer


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
    assert kwargs["socket_timeout"] == SOCKET_TIMEOUT > LONGEST_BLOCK
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
