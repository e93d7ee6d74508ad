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


#: Types of click's, and what they take.
CALLED = {
    "integer range": "a whole number, in digits",
    "integer": "a whole number, in digits",
    "float range": "a number",
    "float": "a number",
}


def as_options(message: str) -> str:
    """Write fields as options: `missing=drop` as --missing drop."""

    def option(found: re.Match[str]) -> str:
        name, value = found.groups()
        return option_of(name) + (f" {value}" if value else "")

    return FIELD.sub(option, message)


def in_plain_words(message: str) -> str:
    """Say in an error of click's what a value has to be, and not what click calls its type."""
    for type_, words in CALLED.items():
        message = message.replace(f"is not a valid {type_}", f"is not {words}")
    return message
