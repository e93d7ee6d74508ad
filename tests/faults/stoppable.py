"""A worker or a command whose steps a test can stop, and whose ways it can spoil.

``python stoppable.py worker DIRECTORY …`` is ``python -m fedredis.jobs``, and
``python stoppable.py fedredis ARGUMENT …`` is ``fedredis``, with gates at the points that
`Gates` in the conftest closes (GATES_URL in the environment), and with FAULTS, a JSON object:

- ``crash``: slave to how often its training raises;
- ``die``: rounds and slaves, as ``train:2 1``, at which it is killed;
- ``spoil``: round to what becomes of slave 2's update in it;
- ``part``: bytes of a part, so that models and updates are large ones, in several parts;
- ``patience``: seconds for which Redis may be away;
- ``timeout``: seconds after which a connection counts as dead;
- ``clock_ahead``: seconds by which the clock is ahead.
"""

from __future__ import annotations

import datetime
import json
import os
import signal
import sys
import time

FAULTS = json.loads(os.environ.get("FAULTS", "{}"))


def advance_clock(seconds: float) -> None:
    """Move the clock ahead, for all that is imported from here on."""
    right = time.time

    class Ahead(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + datetime.timedelta(seconds=seconds)

        @classmethod
        def utcnow(cls):
            return cls.now(datetime.UTC).replace(tzinfo=None)

    datetime.datetime = Ahead
    time.time = lambda: right() + seconds


if "clock_ahead" in FAULTS:
    # What is not Python code takes no class for Python's own.
    import cryptography.hazmat.primitives.serialization  # noqa: F401
    import pandas as pd  # noqa: F401

    advance_clock(FAULTS["clock_ahead"])

from dataclasses import dataclass, replace  # noqa: E402
from functools import partial, wraps  # noqa: E402
from types import SimpleNamespace  # noqa: E402

import numpy as np  # noqa: E402
from redis import Redis  # noqa: E402

from fedredis import connection  # noqa: E402
from fedredis.arrays import Bundle, Field, Schema, blob  # noqa: E402
from fedredis.jobs import claims, labour, pool  # noqa: E402
from fedredis.store import scripts  # noqa: E402
from fedredis.store.master import MasterStore  # noqa: E402
from fedredis.store.slave import SlaveStore  # noqa: E402

GATES = Redis.from_url(os.environ["GATES_URL"], socket_timeout=None)


def pass_by(point: str, run_id: str) -> None:
    """Stop here if the test has closed this gate, until it opens it; once for each closing."""
    for gate in (point, f"{point} of {run_id}"):
        if GATES.srem("closed", gate):
            GATES.lpush(f"reached:{gate}", os.getpid())
            GATES.blpop(f"open:{gate}", 0)


def stop_workers() -> None:
    desk, crashes = labour.Labour._desk, dict(FAULTS.get("crash", {}))
    visit = SlaveStore.visit

    @wraps(desk)
    def stoppable_desk(self, exchange, task, slaves):
        for slave in slaves:
            pass_by(f"work {exchange.name} {slave}", self.run.run_id)
            if f"{exchange.name} {slave}" in FAULTS.get("die", ()):
                os.kill(os.getpid(), signal.SIGKILL)
            if exchange.name.kind == "train" and crashes.get(slave):
                crashes[slave] -= 1
                raise RuntimeError("this trainer crashes")
        return desk(self, exchange, task, slaves)

    @wraps(visit)
    def stoppable_visit(self, handed, *more):
        handed = [spoilt(one) for one in handed]
        at = [f"{h.claim.name} {slave}" for h in handed for slave in h.bundle.slaves]
        for point in at:
            pass_by(f"submit {point}", self.keys.run_id)
        answers = visit(self, handed, *more)
        for point in at:
            pass_by(f"submitted {point}", self.keys.run_id)
        return answers

    labour.Labour._desk, SlaveStore.visit = stoppable_desk, stoppable_visit
    # One slave at a time, so that a gate stops the work for no other.
    claims.MOST_SLAVES = 1


@dataclass(frozen=True, eq=False)
class Spoilt(Bundle):
    """A bundle that does not travel as it should."""

    how: str = ""

    def parts(self, schema):
        head, *body = super().parts(schema)
        told, whole = json.loads(head), b"".join(body)
        arrays = [array.copy() for array in self.arrays]
        flat = arrays[-1].reshape(-1)
        numbers = {
            "nan": np.nan,
            "infinite": np.inf,
            "huge": 1e300,
            "far": 2**61,
            "2^53": 2**53,
            "negative": -(2**40),
            "largest": 2**63 - 1,
        }
        if self.how in numbers:
            for array in arrays:
                array.reshape(-1)[-1] = numbers[self.how]
            return Bundle(self.slaves, self.samples, arrays, self.facts).parts(schema)
        if self.how in ("wrong shape", "wrong type"):
            other = flat[:-1] if self.how == "wrong shape" else flat.astype("<f4")
            packed = blob.pack(Schema((Field("x", other.dtype.str, other.shape),)), [other])
            return [head, *list(packed)[1:]]
        if self.how == "object":
            import pickle

            return [pickle.dumps(flat.astype(object))]
        rows = {"no rows": 0, "negative rows": -5, "too many rows": 1 << 60, "more rows": 10_000}
        rows["a few more rows"] = self.samples[0] + 21
        if self.how in rows:
            told["samples"] = [rows[self.how]]
        elif self.how == "another's":
            told["slaves"] = ["1"]
        elif self.how == "facts":
            told["facts"] = {"loss": ["\u001b[31m"]}
        elif self.how == "nested":
            return [b"[" * 100_000, whole]
        changed = {
            "truncated": [whole[:-9]],
            "trailing": [whole + b"more"],
            "damaged": [whole[:-1] + bytes([whole[-1] ^ 1])],
            "oversize": [whole + bytes(20_000_000)],
            "empty parts": [whole, *[b""] * 100_000],
        }
        if self.how == "short":
            return [b"none"]
        return [json.dumps(told).encode(), *changed.get(self.how, [whole])]


def spoilt(handed):
    """Return what slave 2 hands in instead of its bundle."""
    how = FAULTS.get("spoil", {}).get(str(handed.claim.name))
    if how is None or handed.bundle.slaves != ("2",):
        return handed
    bundle = handed.bundle
    told = bundle.slaves, bundle.samples, bundle.arrays, bundle.facts
    return replace(handed, bundle=Spoilt(*told, how=how))


def stop_masters() -> None:
    turn = MasterStore.turn

    @wraps(turn)
    def stoppable_turn(self, commits, openings):
        for commit in commits:
            pass_by(f"commit {commit.name}", self.keys.run_id)
        answers = turn(self, commits, openings)
        for commit in commits:
            pass_by(f"committed {commit.name}", self.keys.run_id)
        return answers

    MasterStore.turn = stoppable_turn


def stop_pools() -> None:
    """Make pools start workers that can be stopped."""
    real = pool.subprocess

    def start(command, **options):
        program = command.index(pool.PROGRAM)
        started = [command[0], __file__, "worker", *command[program + 1 :]]
        return real.Popen(started, **options)

    pool.subprocess = SimpleNamespace(
        Popen=start, PIPE=real.PIPE, TimeoutExpired=real.TimeoutExpired
    )


def be_patient(module) -> None:
    """Let a module's connections bear with Redis for as long as FAULTS says."""
    if "patience" in FAULTS:
        module.connect = partial(module.connect, patience=FAULTS["patience"])


def main() -> None:
    role = sys.argv.pop(1)
    if "timeout" in FAULTS:
        connection.SOCKET_TIMEOUT = FAULTS["timeout"]
    if "part" in FAULTS:
        blob.PART_BYTES = scripts.TRIP_BYTES = FAULTS["part"]
    if role == "worker":
        from fedredis.jobs import process

        stop_workers()
        be_patient(process)
        process.main()
    else:
        from fedredis.api import session
        from fedredis.cli import main as command_line

        stop_masters()
        stop_pools()
        be_patient(session)
        command_line.main()


if __name__ == "__main__":
    main()
