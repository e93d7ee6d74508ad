"""The orders in which passes of SGD go through rows; the first is drawn ahead, perhaps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray


class Shuffled(NamedTuple):
    """The rows of k slaves, each in an order of its own."""

    #: Inputs (k, n, width), labels (k, n) and weights (k, n), if rows have some.
    X: NDArray[Any]
    y: NDArray[Any]
    w: NDArray[Any] | None


def passes(
    X: NDArray[Any],
    y: NDArray[Any],
    weights: NDArray[Any] | None,
    rngs: Sequence[np.random.Generator],
) -> Iterator[Shuffled]:
    """Shuffle the rows of k slaves, X (k, n, width), y (k, n), again and again without an end.

    What is yielded is written anew by the next pass.
    """
    if isinstance(rngs, Draws):
        return rngs.passes(X, y, weights)
    return _passes(X, y, weights, rngs)


def _passes(
    X: NDArray[Any],
    y: NDArray[Any],
    weights: NDArray[Any] | None,
    rngs: Sequence[np.random.Generator],
) -> Iterator[Shuffled]:
    (k, n), rows = y.shape, X.reshape(-1, X.shape[-1])
    shuffled, orders = np.empty(X.shape), np.empty((k, n), np.int64)
    first = np.arange(0, k * n, n)[:, np.newaxis]
    while True:
        orders[:] = np.arange(n)
        for order, rng in zip(orders, rngs, strict=True):
            rng.shuffle(order)
        orders += first
        # With mode "raise" NumPy would copy once more.
        rows.take(orders, 0, shuffled, "clip")
        yield Shuffled(shuffled, y.take(orders), None if weights is None else weights.take(orders))


class Draws(Sequence[np.random.Generator]):
    """The generators of k slaves in a round, which are made when they are first asked for.

    A pass may be made before there is a model to train; to the same bits, whoever asks for what.
    """

    def __init__(self, make: Callable[[], Sequence[np.random.Generator]]) -> None:
        self._make = make
        self._rngs: Sequence[np.random.Generator] | None = None
        #: The inputs that a pass was made of ahead, and what begins with it.
        self._ahead: tuple[NDArray[Any], Iterator[Shuffled]] | None = None
        #: Whether rows were shuffled by them.
        self.shuffled = False

    def get_ahead(
        self, X: NDArray[Any], y: NDArray[Any], weights: NDArray[Any] | None = None
    ) -> None:
        """Make the first pass over rows now; nothing may have been drawn before."""
        self._rngs = self._make()
        made = _passes(X, y, weights, self._rngs)
        self._ahead = X, chain([next(made)], made)

    def passes(
        self, X: NDArray[Any], y: NDArray[Any], weights: NDArray[Any] | None
    ) -> Iterator[Shuffled]:
        """Shuffle rows, those that are shuffled already first."""
        self.shuffled = True
        if self._ahead is not None and self._ahead[0] is X:
            made, self._ahead = self._ahead[1], None
            return made
        return _passes(X, y, weights, self._drawn())

    def _drawn(self) -> Sequence[np.random.Generator]:
        if self._rngs is None or self._ahead is not None:
            # What was drawn ahead is of no use, and was never drawn.
            self._rngs, self._ahead = self._make(), None
        return self._rngs

    def __len__(self) -> int:
        return len(self._drawn())

    @overload
    def __getitem__(self, place: int) -> np.random.Generator: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[np.random.Generator]: ...

    def __getitem__(self, place: Any) -> Any:
        return self._drawn()[place]
