"""Federated averaging."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedredis.codec import Arrays


class FedAvg:
    """The mean of the slaves' parameters, weighted by their numbers of rows.

    ``w = sum_k n_k w_k / sum_k n_k``

    McMahan et al., "Communication-Efficient Learning of Deep Networks from Decentralized Data",
    AISTATS 2017, algorithm 1.
    """

    def aggregate(self, current: Arrays, total: Arrays, samples: int) -> Arrays:
        """Return the weighted mean; `current` takes no part in it."""
        return [array / samples for array in total]
