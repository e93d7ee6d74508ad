"""A worker or a command whose steps a test can stop, and whose ways it can spoil.

``python stoppable.py worker DIRECTORY …`` is ``python -m fedredis.jobs.process``, and
``python stoppable.py fedredis ARGUMENT …`` is ``fedredis``, with gates at the points that
`Gates` in the conftest closes (GATES_URL in the environment), and with FAULTS, a JSON object:

- ``crash``: slave to how often its training raises;
- ``spoil``: round to what becomes of slave 2's update in it;
- ``part``: bytes of a part, so that models and updates are large ones, in several parts;
- ``other_kind``: the round in which slave 2 hands in its update as parts, or not, wrongly;
- ``patience``: seconds for which Redis may be away;
- ``clock_ahead``: seconds by which the clock is ahead.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
import time
import zlib

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
    advance_clock(FAULTS["clock_ahead"])

from functools import partial, wraps  # noqa: E402
from types import SimpleNamespace  # noqa: E402

import numpy as np  # noqa: E402
from redis import Redis  # noqa: E402

from fedredis import codec  # noqa: E402
from fedredis.codec import MAGIC  # noqa: E402
from fedredis.jobs import attachment, pool  # noqa: E402
from fedredis.store.master import MasterStore  # noqa: E402
from fedredis.store.slave import SlaveStore  # noqa: E402
from fedredis.update import BODY, SAMPLES_BYTES  # noqa: E402

GATES = Redis.from_url(os.environ["GATES_URL"], socket_timeout=None)


def pass_by(point: str, run_id: str) -> None:
    """Stop here if the test has closed this gate, until it opens it; once for each closing."""
    for gate in (point, f"{point} of {run_id}"):
        if GATES.srem("closed", gate):
            GATES.lpush(f"reached:{gate}", os.getpid())
            GATES.blpop(f"open:{gate}", 0)


def stop_workers() -> None:
    for kind, contribute in attachment.CONTRIBUTE.items():
        attachment.CONTRIBUTE[kind] = stoppable_work(contribute)
    submit = SlaveStore.submit

    @wraps(submit)
    def stoppable_submit(self, claim, updates, facts):
        if str(claim.label) in FAULTS.get("spoil", {}):
            updates = [spoilt(claim.label, update) for update in updates]
        if str(claim.label) == FAULTS.get("other_kind"):
            updates = [of_other_kind(update) for update in updates]
        for update in updates:
            pass_by(f"submit {claim.label} {update.slave}", self.keys.run_id)
        results = submit(self, claim, updates, facts)
        for update in updates:
            pass_by(f"submitted {claim.label} {update.slave}", self.keys.run_id)
        return results

    SlaveStore.submit = stoppable_submit
    # One slave at a time, so that a gate stops the work for no other.
    attachment.MOST_SLAVES = 1


def stoppable_work(contribute):
    crashes = dict(FAULTS.get("crash", {}))

    def work(task):
        for slave in task.slaves:
            pass_by(f"work {task.label} {slave}", task.run.run_id)
            if task.label.kind == "train" and crashes.get(slave):
                crashes[slave] -= 1
                raise RuntimeError("this trainer crashes")
        return contribute(task)

    return work


def spoilt(label, update):
    """Return what slave 2 hands in instead of its update."""
    if update.slave != "2":
        return update
    packed, how = update.packed, FAULTS["spoil"][str(label)]
    body = np.frombuffer(packed[BODY:], "<f8").copy()
    checked = {"nan": np.nan, "infinite": np.inf, "huge": 1e300}
    if how in checked:
        body[1] = checked[how]
        packed = repacked(body, packed)
    elif how == "no rows":
        packed = repacked(body, (0).to_bytes(8, "little"))
    elif how == "negative rows":
        packed = repacked(body, (-5).to_bytes(8, "little", signed=True))
    elif how == "too many rows":
        packed = repacked(body, (1 << 60).to_bytes(8, "little"))
    elif how == "wrong shape":
        packed = repacked(body[:-1], packed)
    elif how == "wrong type":
        packed = repacked(body.astype("<f4"), packed)
    elif how == "object":
        import pickle

        packed = pickle.dumps(body.astype(object))
    elif how == "truncated":
        packed = packed[:-9]
    elif how == "trailing":
        packed += b"more"
    elif how == "damaged":
        packed = packed[:-1] + bytes([packed[-1] ^ 1])
    elif how == "short":
        packed = b"none"
    elif how == "oversize":
        packed += bytes(20_000_000)
    else:
        raise ValueError(how)
    return type(update)(update.slave, packed, update.facts)


def of_other_kind(update):
    """Return slave 2's update as parts if it is none, and the other way around."""
    if update.slave != "2":
        return update
    if isinstance(update.packed, bytes):
        other = [update.packed[:BODY], update.packed[BODY:]]
    else:
        other = b"".join(update.packed)
    return type(update)(update.slave, other, update.facts)


def repacked(body, samples: bytes) -> bytes:
    """Pack a body of other numbers, shape or type, with its right checksum."""
    checksum = zlib.crc32(body.tobytes()).to_bytes(4, "little")
    return samples[:SAMPLES_BYTES] + MAGIC + checksum + body.tobytes()


def stop_masters() -> None:
    commit = MasterStore.commit

    @wraps(commit)
    def stoppable_commit(self, label, **outcome):
        pass_by(f"commit {label}", self.keys.run_id)
        result = commit(self, label, **outcome)
        pass_by(f"committed {label}", self.keys.run_id)
        return result

    MasterStore.commit = stoppable_commit


def stop_pools() -> None:
    """Make pools start workers that can be stopped."""
    real = pool.subprocess

    def start(command, **options):
        program = command.index("fedredis.jobs.process")
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
    if "part" in FAULTS:
        codec.LARGE_BYTES, codec.PART_BYTES = 0, FAULTS["part"]
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
