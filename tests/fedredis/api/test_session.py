import re

import pytest

from fedredis.api.session import session
from fedredis.errors import RedisUnavailableError, UsageError


def test_a_redis_that_is_given(server):
    with session(server.tcp_url, "home") as opened:
        assert opened.client.echo("hello") == b"hello"
    password = server.tcp_url.split(":")[2].partition("@")[0]
    for shown in (opened.shown_url, opened.hint):
        assert password not in shown
        assert {"127.0.0.1", str(server.port)} <= set(re.split("[ :/@]", shown))


def test_the_embedded_server(folder):
    with session(None, "home") as opened, session("", folder / "home") as again:
        assert opened.server
        assert again.server
        assert opened.server.pid == again.server.pid
        assert "home/password" in opened.hint
        assert opened.shown_url == f"redis://:***@127.0.0.1:{opened.server.port}/0"


@pytest.mark.parametrize(
    ("url", "error"),
    [("redis://127.0.0.1:1", RedisUnavailableError), ("ftp://somewhere", UsageError)],
)
def test_one_that_can_not_be_used(url, error, folder):
    with pytest.raises(error), session(url, "home"):
        pass
    assert not any(folder.iterdir())


def test_what_redis_refuses_meanwhile_is_a_line(server, client):
    told = re.escape(f"Redis at redis://:***@127.0.0.1:{server.port}/0 is out of memory")
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(RedisUnavailableError, match=told), session(server.tcp_url, "h") as one:
            one.client.set("key", "value")
    finally:
        client.config_set("maxmemory", 0)
