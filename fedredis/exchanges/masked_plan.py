"""The plan of a run under masks: the same exchanges in the same order, each of them in two rounds.

Before the first come the channel keys, and before the sums of a batch its shares. A test comes in
together with the training after it, once it is known that all slaves take part in tests.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fedredis.exchanges.circles import masked_together, slot_of, slots_of
from fedredis.exchanges.hiding import TESTED
from fedredis.exchanges.plan import Plan
from fedredis.exchanges.unmask import Unmask
from fedredis.keys import RoundName
from fedredis.secure.naming import masked_name, plain_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from fedredis.exchanges.plan import Progress
    from fedredis.exchanges.protocol import Exchange, Reduced, Step

#: What masks need of artifacts, by how their names begin.
KEPT = ("channel", "letters", "vaults", "masked-", "inside-")


@dataclass(frozen=True)
class MaskedPlan(Plan):
    """The course of a run under masks, given that of the run without them."""

    plain: Plan

    def due(self, progress: Progress, under_way: Collection[RoundName] = ()) -> list[Exchange]:
        """List the exchanges that can begin now, beside those that are under way."""
        stages = dict.fromkeys(self._stage(name, progress) for name in self._sums(progress))
        return [self._make(progress, name) for name in stages if name not in under_way]

    def names(self, progress: Progress) -> list[RoundName]:
        """Name the sums that come next."""
        return self.plain.names(progress)

    def _sums(self, progress: Progress) -> list[RoundName]:
        """Name the sums that come next, but for tests that come in with the training after them.

        A test waits for that training to begin, so whether they come in together depends on what
        is known of the test before alone, whoever asks and when.
        """
        names = self.names(progress)
        if not masked_together(self.setup) or not names:
            return names
        newest = RoundName("evaluate", progress.round)
        if names[-1].kind == "train":
            return [n for n in names if n != newest or self._tests(names[-1], progress) is None]
        waits = len(names) > 1 and newest in names
        return [name for name in names if name != newest] if waits else names

    def _tests(self, name: RoundName, progress: Progress) -> RoundName | None:
        """Name the test whose sums come in with those of a round, if one does."""
        test = RoundName("evaluate", name.number - 1)
        if name.kind != "train" or not masked_together(self.setup):
            return None
        if inside := progress.artifacts.get(f"inside-{name}"):
            # It is fixed by now.
            return test if TESTED in inside else None
        tested = progress.scores.get(test.number - 1) is not None
        return test if tested and test.number not in progress.scores else None

    def needed(self, progress: Progress) -> list[str]:
        """Name the artifacts that a run can't go on without."""
        return self.plain.needed(progress)

    def ending(self, progress: Progress) -> tuple[str, ...]:
        """Say what may mislead in a run that is over."""
        return self.plain.ending(progress)

    def _stage(self, name: RoundName, progress: Progress) -> RoundName:
        """Return the round that is next on the way to one."""
        there, batch = progress.artifacts, slot_of(self.setup, name).batch
        if "channel:1" not in there:
            return RoundName("channel", 1)
        if f"letters:{batch}" not in there:
            return RoundName("deal", batch)
        return name if f"inside-{name}" in there else masked_name(name)

    def wanted(self, progress: Progress) -> list[str]:
        """Name the artifacts that a run may have where it stands, those of masks among them."""
        names, grown = self.names(progress), "grow" if self.setup.boosts else "train"
        passes = _number(progress.preprocessing)
        reached = {"statistics": passes, "inference": passes, "evaluate": progress.round}
        reached[grown] = _number(progress.growing) or progress.round
        # What a kind of sum comes to next may not be known yet, and its shares be dealt already.
        near = [
            RoundName(kind, n) for kind, last in reached.items() for n in (last, last + 1) if n
        ]
        batches = {slot_of(self.setup, name).batch: None for name in (*names, *near)}
        each = [f"{what}:{batch}" for batch in batches for what in ("letters", "vaults")]
        each += [f"{what}-{name}" for name in names for what in ("masked", "inside")]
        return [*self.plain.wanted(progress), "channel:1", *each]

    def reads(self, name: RoundName, progress: Progress) -> dict[str, str]:
        """Name the artifacts that slaves are given in a round, by what they are for."""
        if name.kind == "channel":
            return {}
        names = {"channel": "channel:1"}
        if name.kind == "deal":
            return names
        plain = plain_name(name)
        names["letters"] = f"letters:{slot_of(self.setup, plain).batch}"
        if plain == name:
            names["inside"] = f"inside-{plain}"
        read = self.plain.reads(plain, progress)
        if self._tests(plain, progress):
            names[TESTED] = read["model"]
        return {**read, **names}

    def reads_here(self, name: RoundName, progress: Progress) -> dict[str, str]:
        """Name the artifacts that the master is given, by what they are for."""
        reads = self.reads(name, progress)
        if name.kind in ("channel", "deal"):
            return reads
        plain = plain_name(name)
        reads |= self.plain.reads_here(plain, progress)
        if plain == name:
            batch = slot_of(self.setup, name).batch
            reads |= {"vaults": f"vaults:{batch}", "masked": f"masked-{name}"}
        return reads

    def after(
        self, progress: Progress, exchange: Exchange, step: Step, reduced: Reduced
    ) -> tuple[Progress, Step]:
        """Return where the run stands after a step, and the step with what follows from that."""
        if not isinstance(exchange, Unmask):
            return progress.after(step), step
        hiding, name, before = exchange.hiding, exchange.name, progress.artifacts
        plain = replace(reduced, counted=exchange.counted, asked=len(hiding.inner.slaves))
        drop, steps = [f"masked-{name}", f"inside-{name}"], {**step.beside, name: step}
        for part in hiding.parts:
            progress, steps[part.name] = self.plain.after(progress, part, steps[part.name], plain)
            slot = slot_of(self.setup, part.name)
            if slot.place == slots_of(self.setup, slot.batch) - 1:
                drop += [f"letters:{slot.batch}", f"vaults:{slot.batch}"]
        step = replace(steps.pop(name), beside=steps).joined()
        kept = {a: arrays for a, arrays in before.items() if a.startswith(KEPT) and a not in drop}
        if not self.names(progress):
            # It was the last one.
            drop, kept = [*drop, *kept], {}
        progress = replace(progress, artifacts={**progress.artifacts, **kept})
        return progress, replace(step, drop=(*step.drop, *drop))


def _number(artifact: str) -> int:
    """Return the number that an artifact's name ends with, 0 if there is none."""
    return int(artifact.partition(":")[2] or 0)
