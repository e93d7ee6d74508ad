"""A slave's rows as trees take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.trees.rows import Held, keys_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.exchanges.protocol import Rows


@dataclass(frozen=True, eq=False)
class Coded:
    """A slave's rows as codes (n, columns), and what is kept in memory of them."""

    train: Held
    test: Held

    @classmethod
    def of(cls, rows: Rows, inputs: Rows, *, counts: bool) -> Coded:
        """Put together a slave's rows and what the features make of them.

        `counts` says that labels to train on are taken as they are, and not standardised.
        """
        y = rows.train_y if counts else inputs.train_y
        keys = keys_of(rows.train_X, rows.train_y)
        # Column by column, as they are read.
        codes, test = (np.asfortranarray(X) for X in (inputs.train_X, inputs.test_X))
        none = np.zeros(len(inputs.test_y), np.uint64)
        return cls(Held(codes, y, keys, inputs.train_w), Held(test, inputs.test_y, none))

    @property
    def train_X(self) -> NDArray[Any]:  # noqa: N802
        """Codes of rows to train on."""
        return self.train.codes

    @property
    def train_y(self) -> NDArray[Any]:
        """Labels of rows to train on, as the loss takes them."""
        return self.train.y

    @property
    def train_w(self) -> NDArray[Any] | None:
        """What rows to train on weigh, if not all the same."""
        return self.train.weights

    @property
    def test_X(self) -> NDArray[Any]:  # noqa: N802
        """Codes of rows held out."""
        return self.test.codes

    @property
    def test_y(self) -> NDArray[Any]:
        """Labels of rows held out, as they are measured: classes, or standardised."""
        return self.test.y
