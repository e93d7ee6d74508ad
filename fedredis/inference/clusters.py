"""k-means by sums: Lloyd's steps on standardised columns, several starts side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fedredis.inference.exact import Count, Part, Real
from fedredis.inference.stages import next_step, step_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Scope
    from fedredis.inference.spread import Variables
    from fedredis.inference.stages import Frame

#: A start is over when no centre moves by more standard deviations.
STILL = 1e-9


@dataclass(frozen=True)
class Lloyd:
    """Learn k centres; they follow a `Spread` of the columns.

    Starts are drawn from a normal distribution with the columns' means and deviations, since rows
    are not told. Known afterwards: ``centres`` (starts, k, d), standardised, ``sizes`` (starts, k)
    and ``inertia`` (starts,), the sum of squared distances to the centres of the step before.
    """

    variables: Variables
    clusters: int
    starts: int
    seed: int
    most_steps: int
    scope: Scope
    standardise: bool = True
    blanks: ClassVar[bool] = False

    def next_pass(self, known: Named) -> str | None:
        """``step <n>``."""
        return next_step(known)

    def scale(self, known: Named) -> NDArray[Any]:
        """Return what columns are divided by (d,)."""
        scale = known["scale"]
        return scale if self.standardise else np.full_like(scale, scale.max())

    def _centres(self, known: Named) -> NDArray[Any]:
        if "centres" in known:
            return known["centres"]
        shape = (self.starts, self.clusters, len(known["mean"]))
        drawn = np.random.default_rng([self.seed, 0]).normal(size=shape)
        return np.asarray(drawn * (known["scale"] / self.scale(known)))

    def parts(self, name: str, known: Named) -> tuple[Part, ...]:
        """Describe what is summed in a step."""
        s, k, d = self._centres(known).shape
        return (
            Count.of("sizes", s, k, among=(1,), cells=True),
            Real("sums", (s * k, d), self.scope),
            Real("inertia", (s,), self.scope),
        )

    def sums(self, name: str, known: Named, frame: Frame) -> Arrays:
        """Add up a slave's rows, each at the nearest centre, the first of several."""
        z = (self.variables.matrix(known, frame) - known["mean"]) / self.scale(known)
        centres = self._centres(known)
        parts: Any = self.parts(name, known)
        s, k, d = centres.shape
        columns = np.ascontiguousarray(z.T)
        away = np.zeros((s, k, len(z)))
        for column in range(d):
            away += (columns[column] - centres[:, :, column, np.newaxis]) ** 2
        nearest = away.argmin(axis=1)
        sizes = np.array([np.bincount(line, minlength=k) for line in nearest])
        _, sums, inertia = parts
        bins = (nearest + k * np.arange(s)[:, np.newaxis]).ravel()
        return [sizes, sums.add_in(bins, np.tile(z, (s, 1))), inertia.add(away.min(axis=1).T)]

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Move the centres; one without rows stays."""
        before = self._centres(known)
        sizes, sums, inertia = total
        steps = step_of(known)
        rows = sizes[..., np.newaxis]
        centres = np.where(rows > 0, sums.reshape(before.shape) / np.maximum(rows, 1), before)
        still = float(np.abs(centres - before).max()) <= STILL
        return {
            **known,
            "centres": centres,
            "sizes": sizes,
            "inertia": inertia,
            "steps": np.array(steps),
            "over": np.array(int(still or steps >= self.most_steps)),
            "converged": np.array(int(still)),
        }
