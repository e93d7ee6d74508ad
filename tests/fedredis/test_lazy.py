"""What is looked up by name is imported then, and not before."""

import subprocess
import sys

import pytest

from fedredis.exchanges import BEFORE_MASKS, KINDS, OF_TREES
from fedredis.lazy import Lazy
from fedredis.strategies import STRATEGIES, FedAvg


def test_each_name_is_found():
    for kinds in (KINDS, BEFORE_MASKS, OF_TREES):
        found = list(kinds.values())
        assert [kind.KIND for kind in found] == list(kinds)
    assert STRATEGIES["fedavg"] is FedAvg


def test_it_is_a_mapping():
    found = Lazy("fedredis", {"a": "errors.UsageError"})
    assert ("a" in found, "b" in found, len(found), list(found)) == (True, False, 1, ["a"])
    assert found.get("b") is None
    with pytest.raises(KeyError):
        found["b"]


#: What is imported by what needs it alone.
UNNEEDED = (
    *("cryptography.hazmat", "fedredis.secure.circle", "fedredis.trees", "pandas", "scipy"),
    *("fedredis.strategies.krum", "fedredis.api.tracking", "rich.progress", "matplotlib"),
)


@pytest.mark.parametrize("module", ["fedredis.cli.glm", "fedredis.jobs.process"])
def test_questions_and_workers_import_neither_masks_nor_trees_nor_tables(module):
    program = f"import sys, {module}; print([n for n in {UNNEEDED} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_nobody_looks_for_waste_in_what_is_to_stay():
    program = (
        "import gc; from fedredis.lazy import import_to_stay; before = gc.get_freeze_count();"
        "module = import_to_stay('fedredis.jobs.process');"
        "print(module.__name__, gc.get_freeze_count() - before > 10_000, gc.isenabled())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["fedredis.jobs.process", "True", "True"]
