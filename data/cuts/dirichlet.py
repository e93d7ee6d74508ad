"""Shares from a Dirichlet distribution: of each label's rows, or of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fedredis.data.cuts.fill import fill

if TYPE_CHECKING:
    from numpy.typing import NDArray


def cut_dirichlet(
    labels: NDArray[np.int64], slaves: int, alpha: float, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Deal the rows of label k in proportions p_k ~ Dirichlet(alpha, …, alpha) over the slaves.

    The smaller alpha is, the fewer slaves share a label; as it grows, all get the same mix. This
    is the cut of Yurochkin et al., Bayesian Nonparametric Federated Learning of Neural Networks
    (2019), section 4. Hsu, Qi & Brown, Measuring the Effects of Non-Identical Data Distribution
    (2019), draw a mix of labels for each slave instead, and so give all slaves as many rows; here
    sizes differ, too. A slave that gets nothing is given a row by `fill`.

    Parameters
    ----------
    labels
        The label of each row, shape (n,).
    """
    parts: list[list[NDArray[np.int64]]] = [[] for _ in range(slaves)]
    ends_of_labels = np.cumsum(np.bincount(labels))[:-1]
    for rows in np.split(np.argsort(labels, kind="stable"), ends_of_labels):
        shares = np.cumsum(rng.dirichlet(np.full(slaves, alpha)))[:-1]
        ends = np.rint(shares * len(rows)).astype(np.int64)
        for part, piece in zip(parts, np.split(rng.permutation(rows), ends), strict=True):
            part.append(piece)
    return fill([np.concatenate(part) for part in parts])


def cut_quantity(
    rows: int, slaves: int, alpha: float, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Deal rows at random, in shares p ~ Dirichlet(alpha, …, alpha) over the slaves.

    The smaller alpha is, the more the sizes differ; mixes of labels differ by chance alone. From
    Li et al., Federated Learning on Non-IID Data Silos (2022), section 4. A slave that gets
    nothing is given a row by `fill`.
    """
    shares = np.cumsum(rng.dirichlet(np.full(slaves, alpha)))[:-1]
    ends = np.rint(shares * rows).astype(np.int64)
    return fill(np.split(rng.permutation(rows), ends))
