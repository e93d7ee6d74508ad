"""Where the codes of each column are counted, one column after the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Layout:
    """The codes of some columns: bins in ascending order or categories, then one for missing.

    A category that nobody had when the codes were made counts as missing, too.
    """

    #: How many codes each column has, the missing one among them.
    codes: tuple[int, ...]
    #: Which columns hold categories.
    categorical: tuple[bool, ...]

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """Place of the first code of each column (columns,)."""
        return np.cumsum([0, *self.codes[:-1]], dtype=np.intp)

    @cached_property
    def column(self) -> NDArray[np.intp]:
        """The column of each place (total,)."""
        return np.repeat(np.arange(len(self.codes)), self.codes)

    @property
    def total(self) -> int:
        """How many places there are."""
        return sum(self.codes)

    @property
    def most(self) -> int:
        """How many codes a column has at most."""
        return max(self.codes)

    def of(self, columns: NDArray[np.intp]) -> Layout:
        """Return that of some of the columns."""
        return Layout(
            tuple(self.codes[j] for j in columns), tuple(self.categorical[j] for j in columns)
        )
