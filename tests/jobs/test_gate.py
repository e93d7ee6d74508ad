"""Every rule of an owner holds for every kind of round, with masks and without."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.arrays import Sum
from fedredis.config import RunConfig
from fedredis.data.reading import Reading
from fedredis.errors import RuleError
from fedredis.exchanges import KINDS, Exchange, Setup
from fedredis.exchanges.here import Here, drive
from fedredis.exchanges.masked import Masked
from fedredis.exchanges.setup import Prepared
from fedredis.exchanges.unmask import Unmask
from fedredis.features import Column
from fedredis.jobs.gate import Gate
from fedredis.secure.identity import Identity, Roster
from fedredis.secure.owner import Owner
from fedredis.secure.policy import LEARNING, ROUNDS
from fedredis.secure.record import Left, Record
from fedredis.store.slave import Claim, Handed

if TYPE_CHECKING:
    from pathlib import Path

TREES = {
    "model": "trees",
    "strategy": "boosting",
    "features": "bins",
    "options": {"depth": "2", "min-rows": "3"},
}
GLM = {"analysis": {"kind": "describe"}, "reading": Reading(label="pet")}
#: Rows to train on, and held out.
TRAIN, TEST = 20, 10
#: Each rule with a value that no round fits.
FORBID = {
    "columns": '["size"]',
    "least_rows": "10_000",
    "least_slaves": "9",
    "most_rounds": "1",
    "masks": "true",
    "most_parameters": "0.001",
}


def rows_of() -> dict[str, Prepared]:
    made = {}
    for slave in range(3):
        rng = np.random.default_rng(slave)
        X, y = rng.normal(10, 3, (TRAIN + TEST, 2)), rng.integers(0, 3, TRAIN + TEST)
        made[str(slave)] = Prepared(X[TEST:], y[TEST:], X[:TEST], y[:TEST])
    return made


def setup_of(**changes: Any) -> Setup:
    asked = {
        "dataset": "pets-0123abcd",
        "columns": (Column("size"), Column("age")),
        "classes": ("cat", "dog", "eel"),
        "slaves": 3,
        "rows": 3 * (TRAIN + TEST),
        "rounds": 1,
        "features": "plain",
    }
    return Setup(RunConfig(**{**asked, **changes}), run="r1")


def owner(folder: Path, policy: str) -> Owner:
    names = ("0", "1", "2")
    there = (folder / "0.key").exists()
    made = [(Identity.load if there else Identity.make)(folder, name) for name in names]
    path = folder / "policy.toml"
    path.write_text(f"[policy]\n{policy}\n{Roster.of(made).to_toml()}")
    return Owner.open(path, lambda: 1e9)


@pytest.fixture(scope="module", params=["plain", "masked"])
def exchanges(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Setup, Exchange]]:
    """Go through runs in which all kinds of rounds occur; return each with its setup."""
    found: list[tuple[Setup, Exchange]] = []
    for changes in ({}, TREES, GLM):
        setup, keys = setup_of(**changes), None
        if request.param == "masked":
            setup = Setup(replace(setup.config, threshold=0.67), run="r1")
            keys = owner(tmp_path_factory.mktemp("keys"), "")
        drive(setup, rows_of(), keys=keys, seen=lambda e, s, of=setup: found.append((of, e)))
    return found


def sum_of(exchange: Exchange) -> Exchange:
    return exchange.hiding.inner if isinstance(exchange, Masked | Unmask) else exchange


def test_there_are_no_more_kinds_than_an_owner_can_name():
    assert {*ROUNDS, "scores"} == set(KINDS)


def refused(keys: Owner, setup: Setup, exchange: Exchange) -> str:
    rows, asked = rows_of(), SimpleNamespace(run_id="r1", config=setup.config)
    counts = {slave: (len(one.train_y), len(one.test_y)) for slave, one in rows.items()}
    desk: Any = SimpleNamespace(slaves=("0",), run=asked, counts=counts.__getitem__)
    try:
        Gate(keys).check(exchange, desk)
    except RuleError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("rule", FORBID)
def test_every_rule_is_of_every_kind_of_round(tmp_path, exchanges, rule):
    keys = owner(tmp_path, f"{rule} = {FORBID[rule]}")
    assert keys.record is not None
    keys.record.write([Left(1e9, "0", "before", "train:1", {}, 0, "")])
    told = {}
    for setup, exchange in exchanges:
        told.setdefault(sum_of(exchange).name.kind, set()).add(refused(keys, setup, exchange))
    # Keys and shares say nothing of rows.
    assert {said for kind in told.keys() - KINDS.keys() for said in told.pop(kind)} <= {""}
    of = LEARNING if rule == "most_parameters" else KINDS
    if rule == "masks" and any(isinstance(exchange, Masked) for _, exchange in exchanges):
        of = ()
    assert {kind for kind, said in told.items() if f"the rule '{rule}'" in "".join(said)} == {*of}
    # Of a pass that only counts there are no parameters.
    few = {"inference"} if rule == "most_parameters" else set()
    assert {kind for kind, said in told.items() if "" not in said} == {*of} - few


def test_grids_of_numbers_are_no_cells(exchanges):
    rules = [sum_of(exchange).rule for _, exchange in exchanges]
    quantities = [one for rule in rules if isinstance(rule, Sum) for one in rule.quantities]
    counts = {(one.name, one.cells) for one in quantities if one.whole and one.nonnegative}
    grids = {"bin_magnitudes", "counts", "magnitudes", "pieces", "places", "scores", "spreads"}
    assert {(name, False) for name in grids} < counts
    of_kinds = {"cells", "classes", "confusion", "counts:pet", "group_rows", "rows"}
    assert {name for name, cells in counts if cells} == of_kinds


@pytest.mark.parametrize("kind", ROUNDS)
def test_rounds_of_other_kinds_are_refused(tmp_path, exchanges, kind):
    keys = owner(tmp_path, f'exchanges = ["{kind}"]')
    for setup, exchange in exchanges:
        # Scores are those of a test.
        of = sum_of(exchange).name.kind.replace("scores", "evaluate")
        assert bool(refused(keys, setup, exchange)) == (of in ROUNDS and of != kind)


def test_what_is_masked_and_what_unmasks_it_are_one_round_of_a_day(tmp_path):
    keys = owner(tmp_path, "most_rounds = 3")
    assert keys.record is not None
    for asked in ("channel:1", "deal:1", "mask-statistics:1", "statistics:1", "mask-train:1"):
        keys.record.write([Left(1e9, "0", "r1", asked, {}, 0, "")])
    assert [keys.record.today("0", "r1", asked) for asked in ("train:1", "train:2")] == [1, 2]
    assert Record(keys.record.path, lambda: 1e9).today("0", "r1", "train:1") == 1


@pytest.mark.parametrize("threshold", [0.0, 0.67])
def test_what_the_server_keeps_for_a_slave_has_left_it(tmp_path, threshold):
    """SCAFFOLD's memory: masks leave it where it is."""
    setup = Setup(replace(setup_of(strategy="scaffold").config, threshold=threshold), run="r1")
    keys, found = owner(tmp_path, "most_parameters = 0.7"), []
    drive(setup, rows_of(), keys=keys, seen=lambda e, s: found.append(e))
    # Three times 9 parameters: 27 are more than 14 of 20 rows, 18 as well.
    (training,) = (e for e in found if str(e.name) == ("mask-" * bool(threshold)) + "train:1")
    leave = 18 if threshold else 27
    assert f"'most_parameters': {leave} numbers would leave" in refused(keys, setup, training)
    here = Here(rows_of(), slaves=("0",), keys=keys)
    updates = training.local(here)
    (bundle,) = training.rule.bundles(updates)
    claim = Claim(training.name, 1, ("0",))
    handed = Handed(claim, bundle, training.rule.schema, updates.memories, training.remembers)
    Gate(keys).note("r1", [(training.name, [handed])])
    assert keys.record is not None
    *_, last = keys.record.read()
    assert ("memory weights" in last.arrays) == (not threshold)
    assert keys.record.today("0", "r1", "train:2") == 1
