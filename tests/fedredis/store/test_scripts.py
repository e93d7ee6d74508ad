from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.store.scripts import load, source

if TYPE_CHECKING:
    from redis import Redis


def test_a_flushed_script_is_loaded_again(client: Redis) -> None:
    presence = load(client, "presence")
    assert presence(keys=["there"], args=["a", 60_000]) == [b"a"]
    client.script_flush()
    assert client.script_exists(presence.sha) == [False]
    assert presence(keys=["there"], args=["b", 60_000]) == [b"a", b"b"]
    assert client.script_exists(presence.sha) == [True]


def test_loading_sends_nothing(client: Redis) -> None:
    client.script_flush()
    assert client.script_exists(load(client, "claim").sha) == [False]
    assert source("claim").startswith("-- Takes slaves off the ID list")
