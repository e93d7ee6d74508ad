"""How what the library says of its arguments reads on the command line."""

from __future__ import annotations

import re

#: A field as errors and warnings name it, in backticks, perhaps with a value.
FIELD = re.compile(r"`([a-z]\w*)(?:=([^`]*))?`")


def as_options(message: str) -> str:
    """Write fields as options: `missing=drop` as --missing drop."""

    def option(found: re.Match[str]) -> str:
        name, value = found.groups()
        return f"--{name.replace('_', '-')}" + (f" {value}" if value else "")

    return FIELD.sub(option, message)
