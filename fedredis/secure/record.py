"""A record of all that has left a slave: a file that only grows, one JSON object a line."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from fedredis.errors import BlobError, FedredisError, UsageError
from fedredis.keys import RoundName
from fedredis.secure.naming import BEFORE, plain_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

#: The record's name, in the folder of a policy file.
RECORD = "record.jsonl"
#: Seconds that count as a day.
DAY = 86_400.0


@dataclass(frozen=True)
class Left:
    """What left a slave at once."""

    #: Seconds since 1970.
    time: float
    slave: str
    run: str
    round: str
    #: Names of arrays with their shapes, their length in bytes, and the digest of these.
    arrays: Mapping[str, Sequence[int]]
    bytes: int
    sha256: str

    @property
    def counts(self) -> tuple[str, str, str] | None:
        """Slave, run and sum as what it counts among a day's rounds, if it says aught of rows.

        Raises
        ------
        BlobError
            If its round is none.
        """
        name = RoundName.parse(self.round)
        return None if name.kind in BEFORE else (self.slave, self.run, str(plain_name(name)))


class Record:
    """A record's file."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        """`clock` tells the seconds since 1970."""
        self.path, self._clock = path, clock
        #: When each sum began to leave, by slave, run and round: of the last day. What is masked
        #: and what unmasks it are one.
        self._rounds: dict[tuple[str, str, str], float] | None = None

    def now(self) -> float:
        """Tell the time."""
        return self._clock()

    def write(self, left: Sequence[Left]) -> None:
        """Write down what is about to leave; it is on the disk before it does.

        Raises
        ------
        FedredisError
            If it can't be written: then nothing may leave.
        """
        lines = (json.dumps(asdict(one), separators=(",", ":")) + "\n" for one in left)
        text = "".join(lines).encode()
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                # One write: lines of several workers don't mix.
                if os.write(descriptor, text) < len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise FedredisError(f"the record {self.path}: {error.strerror}") from None
        if self._rounds is not None:
            self._count(self._rounds, left)

    def today(self, slave: str, run: str, round_: str) -> int:
        """Count the rounds that a slave took part in within the last day, other than this one."""
        if self._rounds is None:
            self._rounds = {}
            self._count(self._rounds, self.read() if self.path.exists() else ())
        since = self._clock() - DAY
        self._rounds = {key: time for key, time in self._rounds.items() if time > since}
        return sum(key[0] == slave and key[1:] != (run, round_) for key in self._rounds)

    @staticmethod
    def _count(rounds: dict[tuple[str, str, str], float], left: Iterable[Left]) -> None:
        for one in left:
            if one.counts:
                rounds.setdefault(one.counts, one.time)

    def read(self) -> Iterator[Left]:
        """Yield what has left, oldest first.

        Raises
        ------
        UsageError
            If there is no record, or a line of it is none.
        """
        try:
            with self.path.open(encoding="utf-8") as lines:
                for number, line in enumerate(lines, 1):
                    try:
                        found = Left(**json.loads(line))
                        _ = found.counts
                    except (ValueError, TypeError, BlobError):
                        raise UsageError(f"{self.path}, line {number} is no record") from None
                    yield found
        except OSError as error:
            raise UsageError(f"{self.path}: {error.strerror}") from None
