import json

import pytest
from redis.exceptions import NoPermissionError, ResponseError

from fedredis.errors import BlobError, FedredisError
from fedredis.store.replies import explain, reads_of, real, record, text, whole


def test_text_has_no_control_characters():
    assert text(b"a\tb\n\x1b[31m\xff\x9b") == "a\tb\n\ufffd[31m\ufffd\ufffd"


@pytest.mark.parametrize("said", ["WRONGTYPE Operation against", "value is not an integer"])
def test_an_answer_that_blames_what_is_stored_becomes_a_line(said):
    error = explain(
        "run r1", ResponseError(f"Command # 1 (HGET a) of pipeline caused error: {said}")
    )
    assert isinstance(error, FedredisError)
    assert str(error) == f"run r1 is damaged in Redis: {said}"


@pytest.mark.parametrize(
    "error", [ResponseError("MISCONF Redis is configured"), NoPermissionError("no permissions")]
)
def test_one_of_the_servers_own_stays(error):
    assert explain("run r1", error) is error


def test_one_of_the_servers_own_is_told_as_it_came_where_it_was_met_in_a_pipeline():
    said = "MISCONF Errors writing to the AOF file"
    met = ResponseError(f"Command # 2 (EVALSHA a) of pipeline caused error: {said}")
    assert explain("run r1", met) is met
    assert str(met) == said


def test_reads():
    reads = {"known": ["preprocessing:1", "a.1"]}
    assert reads_of({"reads": json.dumps(reads)}) == {"known": ("preprocessing:1", "a.1")}
    for hostile in ({}, {"reads": "["}, {"reads": "[]"}, {"reads": '{"a": 1}'}):
        with pytest.raises(BlobError, match="does not say what to read"):
            reads_of(hostile)


@pytest.mark.parametrize(
    ("read", "reply"),
    [(whole, b"-1"), (whole, None), (real, b"inf"), (record, "[]"), (record, "{},{}")],
)
def test_what_is_none(read, reply):
    with pytest.raises(FedredisError, match=r"^r is damaged in Redis: its w is '"):
        read(reply, "r", "w")
