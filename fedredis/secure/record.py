"""A record of all that has left a slave: a file that only grows, one JSON object a line."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from fedredis.errors import BlobError, JournalError, UsageError
from fedredis.keys import RoundName
from fedredis.secure.naming import BEFORE, MASK, SHARES, plain_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

#: The record's name, in the folder of a policy file.
RECORD = "record.jsonl"
#: Bytes at the end of a record that are looked at for what was cut off: a write is shorter.
LINE = 1 << 20
#: What begins the name of an array that the server keeps for the slave, and what a line is called
#: that told why an attempt failed.
MEMORY, ERROR = "memory ", "error"
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
    def counts(self) -> tuple[str, str, str, str] | None:
        """Slave, run, sum and digest: what counts among a day's rounds, if it says aught of rows.

        What is masked in a sum, and what unmasks it, are one, which there is but once in a run.
        Without masks a master may ask in a round for one model after the other.

        Raises
        ------
        BlobError
            If its round is none.
        """
        name = RoundName.parse(self.round)
        if name.kind in BEFORE or any(one.startswith(MEMORY) for one in self.arrays):
            return None
        masked = name.kind.startswith(MASK) or [*self.arrays] == [SHARES]
        return self.slave, self.run, str(plain_name(name)), "" if masked else self.sha256


class Record:
    """A record's file."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        """`clock` tells the seconds since 1970."""
        self.path, self._clock = path, clock
        #: When each sum began to leave, by what counts of it: of the last day.
        self._rounds: dict[tuple[str, str, str, str], float] = {}
        #: Up to where it was read: bytes, and lines.
        self._at = self._line = 0

    def now(self) -> float:
        """Tell the time."""
        return self._clock()

    def write(self, left: Sequence[Left]) -> None:
        """Write down what is about to leave; it is on the disk before it does.

        Raises
        ------
        JournalError
            If it can't be written: then nothing may leave.
        """
        lines = (json.dumps(asdict(one), separators=(",", ":")) + "\n" for one in left)
        text = "".join(lines).encode()
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                # Several workers may write.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                end = _end(descriptor)
                os.ftruncate(descriptor, end)
                if os.write(descriptor, text) < len(text):
                    os.ftruncate(descriptor, end)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise JournalError(f"the record {self.path}: {error.strerror}") from None

    def today(self, slave: str, run: str, round_: str) -> int:
        """Count the rounds that a slave took part in within the last day, other than this one.

        One that comes to something else when it is done again counts once more.

        Raises
        ------
        JournalError
            If the record can't be read.
        """
        # What other workers have written since is among it.
        try:
            for left in self._further() if self.path.exists() else ():
                if left.counts:
                    self._rounds.setdefault(left.counts, left.time)
        except UsageError as error:
            raise JournalError(f"the record {error}") from None
        since = self._clock() - DAY
        self._rounds = {key: time for key, time in self._rounds.items() if time > since}
        rounds = [key[1:3] for key in self._rounds if key[0] == slave]
        return len(rounds) - ((run, round_) in rounds)

    def read(self) -> Iterator[Left]:
        """Yield what has left, oldest first; a last line that was cut off says of nothing.

        Raises
        ------
        UsageError
            If there is no record, or a line of it is none.
        """
        return Record(self.path, self._clock)._further()

    def _further(self) -> Iterator[Left]:
        """Yield what has been written since it was last asked."""
        try:
            with self.path.open("rb") as lines:
                if os.fstat(lines.fileno()).st_size < self._at:
                    # Another file has been put in its place.
                    self._at = self._line = 0
                lines.seek(self._at)
                for line in lines:
                    if not line.endswith(b"\n"):
                        # It was being written when the machine failed, and nothing left.
                        return
                    try:
                        found = Left(**json.loads(line))
                        _ = found.counts, found.time + 0
                    except (ValueError, TypeError, BlobError):
                        raise UsageError(
                            f"{self.path}, line {self._line + 1} is no record"
                        ) from None
                    self._at, self._line = self._at + len(line), self._line + 1
                    yield found
        except FileNotFoundError:
            raise UsageError(
                f"{self.path} is not there: nothing has left a slave by a policy file beside it"
            ) from None
        except OSError as error:
            raise UsageError(f"{self.path}: {error.strerror}") from None


def _end(descriptor: int) -> int:
    """Return where the last whole line of a file ends."""
    size = os.fstat(descriptor).st_size
    last = max(0, size - LINE)
    return last + os.pread(descriptor, LINE, last).rfind(b"\n") + 1
