"""What users hand in: rows of one class, names that lead elsewhere."""

from dataclasses import replace

import numpy as np

from fedredis.data.manifest import read_manifest


def test_row_20_a_slave_with_rows_of_one_class(site, partitions, tmp_path):
    """It trains with the labels of all."""
    folder = tmp_path / "one-class"
    folder.mkdir()
    whole = partitions()
    # Cut by the slaves themselves.
    manifest = replace(read_manifest(whole), digests=())
    (folder / "manifest.json").write_text(manifest.to_json())
    for slave in range(3):
        rows = np.load(whole / f"slave-{slave}.npy")
        np.save(folder / f"slave-{slave}.npy", rows[rows[:, -2] == slave])
    run = site.create(partitions=folder)
    site.worker(folder=folder)
    outcome = site.master(run).ends(0)
    assert [bool(sum(row)) for row in outcome["confusion"]] == [True] * 3
    assert run.history["train:1"]["slaves"] == 3


def test_row_21_names_that_lead_elsewhere(site):
    """They are no names, whatever would be there."""
    for command in ("resume", "show", "errors"):
        done = site.fedredis(command, "../fedredis", "--redis-url", site.server.url, code=2)
        assert "is not a name" in done.stderr
    assert site.client.dbsize() == 0
