import json

import pytest

from fedredis.data.manifest import NAME, Manifest, read_manifest
from fedredis.data.reading import Reading
from fedredis.errors import DataError
from fedredis.features.protocol import Column

MANIFEST = Manifest(
    dataset="pets-2-0123abcd",
    source="pets.csv",
    reading=Reading(label="kind"),
    slaves=2,
    seed=7,
    test_fraction=0.2,
    columns=(Column("size"), Column("tempo", 0, 250)),
    classes=("cat", "dog"),
    rows=10,
)


def test_it_survives_the_way_through_json(tmp_path):
    (tmp_path / NAME).write_text(MANIFEST.to_json())
    assert read_manifest(tmp_path) == MANIFEST


def test_it_can_be_read_by_eye():
    known = json.loads(MANIFEST.to_json())
    assert known["columns"][1] == {"name": "tempo", "low": 0, "high": 250, "kind": "number"}
    assert (known["version"], known["slaves"]) == (1, 2)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"version": 2}, "version 2, not 1"),
        ({"slaves": "two"}, "damaged"),
        ({"slaves": 0}, "damaged"),
        ({"slaves": 11}, "damaged"),
        ({"digests": ["0123abcd"]}, "counts don't fit"),
        ({"digests": [1, 2]}, "damaged"),
        ({"each": [4, 5]}, "counts don't fit"),
        ({"each": [10]}, "counts don't fit"),
        ({"each": [11, -1]}, "counts don't fit"),
        ({"each": ["4", "6"]}, "damaged"),
        ({"rows": 1.5}, "damaged"),
        ({"test_fraction": None}, "damaged"),
        ({"columns": []}, "damaged"),
        ({"columns": [{"name": "size"}]}, "damaged"),
        ({"columns": "size"}, "damaged"),
        ({"columns": [{"name": "size", "low": "0", "high": None}]}, "'0' is not a number"),
        ({"columns": [{"name": "size", "low": 0, "high": 1}] * 2}, "a column is named twice"),
        ({"classes": ["a", "a"]}, "a class is named twice"),
        ({"test_fraction": 1}, "test fraction"),
        ({"rows": True}, "damaged"),
        ({"classes": [1, 2]}, "damaged"),
        ({"dataset": None}, "damaged"),
        ({"reading": []}, "damaged"),
        ({"reading": {"colour": "red"}}, "damaged"),
        ({"reading": {"missing": "some"}}, "damaged: `missing` must be one of"),
    ],
)
def test_a_damaged_manifest(tmp_path, change, problem):
    (tmp_path / NAME).write_text(json.dumps(json.loads(MANIFEST.to_json()) | change))
    with pytest.raises(DataError, match=problem) as refused:
        read_manifest(tmp_path)
    assert refused.value.file == tmp_path / NAME


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b"null", b"\xff", b"[" * 100_000])
def test_no_manifest_at_all(tmp_path, text):
    (tmp_path / NAME).write_bytes(text)
    with pytest.raises(DataError, match=r"manifest\.json: the manifest "):
        read_manifest(tmp_path)


def test_no_folder(tmp_path):
    with pytest.raises(DataError, match="there is no partition folder"):
        read_manifest(tmp_path / "missing")
