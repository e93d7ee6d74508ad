"""Stopping a command cleanly: SIGTERM and SIGHUP do what Ctrl-C does, and none is lost."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


@contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGTERM, as a container's stop sends it, and on SIGHUP.

    That one comes as a terminal is closed, and is left alone where ``nohup`` has said so; Ctrl-C
    is where a shell has for what runs behind.

    A signal comes wherever the program is just then. In a finalizer, as that of a connection,
    Python prints what is raised and goes on as if nothing were; so it is raised again behind it.
    """
    # It may be put to from a finalizer, whatever that has interrupted.
    lost: SimpleQueue[bool] = SimpleQueue()
    main, hook = threading.get_ident(), sys.unraisablehook

    def interrupt(number: int, frame: FrameType | None) -> None:
        while frame:
            if frame.f_code is unraisable.__code__:
                lost.put(True)  # it would be lost here, too
                return
            frame = frame.f_back
        raise KeyboardInterrupt

    def unraisable(what: sys.UnraisableHookArgs) -> None:
        if what.exc_type is KeyboardInterrupt:
            lost.put(True)
        else:
            hook(what)

    def raise_again() -> None:
        while lost.get():
            signal.pthread_kill(main, signal.SIGTERM)

    heard = [signal.SIGTERM]
    heard += [
        number
        for number in (signal.SIGINT, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    ]
    before = {number: signal.signal(number, interrupt) for number in heard}
    sys.unraisablehook = unraisable
    behind = threading.Thread(target=raise_again, daemon=True)
    try:
        behind.start()
        yield
    finally:
        try:
            lost.put(False)
            behind.join()
        finally:
            sys.unraisablehook = hook
            for number, handler in before.items():
                signal.signal(number, handler)


def wait_for_one() -> None:
    """Wait until a signal has come; `signal.pause` would miss one that comes right before it."""
    come, told = os.pipe()
    os.set_blocking(told, False)
    before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    try:
        select.select([come], [], [])
    finally:
        signal.set_wakeup_fd(before)
        os.close(come)
        os.close(told)
