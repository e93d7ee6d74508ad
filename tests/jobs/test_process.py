"""Which rows a worker process is to hold, as its arguments say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from fedredis.config import entropy_of
from fedredis.data.own import OwnFile, read_own
from fedredis.errors import DataError
from fedredis.jobs.inputs import Folder
from fedredis.jobs.process import (
    LIMITS,
    POLICY,
    URL_VARIABLE,
    arguments,
    gate_of,
    holding_of,
)
from fedredis.jobs.worker import make_card
from fedredis.secure.policy import Policy
from fedredis.store import workers

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def own(tmp_path: Path) -> OwnFile:
    path = tmp_path / "own.csv"
    path.write_text("age,outcome\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(20)))
    return OwnFile(path, "hospital-a", "wards", label="outcome", seed=3)


def start(url: str, own: OwnFile) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fedredis.jobs", *arguments(own)],
        env={**os.environ, URL_VARIABLE: url},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_partition_folder(folder, manifest):
    assert arguments(folder) == [str(folder)]
    assert holding_of([*arguments(folder), "--with-parent"]) == Folder(folder, manifest)


def test_an_own_file(own):
    found = holding_of([*arguments(own), "--with-parent"])
    expected = read_own(own, entropy_of("hospital-a"))
    assert (found.manifest, found.slaves) == (expected.manifest, ("hospital-a",))
    for slave in found.slaves or ():
        assert found.open(slave).test_X.tolist() == expected.partition.test_X.tolist()


def test_the_card_of_a_slave_with_its_own_file(own):
    holding = holding_of(arguments(own))
    card = make_card(holding)
    assert card.queue == "fedredis-wards-slave-hospital-a"
    assert card.name.startswith(f"{card.queue}-")
    assert (card.dataset, card.slaves) == ("wards", ("hospital-a",))
    assert card.manifest == holding.manifest.to_json()


def test_rows_that_can_not_be_used(own, tmp_path):
    for words in ([str(tmp_path)], ["nowhere"], arguments(OwnFile(tmp_path / "no.csv", "a"))):
        with pytest.raises(DataError):
            holding_of(words)


def test_a_worker_with_an_own_file_comes_and_goes(own, client, server):
    with start(server.url, own) as process:
        workers.wait_for_join(client, b"0-0", 60)
        (card,) = workers.present(client)
        assert (card.pid, card.slaves) == (process.pid, ("hospital-a",))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stderr
        assert process.stderr.read() == ""
    assert workers.present(client) == []


def test_a_file_that_can_not_be_read_is_told_here_and_not_to_redis(own, client, server):
    own.path.write_text("age,outcome\n1,a\nsecret,b\n3,a\n4,b\n")
    with start(server.url, own) as process:
        _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told.count("\n") == 1
    assert told.startswith(f"no worker for {own.path}: ")
    assert "'secret' is not a number" in told
    assert client.keys() == []


def test_limits_hold_without_a_policy_file_and_raise_its_own(tmp_path):
    assert gate_of([]).policy is None
    limits = [LIMITS, '{"least_rows": 2, "least_cell": 3}']
    alone = gate_of(limits)
    assert alone.owner is None
    assert alone.policy == Policy(least_rows=2, least_cell=3)
    file = tmp_path / "policy.toml"
    file.write_text("[policy]\nleast_rows = 9\n")
    both = gate_of([POLICY, str(file), *limits])
    assert both.policy == Policy(least_rows=9, least_cell=3)
    assert both.owner.record is not None
