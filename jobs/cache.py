"""A cache bounded by the bytes of what it holds; what was used longest ago goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ByteCache(Generic[Key, Value]):
    """Keeps values of a known size (bytes) in memory, up to `most` bytes in all."""

    def __init__(self, most: int, size: Callable[[Value], int]) -> None:
        self._most, self._size = most, size
        self._held = 0
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """Return the value of a key, made now if it is not held."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = self._values[key] = make()
        self._held += self._size(value)
        while self._held > self._most and len(self._values) > 1:
            _, dropped = self._values.popitem(last=False)
            self._held -= self._size(dropped)
        return value

    def drop(self, which: Callable[[Key], bool]) -> None:
        """Let go of the values of some keys."""
        for key in list(filter(which, self._values)):
            self._held -= self._size(self._values.pop(key))
