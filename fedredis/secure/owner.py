"""What a slave's own process holds for its owner: keys, journal, policy and record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from fedredis.errors import RuleError, UsageError
from fedredis.secure.identity import Identity, Roster
from fedredis.secure.journal import ROWS, Journal
from fedredis.secure.masks import arrays_digest
from fedredis.secure.party import Pairs, Party, channel_key
from fedredis.secure.policy import Policy
from fedredis.secure.record import RECORD, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fedredis.secure.circle import Terms

#: Seconds for which a run's secrets are kept: who steals a disk later opens no older letters.
SECRETS_KEPT = 30 * 86_400.0
#: How many circles are kept at hand: a run has one.
CIRCLES = 2


@dataclass
class Owner:
    """The folder of a policy file: slaves' keys, the journal and the record lie beside it."""

    folder: Path
    policy: Policy
    journal: Journal
    clock: Callable[[], float]
    #: None where nothing is recorded: the slaves are simulated.
    record: Record | None
    _roots: dict[tuple[str, str], bytes] = field(default_factory=dict)
    #: Runs and slaves whose rows are known to be those that it masked before.
    _fixed: set[tuple[str, str]] = field(default_factory=set)
    _circles: dict[tuple[object, ...], tuple[Pairs, dict[str, Party]]] = field(
        default_factory=dict
    )

    @classmethod
    def open(cls, path: Path, clock: Callable[[], float], *, records: bool = True) -> Self:
        """Read a policy file, and open what lies beside it; `clock` tells the seconds since 1970.

        Without `records` the slaves are simulated: what leaves is not written down, and the
        journal does not wait for the disk.

        Raises
        ------
        UsageError
            If it is none.
        JournalError
            If the journal can't be used.
        """
        folder, policy = path.parent, Policy.load(path)
        record = Record(folder / RECORD, clock) if records else None
        journal = Journal.open(folder, flushed=records)
        journal.forget(clock() - SECRETS_KEPT)
        return cls(folder, policy, journal, clock, record)

    @property
    def roster(self) -> Roster:
        """The public keys that the owner trusts.

        Raises
        ------
        RuleError
            If there are none.
        """
        if self.policy.roster is None:
            raise RuleError("roster", f"the policy file in {self.folder} has no [roster]")
        return self.policy.roster

    def channel(self, terms: Terms, slave: str) -> tuple[bytes, bytes]:
        """Return a slave's channel key for a run (32,), and its signature on the terms (64,).

        Raises
        ------
        RuleError
            If the slave has no key, or the roster another one.
        """
        try:
            identity = Identity.load(self.folder, slave)
        except UsageError as error:
            raise RuleError("roster", str(error)) from None
        if self.roster.keys.get(slave) != identity.public:
            raise RuleError(
                "roster",
                f"it does not have slave {slave} with the key that is here; `fedredis policy "
                "check` says whose keys it has",
            )
        public = channel_key(self._root(terms.run, slave)).public_key().public_bytes_raw()
        return public, terms.sign(self.roster, identity, public)

    def _root(self, run: str, slave: str) -> bytes:
        if (run, slave) not in self._roots:
            if any(other != run for other, _ in self._roots):
                self._roots.clear()
            self._roots[run, slave] = self.journal.root(run, slave, self.clock())
        return self._roots[run, slave]

    def fix_rows(
        self,
        run: str,
        slaves: Sequence[str],
        rows: Callable[[str], Sequence[NDArray[Any] | None]],
    ) -> None:
        """See that slaves have the rows that they had when they first masked in a run.

        Raises
        ------
        RuleError
            If one has others.
        """
        if new := [slave for slave in slaves if (run, slave) not in self._fixed]:
            if any(other != run for other, _ in self._fixed):
                self._fixed.clear()
            said = {slave: arrays_digest(rows(slave)) for slave in new}
            self.journal.once(run, {ROWS: said})
            self._fixed.update((run, slave) for slave in new)

    def parties(
        self,
        terms: Terms,
        keys: Mapping[str, bytes],
        signatures: Mapping[str, bytes],
        slaves: Sequence[str],
    ) -> list[Party]:
        """Return slaves among those who mask with each other; all signatures are looked at once.

        Raises
        ------
        RuleError
            If they can't be trusted.
        """
        about = (terms, *keys.items(), *signatures.items())
        if about not in self._circles:
            circle = terms.circle(self.roster, keys, signatures)
            if len(self._circles) >= CIRCLES:
                del self._circles[next(iter(self._circles))]
            self._circles[about] = Pairs(circle), {}
        pairs, there = self._circles[about]
        for slave in slaves:
            if slave not in pairs.circle.places:
                raise RuleError(
                    "known-slaves",
                    f"slave {slave} has no part in the masks of this run: its channel key was "
                    "not among those that it began with; start another run",
                )
            if slave not in there:
                there[slave] = Party(pairs, slave, self._root(terms.run, slave))
        return [there[slave] for slave in slaves]
