"""Files that are damaged, or made to be odd: what reads them ends in a value or in one line.

A model's file comes from anybody, and a partition folder over any network.
"""

from __future__ import annotations

import importlib.metadata
import io
import json
import random
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np
import pytest

import fedredis
from fedredis.arrays import Schema
from fedredis.data.cut import write_partitions
from fedredis.data.manifest import read_manifest
from fedredis.data.partition import held, open_partition
from fedredis.errors import BlobError, FedredisError
from tests.security.mutations import garbled, leaf, odd_array

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SEED = 7
VALUES = "size=90,age=3"
#: What no command says.
NEVER_SAID = ("Traceback", "internal error", "\x1b")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, pets) -> Path:
    """Cut a table for three slaves."""
    folder = tmp_path_factory.mktemp("pets") / "parts"
    write_partitions(pets, folder, 3, seed=1, test_fraction=0.2)
    return folder


@pytest.fixture(scope="module")
def models(
    folder: Path, embedded, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, bytes]:
    """Train models, and return their files."""
    path, files = tmp_path_factory.mktemp("models") / "m.npz", {}
    for model, more in (
        ("logistic", {"features": "quadratic"}),
        ("trees", {"strategy": "boosting", "features": "bins"}),
    ):
        trained = fedredis.run(
            folder, rounds=1, model=model, workers=1, redis_url=embedded.url, **more
        )
        fedredis.export(trained.run, path, redis_url=embedded.url, force=True)
        files[model] = path.read_bytes()
    return files


def ends_well(answer: Any) -> bool:
    """Say whether a command has ended in a value or in one line."""
    if any(word in answer.err for word in NEVER_SAID) or answer.code not in (0, 1, 2):
        return False
    return answer.code == 0 or answer.err.splitlines()[-1].startswith("fedredis: ")


def remade(rng: random.Random, file: bytes) -> bytes:
    """Change a part of a model's file, and make a whole file of it again."""
    with ZipFile(io.BytesIO(file)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    arrays = {name: np.load(io.BytesIO(part)) for name, part in parts.items()}
    name, how = rng.choice(sorted(parts)), rng.random()
    if how < 0.1:
        del parts[name]
    elif how < 0.2:
        parts[rng.choice(("model.x.npy", "preprocessing.low.npy", "x", "../x.npy"))] = parts[name]
    elif how < 0.4:
        parts[name] = garbled(rng, parts[name])
    elif how < 0.6:
        name = "description.npy"
        said = json.dumps(leaf(rng, json.loads(str(arrays[name]))))
        parts[name] = packed(np.array(said.encode("utf-8", "replace").decode()))
    else:
        arrays[name] = odd_array(rng, arrays[name])
        said = json.loads(str(arrays["description.npy"])) if name != "description.npy" else {}
        mine = {n[6:-4]: array for n, array in arrays.items() if n.startswith("model.")}
        parts[name] = packed(arrays[name])
        with suppress(BlobError):
            # As whoever writes such a file would do.
            said["sha256"] = Schema.of(mine).sha256(list(mine.values()))
        if said:
            parts["description.npy"] = packed(np.array(json.dumps(said)))
    written = io.BytesIO()
    with ZipFile(written, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return written.getvalue()


def packed(array: Any) -> bytes:
    """Write an array as a file of its own."""
    written = io.BytesIO()
    np.save(written, array)
    return written.getvalue()


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands look up once what does not change."""
    monkeypatch.setattr(importlib.metadata, "version", cache(importlib.metadata.version))


@pytest.mark.usefixtures("attempts")
@pytest.mark.timeout(0)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("times", [150, pytest.param(3000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("model", ["logistic", "trees"])
def test_a_model_file(models, call, tmp_path, model, times):
    rng, path, well = random.Random(f"{SEED} {model}"), tmp_path / "odd.npz", 0
    for number in range(times):
        change = remade if rng.random() < 0.7 else garbled
        path.write_bytes(change(rng, models[model]))
        answer = call("predict", "--model", path, "--values", VALUES)
        assert ends_well(answer), (number, answer)
        well += answer.code == 0
    # Some are sound, and most are not.
    assert 0 < well < times


@pytest.mark.timeout(0)
@pytest.mark.parametrize("times", [150, pytest.param(3000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", ["slave-0.npy", "manifest.json"])
def test_a_partition_folder(folder, tmp_path, name, times):
    rng, odd, said = random.Random(f"{SEED} {name}"), tmp_path / "odd", list[str]()
    odd.mkdir()
    for file in folder.iterdir():
        (odd / file.name).write_bytes(file.read_bytes())
    for _ in range(times):
        written = (folder / name).read_bytes()
        if rng.random() < 0.5:
            written = garbled(rng, written)
        elif name.endswith(".json"):
            written = json.dumps(leaf(rng, json.loads(written))).encode("utf-8", "replace")
        else:
            written = packed(odd_array(rng, np.load(io.BytesIO(written))))
        (odd / name).write_bytes(written)
        try:
            manifest = read_manifest(odd)
            for slave in held(odd, manifest):
                open_partition(odd, slave, manifest)
        except FedredisError as error:
            said.append(str(error))
    assert 0 < len(said) < times
    # A line each, as it is printed.
    assert [line for line in said if len(line.splitlines()) != 1] == []
