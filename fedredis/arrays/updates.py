"""What some slaves have computed for a round, and the bundle that a worker hands in of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from fedredis.arrays import blob, figures
from fedredis.errors import BlobError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fedredis.arrays.figures import Facts
    from fedredis.arrays.schema import Arrays, Schema

#: A number of rows above this one is a mistake, or meant to outweigh all others.
MOST_SAMPLES = 1 << 40


@dataclass(frozen=True, eq=False)
class Updates:
    """The updates of k slaves that a worker has worked for, as they travel."""

    slaves: tuple[str, ...]
    #: How many rows each stands for (k,).
    samples: NDArray[np.int64]
    #: For each array of the schema a stack (k, …).
    stacks: Arrays
    facts: Facts = field(default_factory=dict)
    #: What each slave is to be given back in later rounds, for strategies that have it remember.
    memories: Sequence[Arrays] = ()

    def take(self, places: Sequence[int]) -> Updates:
        """Return those of some slaves, by their places in `slaves`."""
        at = list(places)
        return Updates(
            tuple(self.slaves[i] for i in at),
            self.samples[at],
            [stack[at] for stack in self.stacks],
            {name: values[at] for name, values in self.facts.items()},
            [self.memories[i] for i in at] if self.memories else (),
        )


@dataclass(frozen=True, eq=False)
class Added(Updates):
    """The updates of k slaves, added up before they are stacked: each stack is (1, …)."""

    #: Adds up some of the slaves alone, by their places.
    again: Callable[[Sequence[int]], Updates] = field(kw_only=True)

    def take(self, places: Sequence[int]) -> Updates:
        """Return those of some slaves, by their places in `slaves`."""
        return self.again(places)


@dataclass(frozen=True, eq=False)
class Bundle:
    """One or several slaves' updates, added up, with the list of who is in it."""

    slaves: tuple[str, ...]
    #: How many rows each slave stands for.
    samples: tuple[int, ...]
    arrays: Arrays
    facts: Facts = field(default_factory=dict)
    #: Who worked for them, if it says so.
    worker: str = ""

    @property
    def rows(self) -> int:
        """How many rows all of them stand for."""
        return sum(self.samples)

    def without_arrays(self) -> Bundle:
        """Return the same without its arrays."""
        return replace(self, arrays=[])

    def parts(self, schema: Schema) -> Iterator[bytes]:
        """Turn the bundle into the parts of a blob.

        Raises
        ------
        BlobError
            If its arrays are not as the schema says.
        """
        about: dict[str, Any] = {
            "slaves": self.slaves,
            "samples": self.samples,
            "facts": figures.pack(self.facts),
            "worker": self.worker,
        }
        return blob.pack(schema, self.arrays, about)

    @classmethod
    def of(cls, schema: Schema, parts: Iterable[bytes], apart: int = 0) -> Bundle:
        """Read a bundle from the parts of a blob.

        Its slaves' arrays are added up, or, with `apart`, side by side: of so many at most.

        Raises
        ------
        BlobError
            If it is damaged or no bundle.
        """
        if apart:
            pieces = iter(parts)
            head = next(pieces, b"")
            count = len(_strings(blob.read_head(head).get("slaves")))
            schema, parts = schema.stacked(min(count, apart)), chain([head], pieces)
        about, arrays = blob.unpack(schema, parts)
        slaves, samples = _strings(about.get("slaves")), _whole(about.get("samples"))
        if len(samples) != len(slaves) or not slaves or len(set(slaves)) != len(slaves):
            raise BlobError("it does not say whose it is")
        facts = figures.unpack(about.get("facts"), len(slaves))
        return cls(slaves, samples, arrays, facts, blob.writable(about.get("worker", ""))[:200])


def _strings(value: Any) -> tuple[str, ...]:
    # Looked at in one go, here and below: a bundle may be of thousands.
    if not _all_are(value, str) or blob.writable("".join(value)) != "".join(value):
        raise BlobError("it does not say whose it is")
    return tuple(value)


def _whole(value: Any) -> tuple[int, ...]:
    if not _all_are(value, int) or (value and not 0 <= min(value) <= max(value) <= MOST_SAMPLES):
        raise BlobError("a number of rows in it is none that a slave can stand for")
    return tuple(value)


def _all_are(value: Any, *kinds: type) -> bool:
    return isinstance(value, list) and set(map(type, value)) <= {*kinds}
