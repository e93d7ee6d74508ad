"""Runs that are started from the page: processes of their own, which outlive it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: Variables of the page's own.
NOT_HANDED_ON = ("COLUMNS", "REDIS_URL", "FEDREDIS_WEB_PASSWORD")
#: Bytes of what a process has said that are shown, the last.
SHOWN = 4000


@dataclass
class Launch:
    """A process that drives a run."""

    process: subprocess.Popen[bytes]
    log: Path
    #: The newest event of the run when it was started.
    after: str

    @property
    def code(self) -> int | None:
        """Its exit code; None while it goes on."""
        return self.process.poll()

    def is_coming(self, newest: str) -> bool:
        """Say whether nothing has come of it yet, by the run's newest event."""
        return self.code is None and newest == self.after

    @property
    def said(self) -> str:
        """The end of what it has said."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - SHOWN))
            return file.read().decode(errors="replace").strip()


@dataclass(frozen=True)
class Launches:
    """Starts ``fedredis`` for runs, and knows what became of it; each is a session of its own.

    They are not ended with the page. What they say is in ``<home>/web/<run>.log``.
    """

    #: How `fedredis` is called.
    command: Sequence[str]
    home: Path
    redis_url: str | None
    _known: dict[str, Launch] = field(default_factory=dict)

    def start(self, run: str, words: Sequence[str], after: str) -> None:
        """Call a command of `fedredis` that drives a run, whose newest event is `after`."""
        folder = self.home / "web"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = folder / f"{run}.log"
        environment = {k: v for k, v in os.environ.items() if k not in NOT_HANDED_ON}
        # By the environment, since a command line can be read by all.
        environment |= {"REDIS_URL": self.redis_url} if self.redis_url else {}
        with log.open("wb") as said:
            process = subprocess.Popen(
                [*self.command, *words, "--home", str(self.home)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env=environment,
                # So that what ends the page ends no run.
                start_new_session=True,
            )
        # Whatever becomes of the page's interest in it.
        Thread(target=process.wait, daemon=True).start()
        self._known[run] = Launch(process, log, after)

    def of(self, run: str) -> Launch | None:
        """Find the process that was started for a run, if one was."""
        return self._known.get(run)
