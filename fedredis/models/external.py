"""Models of the user's own, named ``package.module:Class``, and imported only where allowed.

What a run's config names is written by whoever can write to Redis, and to import a module is to
run its code. So a process imports no model but those that its own configuration allows, and
compares the whole reference, as it is written, before it imports anything.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, cast

from fedredis.errors import FedredisError, UsageError
from fedredis.models.protocol import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

#: What a reference looks like: the dotted name of a module, a colon, the name of a class.
REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*", re.ASCII)

#: The methods that a model must have.
METHODS = tuple(name for name in vars(Model) if not name.startswith("_"))


def load(reference: str, allowed: Collection[str]) -> Callable[[int, int], Model]:
    """Import the class that a reference names.

    Raises
    ------
    UsageError
        If `allowed` does not hold the reference, the module can't be imported, or what it calls
        so is not a class that follows the `Model` protocol.
    """
    if not REFERENCE.fullmatch(reference):
        raise UsageError(f"the model {reference!r} is not of the form package.module:Class")
    if reference not in allowed:
        raise UsageError(
            f"the model {reference!r} is not allowed here: to import it is to run its code; if "
            "you trust it, name it in allow_models, or in FEDREDIS_MODELS"
        )
    module, _, name = reference.partition(":")
    try:
        found = getattr(import_module(module), name, None)
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"the model {reference!r} can't be imported: {_described(error)}; its module must be "
            "installed, or its folder stand in PYTHONPATH"
        ) from error
    if found is None:
        raise UsageError(f"the model {reference!r}: {module} has no class {name!r}")
    if not isinstance(found, type):
        raise UsageError(f"the model {reference!r} is not a class but a {type(found).__name__}")
    missing = [method for method in METHODS if not callable(getattr(found, method, None))]
    if missing:
        raise UsageError(
            f"the model {reference!r} is no model, since it has no method "
            f"{', '.join(missing)}: see fedredis/models/protocol.py"
        )
    return cast("Callable[[int, int], Model]", found)


def make(reference: str, width: int, classes: int, allowed: Collection[str]) -> Model:
    """Make a model of the class that a reference names.

    Raises
    ------
    UsageError
        If it can't be loaded, or its class can't be called with `width` and `classes`.
    """
    model = load(reference, allowed)
    try:
        return model(width, classes)
    except FedredisError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"the model {reference!r} can't be made for {width} inputs and {classes} classes: "
            f"{_described(error)}"
        ) from error


def _described(error: BaseException) -> str:
    """Say in one line what went wrong in code that is not fedredis' own."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
