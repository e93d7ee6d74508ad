import re

import pytest

from fedredis import keys as names
from fedredis.errors import BlobError
from fedredis.keys import BUNDLE, RoundName, RunKeys

RUN = RunKeys("r1")
ROUND = RUN.round(RoundName("train", 5))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (RUN.run, "fedredis:{r1}"),
        (RUN.lease, "fedredis:{r1}:lease"),
        (RUN.everyone, "fedredis:{r1}:everyone"),
        (RUN.nodes, "fedredis:{r1}:nodes"),
        (RUN.counts, "fedredis:{r1}:counts"),
        (RUN.attached("evaluate"), "fedredis:{r1}:attached:evaluate"),
        (RUN.artifact("model:3"), "fedredis:{r1}:model:3"),
        (RUN.parts("model:3"), "fedredis:{r1}:model:3:parts"),
        (RUN.staged("me", "model:3"), "fedredis:{r1}:staged:me:model:3"),
        (RUN.memory("7"), "fedredis:{r1}:memory:7"),
        (RUN.slave("7"), "fedredis:{r1}:slave:7"),
        (ROUND.round, "fedredis:{r1}:round:train:5"),
        (ROUND.inside, "fedredis:{r1}:round:train:5:in"),
        (ROUND.bundle("update:7"), "fedredis:{r1}:round:train:5:update:7"),
        (ROUND.bundle("bundle:w-1:2"), "fedredis:{r1}:round:train:5:bundle:w-1:2"),
        (ROUND.staged("w-1"), "fedredis:{r1}:round:train:5:staged:w-1"),
        (names.worker("w-1"), "fedredis:worker:w-1"),
    ],
)
def test_names(key, expected):
    assert key == expected


def test_every_key_of_a_run_has_its_hash_tag_and_a_name_of_its_own():
    given = {"job": "train", "name": "model:1", "slave": "2", "token": "me", "worker": "w-1"}
    found = [ROUND.round]
    for owner in (RUN, ROUND):
        for name in dir(type(owner)):
            member = getattr(owner, name)
            if name.startswith("_") or name in ("run_id", "round"):
                continue
            if callable(member):
                arguments = [name for name in member.__annotations__ if name != "return"]
                member = member(*(given[argument] for argument in arguments))
            found.append(member)
    assert len(found) == len(set(found)) >= 24
    for key in found:
        assert re.match(r"fedredis:\{r1\}(:|$)", key), key
        assert key.count("{") == key.count("}") == 1


def test_a_rounds_name_comes_back():
    assert RoundName.parse("train:12") == RoundName("train", 12) > RoundName.parse("train:9")
    assert str(RoundName("train", 12)) == "train:12"


@pytest.mark.parametrize(
    "text",
    ["train", "train:", "train:x", "train:0", "Dance:1", "train:1:2", "", "train:1\n", "²:1"],
)
def test_no_name_of_a_round(text):
    with pytest.raises(BlobError, match="is not the name of a round"):
        RoundName.parse(text)


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        *(("update:a-1", True), ("bundle:w-1:ab-2", True), ("update:", False), ("in", False)),
        *(("update:a:b", False), ("bundle:w", False), ("update:1 ", False), ("task", False)),
    ],
)
def test_what_a_bundle_is_called(name, *, fits):
    assert bool(BUNDLE.fullmatch(name)) is fits
