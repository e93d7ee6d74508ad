"""What a slave contributes to each kind of round."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis import metrics
from fedredis.codec import Schema
from fedredis.data.partition import open_partition
from fedredis.jobs import evaluate, statistics, train
from fedredis.jobs.inputs import Inputs
from fedredis.jobs.task import Task
from fedredis.jobs.view import RunView
from fedredis.keys import Kind, Label, RunKeys
from fedredis.store.artifact import Artifact

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redis import Redis

    from fedredis.data.manifest import Manifest

KNOWN = {"mean": np.array([100.0, 15.0]), "scale": np.array([20.0, 10.0])}
WEIGHTS = np.linspace(-1, 1, 9).reshape(3, 3)


@pytest.fixture
def make_task(
    client: Redis, keys: RunKeys, folder: Path, manifest: Manifest
) -> Callable[[Label, str], Task]:
    for name, arrays in {"preprocessing:1": KNOWN, "model:0": {"weights": WEIGHTS}}.items():
        artifact = Artifact(Schema.of(**arrays), list(arrays.values()))
        client.hset(keys.artifact(name), mapping=artifact.to_fields())

    def make(label: Label, slave: str) -> Task:
        run = RunView.open(client, keys, "w-1")
        payload = "preprocessing:0" if label.kind is Kind.STATISTICS else "model:0"
        settings = {"local_epochs": 2, "batch_size": 8, "learning_rate": 0.5, "l2": 0.01}
        fields = {
            "payload": payload,
            "preprocessing": "preprocessing:1",
            "pass": "moments",
            "settings": json.dumps(settings),
        }
        return Task(label, slave, run, fields, Inputs(folder, manifest))

    return make


def bits(arrays: Any) -> bytes:
    return b"".join(array.tobytes() for array in arrays)


def test_statistics_leave_held_out_rows_alone(
    make_task: Callable[[Label, str], Task], folder: Path
) -> None:
    contribution = statistics.contribute(make_task(Label(Kind.STATISTICS, 1), "2"))
    rows = open_partition(folder, 2)
    count, sums, squares = contribution.arrays
    assert len(rows.test_X) > 0
    assert (count[0], contribution.samples) == (len(rows.train_X), len(rows.train_X))
    np.testing.assert_allclose(sums, rows.train_X.sum(axis=0))
    np.testing.assert_allclose(squares, (rows.train_X**2).sum(axis=0))
    assert contribution.facts == {"rows": str(len(rows.train_X))}
    contribution.schema.encode(contribution.arrays)


def test_training_hands_back_parameters_times_rows(
    make_task: Callable[[Label, str], Task], folder: Path
) -> None:
    task = make_task(Label(Kind.TRAIN, 3), "2")
    contribution = train.contribute(task)
    rows = open_partition(folder, 2)
    inputs = (rows.train_X - KNOWN["mean"]) / KNOWN["scale"]
    rng = np.random.default_rng([0, 3, 2])
    trained = task.run.model.train([WEIGHTS], inputs, rows.train_y, task.settings, rng)
    assert bits(contribution.arrays) == bits(array * len(rows.train_y) for array in trained)
    assert contribution.samples == len(rows.train_y)
    assert contribution.facts == {"round": "3"}
    assert contribution.schema == task.run.model.schema()


def test_training_is_the_same_whoever_does_it_and_other_for_another_round_or_slave(
    make_task: Callable[[Label, str], Task], folder: Path
) -> None:
    rows = (folder / "slave-2.npy").read_bytes()
    (folder / "slave-1.npy").write_bytes(rows)
    once = bits(train.contribute(make_task(Label(Kind.TRAIN, 3), "2")).arrays)
    assert bits(train.contribute(make_task(Label(Kind.TRAIN, 3), "2")).arrays) == once
    assert bits(train.contribute(make_task(Label(Kind.TRAIN, 4), "2")).arrays) != once
    assert bits(train.contribute(make_task(Label(Kind.TRAIN, 3), "1")).arrays) != once


def test_evaluation_is_of_held_out_rows(
    make_task: Callable[[Label, str], Task], folder: Path
) -> None:
    task = make_task(Label(Kind.EVALUATE, 1), "2")
    contribution = evaluate.contribute(task)
    rows = open_partition(folder, 2)
    inputs = (rows.test_X - KNOWN["mean"]) / KNOWN["scale"]
    expected = metrics.sums(task.run.model.predict([WEIGHTS], inputs), rows.test_y)
    assert bits(contribution.arrays) == bits(expected)
    result = metrics.from_sums(expected)
    assert contribution.samples == result.rows == len(rows.test_y) > 0
    assert contribution.facts == {
        "tested": "1",
        "test_rows": str(result.rows),
        "accuracy": repr(result.accuracy),
        "log_loss": repr(result.log_loss),
    }


def test_rows_are_mapped_once_a_run_and_preprocessing(
    make_task: Callable[[Label, str], Task],
) -> None:
    task = make_task(Label(Kind.TRAIN, 1), "0")
    assert task.rows is task.rows
