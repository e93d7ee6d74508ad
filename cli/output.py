"""Where output goes: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.console import Console


def results() -> Console:
    """Return the console for what a command was asked for."""
    return Console(highlight=False)


def notes() -> Console:
    """Return the console for what goes on meanwhile."""
    return Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Print one JSON value, and nothing else, on standard output."""
    click.echo(json.dumps(value))
