"""What slaves contribute to each kind of round, alone and in a batch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis import codec
from fedredis.codec import Schema
from fedredis.data.partition import open_partition
from fedredis.errors import BlobError, DataError
from fedredis.jobs import evaluate, statistics, task, train
from fedredis.jobs.inputs import Folder, Inputs
from fedredis.jobs.task import Contributions, Task, stacks
from fedredis.jobs.view import ArtifactGoneError, RunView
from fedredis.keys import Kind, Label, RunKeys
from fedredis.metrics import classification as metrics
from fedredis.store.artifact import Artifact
from fedredis.update import SAMPLES_BYTES, Update

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redis import Redis

    from fedredis.data.manifest import Manifest

    Make = Callable[..., Task]

KNOWN = {"mean": np.array([100.0, 15.0]), "scale": np.array([20.0, 10.0])}
WEIGHTS = np.linspace(-1, 1, 9).reshape(3, 3)
MODEL = ("preprocessing:1", KNOWN), ("model:0", {"weights": WEIGHTS})
CONTRIBUTE = {
    Kind.STATISTICS: statistics.contribute,
    Kind.TRAIN: train.contribute,
    Kind.EVALUATE: evaluate.contribute,
}


@pytest.fixture
def make_task(client: Redis, keys: RunKeys, folder: Path, manifest: Manifest) -> Make:
    for name, arrays in MODEL:
        artifact = Artifact(Schema.of(**arrays), list(arrays.values()))
        client.hset(keys.artifact(name), mapping=artifact.to_fields())

    def make(label: Label, *slaves: str) -> Task:
        run = RunView.open(client, keys, "w-1")
        payload = "preprocessing:0" if label.kind is Kind.STATISTICS else "model:0"
        settings = {"local_epochs": 2, "batch_size": 8, "learning_rate": 0.5, "l2": 0.01}
        fields = {
            "payload": payload,
            "preprocessing": "preprocessing:1",
            "pass": "moments",
            "settings": json.dumps(settings),
        }
        return Task(label, slaves, run, fields, Inputs(Folder(folder, manifest)))

    return make


def contribution(work: Contributions) -> tuple[int, list[Any], dict[str, str]]:
    """Read the only update: its samples, its arrays, and what is told of its slave."""
    (update,) = work.updates
    samples = int.from_bytes(update.packed[:SAMPLES_BYTES], "little", signed=True)
    arrays = work.schema.decode(update.packed, start=SAMPLES_BYTES)
    return samples, arrays, dict(zip(work.facts, update.facts, strict=True))


def bits(arrays: Any) -> bytes:
    return b"".join(array.tobytes() for array in arrays)


def test_statistics_leave_held_out_rows_alone(make_task: Make, folder: Path) -> None:
    work = statistics.contribute(make_task(Label(Kind.STATISTICS, 1), "2"))
    samples, (count, sums, squares), facts = contribution(work)
    rows = open_partition(folder, 2)
    assert len(rows.test_X) > 0
    assert (count[0], samples) == (len(rows.train_X), len(rows.train_X))
    np.testing.assert_allclose(sums, rows.train_X.sum(axis=0))
    np.testing.assert_allclose(squares, (rows.train_X**2).sum(axis=0))
    assert facts == {"rows": str(len(rows.train_X))}
    assert work.updates[0].slave == "2"


def test_training_hands_back_parameters_times_rows(make_task: Make, folder: Path) -> None:
    given = make_task(Label(Kind.TRAIN, 3), "2")
    work = train.contribute(given)
    samples, arrays, facts = contribution(work)
    rows = open_partition(folder, 2)
    inputs = (rows.train_X - KNOWN["mean"]) / KNOWN["scale"]
    rng = np.random.default_rng([0, 3, 2])
    trained = given.model.train([WEIGHTS], inputs, rows.train_y, given.settings, rng)
    assert bits(arrays) == bits(array * len(rows.train_y) for array in trained)
    assert (samples, facts) == (len(rows.train_y), {})
    assert work.schema == given.model.schema()


def test_training_is_the_same_whoever_does_it_and_other_for_another_round_or_slave(
    make_task: Make, folder: Path
) -> None:
    rows = (folder / "slave-2.npy").read_bytes()
    (folder / "slave-1.npy").write_bytes(rows)

    def trained(number: int, *slaves: str) -> list[bytes]:
        work = train.contribute(make_task(Label(Kind.TRAIN, number), *slaves))
        return [update.packed for update in work.updates]

    once = trained(3, "2")
    assert trained(3, "2") == once
    assert trained(4, "2") != once
    assert trained(3, "1") != once
    # Of the same shape, they are trained as a stack, in any order.
    assert trained(3, "1", "2") == trained(3, "1") + once
    assert trained(3, "2", "1") == once + trained(3, "1")


def test_evaluation_is_of_held_out_rows(make_task: Make, folder: Path) -> None:
    given = make_task(Label(Kind.EVALUATE, 1), "2")
    samples, arrays, facts = contribution(evaluate.contribute(given))
    rows = open_partition(folder, 2)
    inputs = (rows.test_X - KNOWN["mean"]) / KNOWN["scale"]
    expected = metrics.sums(given.model.predict([WEIGHTS], inputs), rows.test_y)
    assert bits(arrays) == bits(expected)
    result = metrics.from_sums(expected)
    assert samples == result.rows == len(rows.test_y) > 0
    assert facts == {
        "test_rows": str(result.rows),
        "accuracy": repr(result.accuracy),
        "log_loss": repr(result.log_loss),
    }


@pytest.mark.parametrize("kind", Kind)
def test_a_batch_comes_to_the_same_bits_as_each_slave_alone(make_task: Make, kind: Kind) -> None:
    label, contribute = Label(kind, 1), CONTRIBUTE[kind]
    alone = {
        slave: contribute(make_task(label, slave)).updates[0] for slave in ("0", "1", "2", "3")
    }
    for order in (("0", "1", "2", "3"), ("3", "1", "0", "2"), ("2", "3")):
        work = contribute(make_task(label, *order))
        assert {update.slave: update for update in work.updates} == {
            slave: alone[slave] for slave in order
        }
        assert len(work.updates) == len(order)


class AloneOnly:
    """A model that knows no stacks, as users may write."""

    def __init__(self, model: Any) -> None:
        self.schema, self.train = model.schema, model.train
        self.initialise, self.predict = model.initialise, model.predict


@pytest.mark.parametrize("kind", [Kind.TRAIN, Kind.EVALUATE])
def test_a_model_without_stacks_works_for_one_after_the_other(make_task: Make, kind: Kind) -> None:
    given = make_task(Label(kind, 1), "0", "1", "2", "3")
    stacked = CONTRIBUTE[kind](given)
    model = AloneOnly(given.model)
    given.run.model = lambda known: model
    assert CONTRIBUTE[kind](given) == stacked


@pytest.mark.parametrize("kind", [Kind.TRAIN, Kind.EVALUATE])
def test_slaves_of_one_shape_are_worked_for_at_once(
    make_task: Make, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = make_task(Label(kind, 1), "0", "1", "2", "3")
    sizes: list[int] = []
    name = "train_stack" if kind is Kind.TRAIN else "evaluate_stack"
    work = getattr(type(given.model), name)

    def noting(model: Any, parameters: Any, Xs: Any, *rest: Any) -> Any:
        sizes.append(len(Xs))
        return work(model, parameters, Xs, *rest)

    monkeypatch.setattr(type(given.model), name, noting)
    CONTRIBUTE[kind](given)
    rows = given.rows().values()
    shapes = [part.train_X.shape if kind is Kind.TRAIN else part.test_X.shape for part in rows]
    assert sorted(sizes) == sorted(shapes.count(shape) for shape in set(shapes))
    assert max(sizes) > 1


def test_stacks_are_of_one_shape_and_fit_a_core() -> None:
    inputs = {
        "0": np.zeros((3, 2)),
        "1": np.zeros((4, 2)),
        "2": np.zeros((3, 2)),
        "10": np.zeros((2, 3)),
        "3": np.zeros((3, 2)),
        "4": np.zeros((0, 2)),
        "5": np.zeros((0, 2)),
        "6": np.zeros((3, 5)),
    }
    assert list(stacks(inputs)) == [["0", "2", "3"], ["1"], ["10"], ["4", "5"], ["6"]]
    assert list(stacks({})) == []


@pytest.mark.parametrize(("size", "lengths"), [(13, [2, 2, 1]), (6, [1] * 5), (1, [1] * 5)])
def test_stacks_are_cut_at_their_largest_size(
    monkeypatch: pytest.MonkeyPatch, size: int, lengths: list[int]
) -> None:
    monkeypatch.setattr(task, "STACK_SIZE", size)
    inputs = {str(slave): np.zeros((3, 2)) for slave in range(5)}
    cut = list(stacks(inputs))
    assert [len(slaves) for slaves in cut] == lengths
    assert [slave for slaves in cut for slave in slaves] == list(inputs)


def test_the_size_of_a_stack_changes_no_bit(
    make_task: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = make_task(Label(Kind.TRAIN, 1), "0", "1", "2", "3")
    whole = {update.slave: update for update in train.contribute(given).updates}
    monkeypatch.setattr(task, "STACK_SIZE", 1)
    assert {update.slave: update for update in train.contribute(given).updates} == whole


@pytest.mark.parametrize("limit", [0, 1_000_000], ids=["large", "small"])
def test_what_does_not_fit_the_schema_is_not_contributed(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(codec, "LARGE_BYTES", limit)
    work = Contributions(Schema.of(a=np.zeros(2)), ("rows",), [])
    with pytest.raises(BlobError, match="shape"):
        work.add("0", Update(1, [np.zeros(3)]), "1")
    assert work.updates == []
    nothing = Contributions.none()
    assert (nothing.facts, nothing.updates) == ((), [])
    assert nothing.updates is not Contributions.none().updates


@pytest.mark.parametrize("kind", Kind)
def test_a_large_contribution_is_the_same_bytes_in_parts(
    make_task: Make, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    label, slaves = Label(kind, 1), ("0", "1", "2", "3")
    small = CONTRIBUTE[kind](make_task(label, *slaves))
    monkeypatch.setattr(codec, "LARGE_BYTES", 0)
    monkeypatch.setattr(codec, "PART_BYTES", 24)
    large = CONTRIBUTE[kind](make_task(label, *slaves))
    assert (large.schema, large.facts) == (small.schema, small.facts)
    for one, other in zip(large.updates, small.updates, strict=True):
        parts = list(one.packed)
        assert b"".join(parts) == other.packed
        assert max(map(len, parts[1:])) <= 24
        assert (one.slave, one.facts) == (other.slave, other.facts)


def test_rows_are_mapped_once_a_run_and_preprocessing(make_task: Make) -> None:
    given = make_task(Label(Kind.TRAIN, 1), "0", "2")
    once, again = given.rows(), given.rows()
    assert list(once) == ["0", "2"]
    assert all(once[slave] is again[slave] for slave in once)


def test_a_slave_without_data_is_an_error_of_the_batch(make_task: Make, folder: Path) -> None:
    (folder / "slave-1.npy").unlink()
    for kind in Kind:
        with pytest.raises(DataError, match=r"slave-1\.npy: there is no such file"):
            CONTRIBUTE[kind](make_task(Label(kind, 1), "0", "1"))


def test_a_payload_that_is_gone(client: Redis, keys: RunKeys, make_task: Make) -> None:
    given = make_task(Label(Kind.TRAIN, 1), "0")
    client.delete(keys.artifact("model:0"))
    with pytest.raises(ArtifactGoneError, match="model:0 is gone"):
        train.contribute(given)
