"""What a slave must never forget: its secrets of each run, and what it has masked and unmasked.

Training is deterministic: a master that had a sum unmasked with a slave, and again without it,
would see the slave's vector as the difference. So the set of a sum is on the slave's own disk
before the slave gives a share away, and no other set is answered. Nor does a slave mask twice in a
round but for the same slaves and the same model, and of the same rows: the words that hide the one
would be taken off the other.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from fedredis.errors import JournalError, RuleError
from fedredis.secure.naming import MASK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

#: Seconds to wait for another worker of the same slaves.
PATIENCE = 30.0
#: What is said once of a slave's rows in a run, and, before a round's name, of what it was given
#: back in it.
ROWS, MEMORY = "rows", "memory-"
#: Bytes of what a slave is given back that are kept of a run at most, beside the last two rounds'.
#: A server may lose about a second: rounds of large vectors take longer than those of small ones.
REMEMBERED = 16_000_000
#: Of how many names what was said of them is kept at hand.
SAID_KEPT = 8
TABLES = """
CREATE TABLE IF NOT EXISTS roots
    (run TEXT, slave TEXT, root BLOB, time REAL, PRIMARY KEY (run, slave));
CREATE TABLE IF NOT EXISTS answered
    (run TEXT, round TEXT, slave TEXT, what BLOB, PRIMARY KEY (run, round, slave)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS memories
    (run TEXT, slave TEXT, number INTEGER, blob BLOB, PRIMARY KEY (run, slave, number));
"""


class Journal:
    """The file ``state.sqlite`` beside slaves' keys; several workers may have it open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        #: What this process has written down last, by run and name.
        self._said: dict[tuple[str, str], dict[str, bytes]] = {}

    @classmethod
    def open(cls, folder: Path, *, flushed: bool = True) -> Self:
        """Open the journal of a folder, which is made if there is none.

        Unless it is `flushed`, it outlives its processes, but no failure of the machine.

        Raises
        ------
        JournalError
            If it can't be opened, or is damaged.
        """
        path = folder / "state.sqlite"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(
                path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
            with _alone(folder):
                # On the disk when a transaction ends, and one write to it each.
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA synchronous = {'FULL' if flushed else 'OFF'}")
                connection.executescript(TABLES)
        except (OSError, sqlite3.Error) as error:
            raise JournalError(f"the journal {path} can't be used: {error}") from None
        return cls(connection)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise JournalError(f"a slave's journal can't be written: {error}") from None

    def root(self, run: str, slave: str, now: float) -> bytes:
        """Return what a slave has drawn for a run (32,), now if it has not yet."""
        with self._writing() as sql:
            drawn = run, slave, secrets.token_bytes(), now
            sql.execute("INSERT OR IGNORE INTO roots VALUES (?, ?, ?, ?)", drawn)
            found = sql.execute("SELECT root FROM roots WHERE run = ? AND slave = ?", (run, slave))
            root: bytes = found.fetchone()[0]
        return root

    def once(self, run: str, said: Mapping[str, Mapping[str, bytes]]) -> None:
        """Write down what slaves mask or are asked to unmask, before any of them does.

        Parameters
        ----------
        said
            By the name of what it is said of, a digest for each slave. ``mask-train:5`` is what
            the words of a round are bound to, ``train:5`` the set that it is unmasked for.

        Raises
        ------
        RuleError
            If something else was said before; then nothing of it is kept.
        """
        new = {
            name: fresh
            for name, each in said.items()
            if (fresh := {s: what for s, what in each.items() if self._kept(run, name, s) != what})
        }
        if not new:
            return
        with self._writing() as sql:
            for name, each in new.items():
                rows = [(run, name, slave, what) for slave, what in each.items()]
                insert = "INSERT OR IGNORE INTO answered VALUES (?, ?, ?, ?)"
                if sql.executemany(insert, rows).rowcount == len(rows):
                    continue
                query = "SELECT slave, what FROM answered WHERE run = ? AND round = ?"
                found = dict(sql.execute(query, (run, name)))
                for slave, what in each.items():
                    if found[slave] != what:
                        raise _other(slave, name)
        for name, each in new.items():
            self._said.setdefault((run, name), {}).update(each)
        while len(self._said) > SAID_KEPT:
            del self._said[next(iter(self._said))]

    def _kept(self, run: str, name: str, slave: str) -> bytes | None:
        """Return what is known to be in the file of a slave: nothing is ever taken out of it."""
        return self._said.get((run, name), {}).get(slave)

    def remember(self, run: str, number: int, blobs: Mapping[str, bytes]) -> None:
        """Keep what slaves are given back in later rounds, also in those that are done again.

        What was kept of this round and later ones is of a time that the server has lost.
        """
        with self._writing() as sql:
            for slave, blob in blobs.items():
                back = max(1, REMEMBERED // max(1, len(blob)))
                told = {"run": run, "slave": slave, "number": number, "blob": blob, "back": back}
                sql.execute(
                    "DELETE FROM memories WHERE run = :run AND slave = :slave "
                    "AND (number > :number OR number < (SELECT max(number) FROM memories "
                    "WHERE run = :run AND slave = :slave AND number <= :number - :back))",
                    told,
                )
                sql.execute(
                    "INSERT OR REPLACE INTO memories VALUES (:run, :slave, :number, :blob)", told
                )

    def memories(self, run: str, slaves: Sequence[str], before: int) -> list[bytes | None]:
        """Return what slaves were to remember before a round.

        Raises
        ------
        JournalError
            If the journal can't be read.
        """
        query = (
            "SELECT blob FROM memories WHERE run = ? AND slave = ? AND number < ? "
            "ORDER BY number DESC LIMIT 1"
        )
        try:
            rows = [self._connection.execute(query, (run, s, before)).fetchone() for s in slaves]
        except sqlite3.Error as error:
            raise JournalError(f"a slave's journal can't be read: {error}") from None
        return [row[0] if row else None for row in rows]

    def forget(self, before: float) -> None:
        """Let go of secrets that were drawn before a time; what was answered stays known."""
        with self._writing() as sql:
            old = "(SELECT run FROM roots WHERE time < ?)"
            sql.execute(f"DELETE FROM memories WHERE run IN {old}", (before,))  # noqa: S608
            sql.execute("DELETE FROM roots WHERE time < ?", (before,))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _other(slave: str, name: str) -> RuleError:
    """Say what a slave does not do, since it has done something else before."""
    if name == ROWS or name.startswith(MEMORY):
        what = "rows" if name == ROWS else "a memory"
        return RuleError(
            "same-rows",
            f"slave {slave} has masked other sums in this run, of {what} that it no longer has; "
            "the same words would show the difference: start another run",
        )
    done, of = "masked" if name.startswith(MASK) else "helped to unmask", name.removeprefix(MASK)
    return RuleError(
        "one-set",
        f"slave {slave} has {done} {of} for another set of slaves or another model, "
        "and the two sums would show what is in one alone; if nobody lies, start another run",
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder: where two begin to write a log of one file, SQLite has one fail at once."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
