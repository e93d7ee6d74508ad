"""The plans that runs follow, and which of them follows which."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fedredis.exchanges.plan import GROWS, Plan
from fedredis.keys import RoundName
from fedredis.secure.naming import BEFORE, masked_name, plain_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.exchanges.plan import Progress
    from fedredis.exchanges.protocol import Exchange, Reduced, Step
    from fedredis.exchanges.setup import Setup


class GrowthPlan(Plan):
    """The course of a run that grows trees: each round of training is one exchange a level."""

    def _next(self, progress: Progress) -> RoundName:
        return RoundName("grow", int(progress.growing.partition(":")[2] or 0) + 1)

    def needed(self, progress: Progress) -> list[str]:
        """Name the artifacts that a run can't go on without, the growing trees too."""
        return super().needed(progress) + _of_growth(progress)[:1]

    def wanted(self, progress: Progress) -> list[str]:
        """Name what else a run may have, the histograms of the trees that grow among it."""
        return super().wanted(progress) + _of_growth(progress)[1:]

    def reads(self, name: RoundName, progress: Progress) -> dict[str, str]:
        """Name the artifacts that slaves are given in a round, by what they are for."""
        if name.kind != "grow":
            return super().reads(name, progress)
        growth = dict(zip(("growth",), _of_growth(progress), strict=False))
        return {"known": progress.preprocessing, "model": progress.model, **growth}

    def reads_here(self, name: RoundName, progress: Progress) -> dict[str, str]:
        """Name the artifacts that the master is given, histograms too."""
        growth = _of_growth(progress) if name.kind == "grow" else []
        more = dict(zip(("growth", "histograms"), growth, strict=False))
        return {**super().reads_here(name, progress), **more}

    def _read_again(self, artifact: str, progress: Progress) -> bool:
        return artifact in _of_growth(progress) or super()._read_again(artifact, progress)


def _of_growth(progress: Progress) -> list[str]:
    """Name the trees that grow, and the histograms that they have; nothing if none grow."""
    if not progress.growing.startswith(GROWS):
        return []
    return [progress.growing, f"histograms:{progress.growing.removeprefix(GROWS)}"]


class InferencePlan(Plan):
    """The course of a run that answers a question: passes, until none is missing."""

    def names(self, progress: Progress) -> list[RoundName]:
        """Name the next pass, if there is one."""
        number = int(progress.preprocessing.partition(":")[2]) + 1
        return [] if progress.converged else [RoundName("inference", number)]

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


def following(setup: Setup, names: Sequence[RoundName]) -> list[RoundName]:
    """Name the rounds that likely follow some, in order: the test of a model comes first.

    Under masks a sum's second round follows its first, and then comes the first of the next.
    """
    if setup.config.secure:
        sums = (name for name in names if name.kind not in BEFORE)
        return [masked_name(_next(n)) if n == plain_name(n) else plain_name(n) for n in sums]
    tests = [RoundName("evaluate", name.number) for name in names if name.kind == "train"]
    return list(dict.fromkeys((*tests, *map(_next, names))))


def _next(name: RoundName) -> RoundName:
    return RoundName(name.kind, name.number + 1)


def plan_of(setup: Setup) -> Plan:
    """Return the plan that a run follows."""
    kind = InferencePlan if setup.config.analysis else GrowthPlan if setup.boosts else Plan
    if not setup.config.secure:
        return kind(setup)
    from fedredis.exchanges.masked_plan import MaskedPlan  # what no run without masks needs

    return MaskedPlan(setup, kind(setup))
