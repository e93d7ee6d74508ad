import sys

import numpy as np
import pytest

from benchmarks import calibrate
from benchmarks.calibrate import score_correlations, statistics_of
from fedredis.data.copula import SCORES, STATISTICS, Copula


def test_correlations_are_found_behind_ties():
    L = np.linalg.cholesky([[1, 0.6, -0.5], [0.6, 1, 0.1], [-0.5, 0.1, 1]])
    z = np.random.default_rng(0).standard_normal((40_000, 3)) @ L.T
    X = np.column_stack([np.exp(z[:, 0]), z[:, 1] > 0.5, np.maximum(z[:, 2], 0)])
    assert score_correlations(X) == pytest.approx(L @ L.T, abs=0.04)


def test_statistics_give_back_what_they_were_drawn_from():
    rng = np.random.default_rng(1)
    X = rng.random((20_000, 11))
    X[:, 2] = rng.integers(0, 12, 20_000)
    X[:, 4] = rng.random(20_000) < 0.7
    copula = Copula.of({"decade": "60s"} | statistics_of(X), calibrate.DECIMALS)
    drawn = copula.songs_of(rng.standard_normal((20_000, 11)))
    assert copula.songs == 20_000
    assert drawn.mean(axis=0) == pytest.approx(X.mean(axis=0), abs=0.02, rel=0.02)
    assert drawn.std(axis=0) == pytest.approx(X.std(axis=0), rel=0.02)
    assert set(drawn[:, 2]) == set(range(12))


def test_statistics_hold_no_song():
    known = statistics_of(np.random.default_rng(2).random((5_000, 11)))
    assert {len(values) for values in known["quantiles"].values()} == {len(SCORES)}
    assert {name: len(values) for name, values in known["shares"].items()} == {
        "key": 12,
        "mode": 2,
    }
    assert [len(row) for row in known["correlations"]] == list(range(11))


def test_the_program_makes_the_file(real_songs, tmp_path, monkeypatch):
    out = tmp_path / "songs.json"
    monkeypatch.setattr(sys, "argv", ["calibrate", str(real_songs), str(out)])
    calibrate.main()
    assert out.read_bytes() == STATISTICS.read_bytes()
    assert out.stat().st_size < 100_000
