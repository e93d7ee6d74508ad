import pytest

from fedredis.store.scripts import Batch, ask, sha1, source


def test_a_script_begins_with_what_all_have():
    assert source("presence").startswith(source("presence")[:20])
    assert "local function spread(" in source("presence")
    assert len(sha1("claim")) == 40


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_list_that_is_sent_again_in_part_is_as_long(client, monkeypatch, lost):
    """Every trip is delivered twice, as if its answer had been lost."""
    monkeypatch.setattr("fedredis.store.scripts.TRIP_BYTES", 25)
    once = Batch._once

    def twice(batch, *, errors):
        once(batch, errors=errors)
        return once(batch, errors=errors)

    monkeypatch.setattr(Batch, "_once", twice)
    parts = [b"head", *(bytes([65 + i]) * 10 for i in range(4 + lost))]
    batch = Batch(client, "it")
    assert batch.stage("l", iter(parts)) == len(parts)
    assert batch.stage("m", [b"", b"x"]) == 2
    batch.run()
    assert client.lrange("l", 0, -1) == parts
    assert client.lrange("m", 0, -1) == [b"", b"x"]
    assert client.ttl("l") > 0
    assert ask(client, "it", "LLEN", "l") == len(parts)
