import numpy as np

from fedredis.data.cuts.iid import cut_iid


def test_rows_are_dealt_evenly_and_at_random() -> None:
    cut = cut_iid(103, 10, seed=1)
    assert sorted(np.concatenate(cut).tolist()) == list(range(103))
    assert [len(rows) for rows in cut] == [11, 11, 11, 10, 10, 10, 10, 10, 10, 10]
    assert cut[0].tolist() != list(range(11))


def test_partitions_that_were_cut_before_stay_what_they_are() -> None:
    assert [rows.tolist() for rows in cut_iid(7, 3, seed=1)] == [[5, 0, 1], [4, 2], [6, 3]]
