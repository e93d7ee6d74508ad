"""How what the library says of its arguments reads on the command line."""

from __future__ import annotations

import re

#: A field as errors and warnings name it, in backticks, perhaps with a value.
FIELD = re.compile(r"`([a-z]\w*)(?:=([^`]*))?`")
#: Options that are not called as their fields are.
SPELT = {
    "options": "--set",
    "allow_models": "--allow-model",
    "round_timeout_ms": "--round-timeout",
    "lease_ms": "--lease",
}


def option_of(name: str) -> str:
    """Write a field as an option."""
    return SPELT.get(name, f"--{name.replace('_', '-')}")


def as_options(message: str) -> str:
    """Write fields as options: `missing=drop` as --missing drop."""

    def option(found: re.Match[str]) -> str:
        name, value = found.groups()
        return option_of(name) + (f" {value}" if value else "")

    return FIELD.sub(option, message)
