"""The plans that runs follow, and which of them follows which."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fedredis.exchanges.masked_plan import MaskedPlan
from fedredis.exchanges.plan import Plan
from fedredis.keys import RoundName

if TYPE_CHECKING:
    from collections.abc import Collection

    from fedredis.exchanges.plan import Progress
    from fedredis.exchanges.protocol import Exchange, Reduced, Step
    from fedredis.exchanges.setup import Setup


class GrowthPlan(Plan):
    """The course of a run that grows trees: each round of training is one exchange a level."""

    def _next(self, progress: Progress) -> RoundName:
        if progress.growing:
            number = int(progress.growing.partition(":")[2]) + 1
        else:
            # Each level may be asked a second time. Where trees end early, numbers are left out.
            number = 2 * progress.round * self.setup.boosting.depth + 1
        return RoundName("grow", number)

    def reads(self, name: RoundName, progress: Progress) -> dict[str, str]:
        """Name the artifacts that slaves are given in a round, by what they are for."""
        if name.kind != "grow":
            return super().reads(name, progress)
        growth = {"growth": progress.growing} if progress.growing else {}
        return {"known": progress.preprocessing, "model": progress.model, **growth}

    def _reads_here(self, name: RoundName, progress: Progress) -> dict[str, str]:
        more = {"histograms": f"histograms:{name.number - 1}"} if name.kind == "grow" else {}
        return {**super()._reads_here(name, progress), **more}

    def _read_again(self, artifact: str, progress: Progress) -> bool:
        kind, _, number = artifact.partition(":")
        if kind in ("growth", "histograms"):
            return f"growth:{number}" == progress.growing
        return super()._read_again(artifact, progress)


class InferencePlan(Plan):
    """The course of a run that answers a question: passes, until none is missing."""

    def due(self, progress: Progress, under_way: Collection[RoundName] = ()) -> list[Exchange]:
        """Name the next pass, if there is one."""
        if progress.converged:
            return []
        name = RoundName("inference", int(progress.preprocessing.partition(":")[2]) + 1)
        return [] if name in under_way else [self._make(progress, name)]

    def reads(self, name: RoundName, progress: Progress) -> dict[str, str]:
        """Name what is known."""
        return {"known": progress.preprocessing}

    def after(
        self, progress: Progress, exchange: Exchange, step: Step, reduced: Reduced
    ) -> tuple[Progress, Step]:
        """Return where the run stands after a pass."""
        after = progress.after(step)
        known = {after.preprocessing: after.artifacts[after.preprocessing]}
        return replace(after, artifacts=known), step

    def ending(self, progress: Progress) -> tuple[str, ...]:
        """Nothing: a result has warnings of its own."""
        return ()


def plan_of(setup: Setup) -> Plan:
    """Return the plan that a run follows."""
    if setup.config.analysis:
        return InferencePlan(setup)
    if setup.config.secure:
        return MaskedPlan(setup)
    return GrowthPlan(setup) if setup.boosts else Plan(setup)
