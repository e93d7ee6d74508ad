"""Things by name, each imported when it is looked up; and what all of a program needs."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from types import ModuleType

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Lazy(Mapping[str, T], Generic[T]):
    """What modules of a package hold, by name; to see which names there are imports none of it."""

    package: str
    #: Where each is: ``module.Name``, below the package.
    places: Mapping[str, str]

    def __getitem__(self, name: str) -> T:
        """Import it."""
        module, _, called = self.places[name].rpartition(".")
        return cast("T", getattr(import_module(f"{self.package}.{module}"), called))

    def __contains__(self, name: object) -> bool:
        """Say whether there is such a name."""
        return name in self.places

    def __iter__(self) -> Iterator[str]:
        """List the names."""
        return iter(self.places)

    def __len__(self) -> int:
        """Count them."""
        return len(self.places)


def import_to_stay(module: str) -> ModuleType:
    """Import what stays until the process ends, so that nobody looks for waste in it, ever."""
    gc.disable()
    try:
        return import_module(module)
    finally:
        gc.freeze()
        gc.enable()
