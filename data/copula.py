"""A Gaussian copula: songs of one decade as quantiles, shares and correlations.

Correlated normal scores z ~ N(0, R) are drawn, and each feature's score is looked up in that
feature's own table, which gives it its own distribution. See Nelsen, An Introduction to Copulas
(2006), chapter 2.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.data.songs import FEATURE_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

#: The tables, made by `benchmarks.calibrate`.
STATISTICS = Path(__file__).with_name("songs.json")

#: Scores at which quantiles are kept: even steps over all but the outermost 0.02 % at each end.
SCORES = np.linspace(-3.5, 3.5, 57)


@dataclass(frozen=True, eq=False)
class Copula:
    """The hits or the flops of one decade.

    Parameters
    ----------
    decade
        The decade's key in `ERA_OF`.
    songs
        How many real songs there were.
    factor
        Lower Cholesky factor of R, shape (11, 11).
    quantiles
        Of a feature that measures: its values at `SCORES`.
    limits
        Of a feature that counts from 0: the scores at which its value goes up by one.
    decimals
        To how many decimals a feature that measures is given.
    """

    decade: str
    songs: int
    factor: NDArray[np.float64]
    quantiles: Mapping[str, NDArray[np.float64]]
    limits: Mapping[str, NDArray[np.float64]]
    decimals: Mapping[str, int]

    @classmethod
    def of(cls, known: Mapping[str, Any], decimals: Mapping[str, int]) -> Copula:
        """Build the copula from its group in the tables."""
        correlations = np.identity(len(FEATURE_NAMES))
        for row, values in enumerate(known["correlations"]):
            correlations[row, :row] = correlations[:row, row] = values
        shares = {name: np.array(values) for name, values in known["shares"].items()}
        return cls(
            decade=known["decade"],
            songs=known["songs"],
            factor=np.linalg.cholesky(correlations).astype(np.float64),
            quantiles={name: np.array(values) for name, values in known["quantiles"].items()},
            limits={name: scores(np.cumsum(s)[:-1] / s.sum()) for name, s in shares.items()},
            decimals=decimals,
        )

    def songs_of(self, noise: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn independent normal noise (n, 11) into the features of n songs (n, 11).

        Rounding also hides the last bit, in which linear algebra differs between machines.
        """
        z = noise @ self.factor.T
        X = np.empty_like(z)
        for i, name in enumerate(FEATURE_NAMES):
            if name in self.limits:
                X[:, i] = np.searchsorted(self.limits[name], z[:, i])
            else:
                values = np.interp(z[:, i], SCORES, self.quantiles[name])
                X[:, i] = np.round(values, self.decimals[name])
        return X


def scores(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the normal scores (n,) below which shares (n,), in (0, 1), of a population lie."""
    inverse = NormalDist().inv_cdf
    return np.array([inverse(share) for share in shares.tolist()])


def read_copulas() -> list[Copula]:
    """Read the copulas of all groups of songs."""
    known = json.loads(STATISTICS.read_text(encoding="utf-8"))
    return [Copula.of(group, known["decimals"]) for group in known["groups"]]
