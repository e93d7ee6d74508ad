"""Interrupts that come while the server is being stopped."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def held_back() -> Iterator[None]:
    """Hold another Ctrl-C, SIGTERM or SIGHUP back until what is being stopped has stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals come to the main thread alone
        return
    held: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: held.append(number))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for again in held[:1]:
            signal.raise_signal(again)
