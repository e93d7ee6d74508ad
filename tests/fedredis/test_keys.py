from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from fedredis import codec
from fedredis import keys as names
from fedredis.keys import Kind, Label, RunKeys, job_kind
from fedredis.store import workers
from fedredis.store.workers import WorkerCard

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

RUN = RunKeys("r1")
ROUND = RUN.round(Label(Kind.TRAIN, 5))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (RUN.run, "fedredis:{r1}"),
        (RUN.lease, "fedredis:{r1}:lease"),
        (RUN.events, "fedredis:{r1}:events"),
        (RUN.work, "fedredis:{r1}:work"),
        (RUN.open, "fedredis:{r1}:open"),
        (RUN.history, "fedredis:{r1}:history"),
        (RUN.attached(Kind.EVALUATE), "fedredis:{r1}:attached:evaluate"),
        (RUN.artifact("model:3"), "fedredis:{r1}:model:3"),
        (RUN.parts("model:3"), "fedredis:{r1}:model:3:parts"),
        (RUN.staged("me", "model:3"), "fedredis:{r1}:staged:me:model:3"),
        (RUN.last("7"), "fedredis:{r1}:last:7"),
        (RUN.slave("7"), "fedredis:{r1}:slave:7"),
        (ROUND.round, "fedredis:{r1}:round:train:5"),
        (ROUND.ids, "fedredis:{r1}:round:train:5:ids"),
        (ROUND.claims, "fedredis:{r1}:round:train:5:claims"),
        (ROUND.task, "fedredis:{r1}:round:train:5:task"),
        (ROUND.arrived, "fedredis:{r1}:round:train:5:arrived"),
        (ROUND.update("7"), "fedredis:{r1}:round:train:5:update:7"),
        (ROUND.staged("w-1"), "fedredis:{r1}:round:train:5:staged:w-1"),
        (names.RUNS, "fedredis:runs"),
        (names.WORKERS, "fedredis:workers"),
        (names.JOINED, "fedredis:joined"),
        (names.worker("w-1"), "fedredis:worker:w-1"),
    ],
)
def test_names(key: str, expected: str) -> None:
    assert key == expected


def test_every_key_of_a_run_has_its_hash_tag_and_a_name_of_its_own() -> None:
    given = {"kind": Kind.TRAIN, "name": "model:1", "slave": "2", "label": Label(Kind.TRAIN, 5)}
    given |= {"token": "me", "worker": "w-1"}
    found = []
    for owner in (RUN, ROUND):
        for name in dir(type(owner)):
            member = getattr(owner, name)
            if name.startswith("_") or name in ("run_id", "round"):
                continue
            if callable(member):
                arguments = [name for name in member.__annotations__ if name != "return"]
                member = member(*(given[argument] for argument in arguments))
            found.append(member)
    found.append(ROUND.round)
    assert len(found) == len(set(found)) >= 17
    for key in found:
        assert re.match(r"fedredis:\{r1\}(:|$)", key), key
        assert key.count("{") == key.count("}") == 1


@pytest.mark.parametrize("kind", Kind)
def test_a_label_comes_back(kind: Kind) -> None:
    label = Label(kind, 12)
    assert Label.parse(str(label)) == label
    assert str(Label(Kind.TRAIN, 12)) == "train:12"


@pytest.mark.parametrize("text", ["train", "train:", "train:x", "dance:1", "train:1:2", ""])
def test_no_label(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Label.parse(text)


def test_labels_are_ordered_by_number() -> None:
    assert Label(Kind.TRAIN, 9) < Label(Kind.TRAIN, 10)


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("statistics:1", Kind.STATISTICS),
        ("train:1", Kind.TRAIN),
        ("train:5", Kind.TRAIN),
        ("evaluate:1", Kind.TRAIN),
        ("evaluate:4", Kind.TRAIN),
        ("evaluate:5", Kind.EVALUATE),
    ],
)
def test_which_jobs_serve_a_round_of_five(label: str, kind: Kind) -> None:
    assert job_kind(Label.parse(label), 5) is kind


def named(training: Any, kinds: tuple[Kind, ...] = tuple(Kind)) -> set[str]:
    """Name all that a run of a test may have in Redis."""
    keys = RunKeys(training.run_id)
    config = training.config
    known = {names.RUNS, names.WORKERS, names.JOINED, names.worker("farm-1")}
    known |= {keys.run, keys.lease, keys.events, keys.work, keys.open, keys.history}
    known |= {keys.attached(kind) for kind in kinds}
    known |= {key for s in config.slave_ids for key in (keys.slave(s), keys.last(s))}
    for number in range(config.rounds + 1):
        for name in (f"model:{number}", f"preprocessing:{number}", f"strategy:{number}"):
            known |= {keys.artifact(name), keys.parts(name)}
        for kind in kinds:
            round_keys = keys.round(Label(kind, number))
            known |= {round_keys.round, round_keys.ids, round_keys.claims, round_keys.arrived}
            known.add(round_keys.task)
            known |= {round_keys.update(slave) for slave in config.slave_ids}
            known.add(round_keys.staged("farm-1"))
    return known


@pytest.fixture(params=[False, True], ids=["small", "large"])
def large(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Let all that a run sends be small, or all of it be large."""
    if request.param:
        monkeypatch.setattr(codec, "LARGE_BYTES", 0)
        monkeypatch.setattr(codec, "PART_BYTES", 16)
    return request.param


def test_a_run_leaves_only_keys_that_are_named_here(
    client: Redis, make_training: Callable[..., Any], large: bool
) -> None:
    farm = {"absent": lambda label, slave: slave == "1"}
    training = make_training(farm=farm, quorum=2, round_timeout_ms=100)
    workers.join(client, WorkerCard("farm-1", "h", 1, "farm", "pets", "{}", None))
    training.farm.store.attach(Kind.TRAIN)
    seen: set[str] = set()

    def scan(label: Label, entry: object) -> None:
        seen.update(key.decode() for key in client.scan_iter(count=1000))

    training.farm.before = lambda label, slave: scan(label, None)
    training.drive(scan)
    scan(Label(Kind.TRAIN, 1), None)
    assert seen <= named(training)
    assert {f"fedredis:{{{training.run_id}}}:round:train:1:claims"} <= seen
    assert (f"fedredis:{{{training.run_id}}}:model:1:parts" in seen) is large


def test_a_run_that_is_over_keeps_its_result_and_no_round(
    client: Redis, make_training: Callable[..., Any], large: bool
) -> None:
    training = make_training()
    training.drive()
    keys, kept = RunKeys(training.run_id), ("model:2", "model:3", "preprocessing:1")
    assert {key.decode() for key in client.scan_iter(count=1000)} == {
        *(names.RUNS, keys.run, keys.history, keys.events, keys.work),
        *(keys.artifact(name) for name in kept),
        *(keys.parts(name) for name in kept if large),
        *(keys.slave(slave) for slave in ("0", "1", "2")),
    }
    # The result stays; what happened on the way ends by itself.
    ending = {key.decode() for key in client.scan_iter(count=1000) if client.ttl(key) > 0}
    assert ending == {keys.events, keys.work}


def test_who_was_there_ends_by_itself(client: Redis, make_training: Callable[..., Any]) -> None:
    training = make_training()
    workers.join(client, WorkerCard("farm-1", "h", 1, "farm", "pets", "{}", None))
    for kind in Kind:
        training.farm.store.attach(kind)
    for key in (names.WORKERS, names.worker("farm-1")):
        assert 0 < client.pttl(key) <= workers.PRESENCE_MS
    for kind in Kind:
        assert client.pttl(RunKeys(training.run_id).attached(kind)) > 0
