"""A master that is not in charge yet, as it waits for slaves: others can see it, and stop it."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from fedredis.errors import FedredisError, StopRequestedError
from fedredis.keys import RunKeys
from fedredis.rounds.master import ASKED, INTERRUPTED
from fedredis.store import runs
from fedredis.store.master import MasterStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis import Redis


class Beginning:
    """The time before a master takes its lease for good, which it holds meanwhile."""

    def __init__(self, client: Redis, run_id: str, token: str, lease_ms: int) -> None:
        self._client, self._run = client, run_id
        #: What the lease is held with.
        self.token = token
        self._store = MasterStore(client, RunKeys(run_id), token=token, lease_ms=lease_ms)
        #: To be called several times in a lease.
        self.hold = self._store.hold

    def heed(self) -> None:
        """Stop if that is asked for.

        Raises
        ------
        StopRequestedError
            If it is.
        """
        if self._store.is_to_stop():
            raise StopRequestedError(f"run {self._run} was asked to stop")

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """Record why a run never began."""
        try:
            yield
        except KeyboardInterrupt:
            self._leave("stopped", INTERRUPTED)
            raise
        except StopRequestedError:
            self._leave("stopped", ASKED)
            raise
        except FedredisError as error:
            self._leave("failed", str(error))
            raise

    def _leave(self, status: str, why: str) -> None:
        # Whatever is wrong with Redis, this is not what to tell of.
        with suppress(FedredisError, RedisError):
            if runs.read(self._client, self._run).status == "waiting":
                self._store.acquire()
                self._store.release(status, why)
