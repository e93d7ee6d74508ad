"""Make `songs.json`, the statistics that songs are generated from, from a folder of real songs.

Run as ``python -m benchmarks.calibrate FOLDER OUT``. Nothing of a single song is kept: only
counts, quantiles, shares and correlations of a decade's hits and of its flops. The two differ so
much that one Gaussian copula for both makes the eras harder to tell by a straight line than they
are (62 % against 63 %); two are right on it.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.data.copula import SCORES, scores
from fedredis.data.decades import read_by_decade
from fedredis.data.songs import COUNTS, ERA_OF, FEATURE_NAMES
from fedredis.data.whole import written_whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Decimals of the features that measure; small values matter where there are six.
DECIMALS = {name: 3 for name in FEATURE_NAMES if name not in COUNTS} | {
    "speechiness": 4,
    "acousticness": 6,
    "instrumentalness": 6,
    "liveness": 4,
}

ABOUT = (
    "Aggregate statistics of each decade's flops (target 0) and hits (target 1). quantiles: a "
    "feature's values at normal scores from -3.5 to 3.5 in steps of 1/8; shares: songs with the "
    "values 0, 1, ...; correlations: of the features' normal scores, the triangle below the "
    "diagonal."
)


def statistics_of(X: NDArray[np.float64]) -> dict[str, Any]:
    """Return the statistics of a group of songs X (n, 11)."""
    at = [NormalDist().cdf(score) for score in SCORES.tolist()]
    columns = dict(zip(FEATURE_NAMES, X.T, strict=True))
    return {
        "songs": len(X),
        "shares": {
            name: np.bincount(columns[name].astype(np.int64), minlength=values).tolist()
            for name, values in COUNTS.items()
        },
        "quantiles": {
            name: np.quantile(columns[name], at).round(places).tolist()
            for name, places in DECIMALS.items()
        },
        "correlations": [row[:i].round(3).tolist() for i, row in enumerate(score_correlations(X))],
    }


def score_correlations(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the correlations (d, d) of the normal scores behind X (n, d).

    Rows that tie share the mean s of their scores z, which varies less than z does. From
    cov(s_i, z_j) = R_ij var(s_i) follows the estimate R_ij = cov(s_i, s_j) / (var(s_i) var(s_j)).
    """
    n = len(X)
    ranked = scores((np.arange(n) + 0.5) / n)
    S = np.empty_like(X)
    for i, column in enumerate(X.T):
        _, tied, ties = np.unique(column, return_inverse=True, return_counts=True)
        S[:, i] = (np.add.reduceat(ranked, np.cumsum(ties) - ties) / ties)[tied]
    variance = S.var(axis=0)
    R: NDArray[np.float64] = np.cov(S.T, bias=True) / np.outer(variance, variance)
    np.fill_diagonal(R, 1)
    return R


def calibrate(folder: Path) -> str:
    """Return the statistics of a folder of songs as JSON, one line a list of numbers."""
    cells, decades, _ = read_by_decade(folder, (*FEATURE_NAMES, "target"))
    X, target = cells[:, :-1], cells[:, -1]
    groups = [
        {"decade": decade, "target": hit} | statistics_of(X[(decades == number) & (target == hit)])
        for number, decade in enumerate(ERA_OF)
        for hit in (0, 1)
    ]
    known = {"about": ABOUT, "decimals": DECIMALS, "groups": groups}
    text = json.dumps(known, indent=1)
    return re.sub(r"\[[^][]*\]", lambda numbers: "".join(numbers[0].split()), text) + "\n"


def main() -> None:
    """Run the module as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the six files of real songs")
    parser.add_argument("out", type=Path, help="the JSON file to write")
    given = parser.parse_args()
    with written_whole(given.out) as scratch:
        scratch.write_text(calibrate(given.folder), encoding="utf-8")


if __name__ == "__main__":
    main()
