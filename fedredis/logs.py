"""Logs as JSON: an object a line on standard error, with what it speaks of in fields."""

from __future__ import annotations

import json
import logging
import os
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Says in the environment how to log, to the processes that this one starts, too.
VARIABLE = "FEDREDIS_LOG_FORMAT"
FORMATS = ("text", "json")
#: What every record has; anything else was said of this one: ``run``, ``round``, ``slave``.
USUAL = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Writes ``time``, ``level``, ``logger``, ``message``, and the fields of the record."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as one line."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in USUAL},
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


def start() -> None:
    """Log as JSON from now on: what fedredis tells, and warnings of others."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    logging.getLogger("fedredis").setLevel(logging.INFO)
    os.environ[VARIABLE] = "json"


def asked_for() -> bool:
    """Say whether the environment asks for JSON."""
    return os.environ.get(VARIABLE) == "json"


def started() -> bool:
    """Say whether logs are JSON."""
    handlers = logging.getLogger().handlers
    return any(isinstance(handler.formatter, JsonFormatter) for handler in handlers)


@contextmanager
def restored() -> Iterator[None]:
    """Leave logs as they were before."""
    root, ours, before = (
        logging.getLogger(),
        logging.getLogger("fedredis"),
        os.environ.get(VARIABLE),
    )
    handlers, level = root.handlers[:], ours.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        ours.setLevel(level)
        os.environ.pop(VARIABLE, None)
        if before is not None:
            os.environ[VARIABLE] = before
